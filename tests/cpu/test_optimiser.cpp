#include <tinygan/cpu/adam.hpp>
#include <tinygan/cpu/clip.hpp>
#include <tinygan/cpu/ema.hpp>
#include <tinygan/cpu/sgd.hpp>

#include "support/cpu_kernels.hpp"

using namespace tinygan;
using namespace tinygan::cpu_test;

namespace {

const std::vector<index_t> sizes = {1, 17, 40000, 5, 33000, 64};

/// Parameters of the sizes above, laid end to end in four arrays.
template <class T>
struct State {
  std::vector<T> param, grad, m, v;
  std::vector<ParameterSlot<T>> slots;
  std::vector<Segment<T>> segments;
  std::vector<Segment<const T>> const_segments;

  State() {
    index_t total = 0;
    for (const index_t n : sizes) total += n;
    param = numbers<T>(total, 1), grad = numbers<T>(total, 2), m = numbers<T>(total, 3), v = numbers<T>(total, 4, 0, 2);
    for (std::size_t i = 0; i < v.size(); i += 11) v[i] = m[i] = grad[i] = T(0);  // untouched so far
    index_t at = 0;
    for (const index_t n : sizes) {
      slots.push_back({n, param.data() + at, grad.data() + at, m.data() + at, v.data() + at});
      segments.push_back({n, grad.data() + at});
      const_segments.push_back({n, grad.data() + at});
      at += n;
    }
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  int count() const { return static_cast<int>(slots.size()); }
  index_t total() const { return static_cast<index_t>(param.size()); }
};

template <class T>
void check_adam(const AdamHyper& h, std::uint64_t step) {
  INFO("step " << step << ", epsilon_hat " << h.epsilon_hat << ", decay " << h.weight_decay);
  const State<T> before;
  Expected param(before.total()), m(before.total()), v(before.total());
  const double rate = h.rate(static_cast<double>(step));
  const auto correction = [&](double beta) {
    return h.bias_correction ? 1 - std::pow(beta, static_cast<double>(step)) : 1;
  };
  const double c1 = correction(h.beta1), c2 = correction(h.beta2);
  for (index_t i = 0; i < before.total(); ++i) {
    const auto p = static_cast<double>(before.param[as_size(i)]), g = static_cast<double>(before.grad[as_size(i)]);
    const auto m0 = static_cast<double>(before.m[as_size(i)]), v0 = static_cast<double>(before.v[as_size(i)]);
    const double m1 = h.beta1 * m0 + (1 - h.beta1) * g, v1 = h.beta2 * v0 + (1 - h.beta2) * g * g;
    const double update = h.epsilon_hat ? rate * std::sqrt(c2) / c1 * m1 / (std::sqrt(v1) + h.epsilon)
                                        : rate * (m1 / c1) / (std::sqrt(v1 / c2) + h.epsilon);
    const double m_bound = 3 * eps<T> * (std::fabs(h.beta1 * m0) + std::fabs((1 - h.beta1) * g));
    const double decayed = p * (1 - rate * h.weight_decay);
    m.set(i, m1, m_bound);
    v.set(i, v1, 4 * eps<T> * v1);
    // The update is relatively as uncertain as m, and ten roundings more.
    const double relative = m1 == 0 ? 0 : m_bound / std::fabs(m1) + 10 * eps<T>;
    param.set(i, decayed - update, 2 * eps<T> * std::fabs(p) + std::fabs(update) * relative);
  }
  check_everywhere<T>({param, m, v}, [&] {
    State<T> s;
    cpu::adam(h, s.count(), s.slots.data(), &step, {});
    CHECK(first_difference(s.grad, before.grad) == "");
    return std::vector<std::vector<T>>{s.param, s.m, s.v};
  });
}

template <class T>
void check_sgd(const SgdHyper& h) {
  constexpr std::uint64_t step = 3;
  const double rate = h.rate(3);
  INFO("momentum " << h.momentum << ", nesterov " << h.nesterov << ", rate " << rate);
  const State<T> before;
  Expected param(before.total()), m(before.total());
  for (index_t i = 0; i < before.total(); ++i) {
    const auto p = static_cast<double>(before.param[as_size(i)]), m0 = static_cast<double>(before.m[as_size(i)]);
    const double g = static_cast<double>(before.grad[as_size(i)]) + h.weight_decay * p, m1 = h.momentum * m0 + g;
    const double size = std::fabs(g) + h.weight_decay * std::fabs(p) + std::fabs(h.momentum * m0);
    m.set(i, m1, 4 * eps<T> * size);
    param.set(i, p - rate * (h.nesterov ? g + h.momentum * m1 : m1), eps<T> * (2 * std::fabs(p) + 16 * rate * size));
  }
  check_everywhere<T>({param, m}, [&] {
    State<T> s;
    cpu::sgd(h, s.count(), s.slots.data(), &step, {});
    return std::vector<std::vector<T>>{s.param, s.m};
  });
}

template <class T>
void check_norm_and_clip(double max_norm) {
  INFO("max_norm " << max_norm);
  const State<T> before;
  double squares = 0;
  for (const T g : before.grad) squares += static_cast<double>(g) * static_cast<double>(g);
  const double exact = std::sqrt(squares), factor = std::min(1.0, max_norm / (exact + 1e-6));
  Expected norm(1), clipped(before.total());
  norm.set(0, exact, 64 * eps<T> * exact);  // 64 squares in a row in T
  for (index_t i = 0; i < before.total(); ++i) {
    const double g = factor * static_cast<double>(before.grad[as_size(i)]);
    clipped.set(i, g, factor == 1 ? 0 : 70 * eps<T> * std::fabs(g));
  }
  check_everywhere<T>({norm, clipped}, [&] {
    State<T> s;
    std::vector<T> found = poisoned<T>(1);
    GuardedWorkspace scratch;
    cpu::global_norm<T>(s.count(), s.const_segments.data(), found.data(), scratch, {});
    cpu::clip_by_norm<T>(s.count(), s.segments.data(), found.data(), static_cast<T>(max_norm), {});
    return std::vector<std::vector<T>>{found, s.grad};
  });
}

}  // namespace

TEST_CASE("cpu adam: one step from any state", "[cpu][optimiser]") {
  const RateSchedule falling{.decay = RateSchedule::Decay::linear, .begin = 500, .end = 1500};
  for (const std::uint64_t step : {1u, 2u, 1000u, 1000000u})
    for (const AdamHyper& h :
         {AdamHyper::gan(), AdamHyper{},
          AdamHyper{.learning_rate = 1e-3, .beta1 = 0.9, .epsilon = 1e-7, .epsilon_hat = true},
          AdamHyper{.learning_rate = 0.01, .beta1 = 0.9, .weight_decay = 0.1}, AdamHyper{.beta1 = 0.0, .beta2 = 0.9},
          AdamHyper{.weight_decay = 0.1, .schedule = falling}, AdamHyper{.bias_correction = false}}) {
      check_adam<float>(h, step);
      check_adam<double>(h, step);
    }
}

TEST_CASE("cpu sgd: plain, momentum, Nesterov, decay, schedule", "[cpu][optimiser]") {
  for (const SgdHyper& h :
       {SgdHyper{}, SgdHyper{.momentum = 0.9}, SgdHyper{.momentum = 0.9, .weight_decay = 0.01, .nesterov = true},
        SgdHyper{.schedule = {.warmup = 4}}}) {
    check_sgd<float>(h);
    check_sgd<double>(h);
  }
}

TEST_CASE("cpu ema", "[cpu][optimiser]") {
  for (const index_t n : {1, 21, 70001}) {
    const auto x = numbers<float>(n, 1), start = numbers<float>(n, 2);
    Expected want(n);
    for (index_t i = 0; i < n; ++i) {
      const auto a = static_cast<double>(start[as_size(i)]), b = static_cast<double>(x[as_size(i)]);
      const double decay = static_cast<double>(0.99f);
      want.set(i, decay * a + (1 - decay) * b, 3 * eps<float> * (std::fabs(a) + std::fabs(b)));
    }
    check_everywhere<float>({want}, [&] {
      auto average = start;
      cpu::ema(n, 0.99f, x.data(), average.data(), {});
      return std::vector<std::vector<float>>{average};
    });
  }
}

TEST_CASE("cpu global_norm and clip_by_norm", "[cpu][optimiser]") {
  for (const double max_norm : {0.5, 1e9}) {
    check_norm_and_clip<float>(max_norm);
    check_norm_and_clip<double>(max_norm);
  }
}

TEST_CASE("cpu clip_by_norm: a NaN norm shows in every gradient", "[cpu][optimiser]") {
  std::vector<float> g = {1, 2, 3};
  const Segment<float> segment{3, g.data()};
  const float norm = std::numeric_limits<float>::quiet_NaN();
  cpu::clip_by_norm(1, &segment, &norm, 1.0f, {});
  for (const float value : g) CHECK(std::isnan(value));
}
