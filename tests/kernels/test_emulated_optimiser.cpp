// Optimiser kernels of the CUDA backend on the emulated device, against the CPU's in double.
#include "kernels/emulated.hpp"

namespace tinygan {
namespace {

using namespace test;

/// Tensors of these sizes, some of them unaligned, on the device and in double. Parameters of bfloat16 have masters.
template <class T>
struct Parameters {
  static constexpr bool with_master = !std::is_same_v<T, float>;
  struct One {
    Operand<T> param, grad;
    Operand<float> m, v, master;
    std::vector<double> param64, grad64, m64, v64;

    One(index_t n, int offset, unsigned seed)
        : param(n, offset, seed), grad(n, offset, seed + 1), m(n, offset, seed + 2), v(n, 0, seed + 3),
          master(with_master ? n : 0, offset, seed + 4) {
      for (index_t i = 0; i < n; ++i) v[i] = v.data()[i] * v.data()[i];
      param64 = with_master ? wide(master) : wide(param);
      grad64 = wide(grad), m64 = wide(m), v64 = wide(v);
    }

    template <class U>
    static std::vector<double> wide(const Operand<U>& x) {
      const auto values = x.values();
      return {values.begin(), values.end()};
    }
    /// What is updated: near param64 in the end.
    std::vector<float> exact() const {
      if constexpr (with_master) return master.values();
      else return param.values();
    }
    /// The updated values, rounded: what the parameter is to be.
    std::vector<T> rounded() const {
      std::vector<T> values;
      for (const float x : exact()) values.push_back(T(x));
      return values;
    }
  };
  std::vector<std::unique_ptr<One>> all;

  explicit Parameters(const std::vector<index_t>& sizes) {
    for (std::size_t i = 0; i < sizes.size(); ++i)
      all.push_back(std::make_unique<One>(sizes[i], i % 3 == 1 ? 1 : 0, static_cast<unsigned>(10 * i)));
  }
  int count() const { return static_cast<int>(all.size()); }
  std::vector<ParameterSlot<T>> slots() const {
    std::vector<ParameterSlot<T>> list;
    for (const auto& p : all)
      list.push_back({p->param.size(), p->param.data(), p->grad.data(), p->m.data(), p->v.data(),
                      with_master ? p->master.data() : nullptr});
    return list;
  }
  std::vector<ParameterSlot<double>> slots64() const {
    std::vector<ParameterSlot<double>> list;
    for (const auto& p : all)
      list.push_back({p->param.size(), p->param64.data(), p->grad64.data(), p->m64.data(), p->v64.data()});
    return list;
  }
};

/// A rounding's relative error, and a little for products of several.
constexpr double rounding = 1.01 * float_eps / 2;

/// found within bound(i) of expected, before it is stored as T.
template <class T, class Bound>
void check_near(const std::vector<T>& found, const std::vector<double>& expected, const Bound& bound) {
  check_stored(
      found, [&](index_t i) { return expected[static_cast<std::size_t>(i)]; }, bound);
}

const std::vector<index_t> sizes = {1, 4096, 4097, 3, 1000, 9001, 64};

/// One tensor after a step. Roundings of m: of a term its coefficient and the product, then the sum. Of v: a
/// coefficient, two products, the sum. Of the update rate m / (root sqrt(v) + epsilon), beside those of m: rate,
/// product and division, and of the denominator half of v's, the square root, root, product, epsilon and sum. Of p:
/// keep and its product, and the difference.
template <class One>
void check_adam_step(const AdamHyper& h, const One& before, const One& after) {
  const auto m_size = [&](index_t i) {
    const auto k = static_cast<std::size_t>(i);
    return std::fabs(h.beta1 * before.m64[k]) + std::fabs((1 - h.beta1) * before.grad64[k]);
  };
  check_near(after.m.values(), after.m64, [&](index_t i) { return 3 * rounding * m_size(i); });
  check_near(after.v.values(), after.v64,
             [&](index_t i) { return 4 * rounding * after.v64[static_cast<std::size_t>(i)]; });
  check_near(after.exact(), after.param64, [&](index_t i) {
    const auto k = static_cast<std::size_t>(i);
    const double kept = (1 - h.rate(3) * h.weight_decay) * before.param64[k];  // update 3
    const double update = std::fabs(kept - after.param64[k]), m = std::fabs(after.m64[k]);
    const double from_m = m > 0 ? 3 * m_size(i) / m : 0;
    return rounding * (update * (from_m + 3 + 6) + 2 * std::fabs(kept) + std::fabs(after.param64[k]));
  });
  CHECK(first_difference(after.param.values(), after.rounded()) == "");
}

template <class T>
void check_adam() {
  std::vector<index_t> many(70, 5);
  many.back() = 300;
  for (const bool keras : {false, true})
    for (const std::vector<index_t>& list : {sizes, many}) {
      const bool corrected = keras || list.size() == many.size();
      const Parameters<T> p(list), before(list);
      const RateSchedule schedule =
          keras ? RateSchedule{.decay = RateSchedule::Decay::linear, .begin = 1, .end = 5} : RateSchedule{};
      const AdamHyper h{.learning_rate = 0.01,
                        .beta1 = 0.5,
                        .beta2 = 0.999,
                        .epsilon = 1e-3,
                        .weight_decay = 0.1,
                        .epsilon_hat = keras,
                        .bias_correction = corrected,
                        .schedule = schedule};
      const std::uint64_t step = 3;
      emulated_kernels<T>().adam(h, p.count(), p.slots().data(), &step, {});
      kernels<double>(Device::cpu()).adam(h, p.count(), p.slots64().data(), &step, {});
      for (std::size_t k = 0; k < p.all.size(); ++k) check_adam_step(h, *before.all[k], *p.all[k]);
    }
}

TEST_CASE("Emulated adam: both forms, weight decay, any sizes and alignments, more tensors than one launch takes") {
  check_adam<float>();
}
TEST_CASE("Emulated adam of bfloat16: both forms, weight decay, any sizes and alignments, many tensors") {
  check_adam<bfloat16>();
}

template <class T>
void check_sgd() {
  for (const bool nesterov : {false, true}) {
    const Parameters<T> p(sizes);
    const SgdHyper h{
        .learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.01, .nesterov = nesterov, .schedule = {.warmup = 4}};
    const std::uint64_t step = 3;
    emulated_kernels<T>().sgd(h, p.count(), p.slots().data(), &step, {});
    kernels<double>(Device::cpu()).sgd(h, p.count(), p.slots64().data(), &step, {});
    for (const auto& one : p.all) {
      // Operands are at most 1. g' = g + decay p: 1.1 roundings of it. m = 0.9 m + g': 1.8 of 0.9 m, those of g', and 1
      // of their sum, at most 1.91. p - 0.1 (g' + 0.9 m): in the bracket 1.1 and 1.1 + 0.9 (1.8 + 1.1 + 1.9) + 1.8
      // roundings and 2.8 of the sum, a tenth of it, 0.6 of the product, 1.3 of the difference.
      check_near(one->m.values(), one->m64, [](index_t) { return 5 * rounding; });
      check_near(one->exact(), one->param64, [](index_t) { return 4 * rounding; });
      CHECK(first_difference(one->param.values(), one->rounded()) == "");
    }
  }
}

TEST_CASE("Emulated sgd: momentum, nesterov, weight decay") {
  check_sgd<float>();
  check_sgd<bfloat16>();
}

/// optimise(table, count, slots) of parameters with masters gives the bits that floats without get.
template <class T, class Optimise>
void check_masters(const Optimise& optimise) {
  const Parameters<T> p(sizes);
  std::vector<std::vector<float>> param, grad, m, v;
  std::vector<ParameterSlot<float>> plain;
  std::vector<std::unique_ptr<Operand<float>>> masters;
  std::vector<ParameterSlot<T>> slots = p.slots();
  for (std::size_t k = 0; k < slots.size(); ++k) {
    masters.push_back(std::make_unique<Operand<float>>(slots[k].n, k % 3 == 1 ? 1 : 0, static_cast<unsigned>(k)));
    slots[k].master = masters[k]->data();
    param.push_back(masters[k]->values());
    const std::vector<T> narrow = p.all[k]->grad.values();
    grad.emplace_back(narrow.begin(), narrow.end());
    m.push_back(p.all[k]->m.values());
    v.push_back(p.all[k]->v.values());
  }
  for (std::size_t k = 0; k < slots.size(); ++k)
    plain.push_back({slots[k].n, param[k].data(), grad[k].data(), m[k].data(), v[k].data()});
  optimise(emulated_kernels<T>(), p.count(), slots.data());
  optimise(emulated_kernels<float>(), p.count(), plain.data());
  for (std::size_t k = 0; k < slots.size(); ++k) {
    CAPTURE(sizeof(T), k, slots[k].n);
    CHECK(first_difference(masters[k]->values(), param[k]) == "");
    CHECK(first_difference(p.all[k]->m.values(), m[k]) == "");
    CHECK(first_difference(p.all[k]->v.values(), v[k]) == "");
    std::vector<T> rounded;
    for (const float x : param[k]) rounded.push_back(T(x));
    CHECK(first_difference(p.all[k]->param.values(), rounded) == "");
  }
}

TEST_CASE("Emulated adam and sgd: with masters the same bits as without") {
  const std::uint64_t step = 2;
  const auto adam = [&](const auto& k, int count, const auto* slots) {
    k.adam({.learning_rate = 0.01, .beta1 = 0.5, .weight_decay = 0.1}, count, slots, &step, {});
  };
  const auto sgd = [&](const auto& k, int count, const auto* slots) {
    k.sgd({.learning_rate = 0.1, .momentum = 0.9}, count, slots, &step, {});
  };
  check_masters<float>(adam);
  check_masters<bfloat16>(adam);
  check_masters<float>(sgd);
  check_masters<bfloat16>(sgd);
}

TEST_CASE("Emulated optimisers of bfloat16: what they cannot do says so by name") {
  const KernelTable<bfloat16>& k = emulated_kernels<bfloat16>();
  const Parameters<bfloat16> p({5});
  std::vector<ParameterSlot<bfloat16>> slots = p.slots();
  slots[0].master = nullptr;
  const std::uint64_t step = 1;
  REQUIRE_THROWS_WITH(k.adam({}, 1, slots.data(), &step, {}), "adam: bfloat16 parameter 0 has no master");
  REQUIRE_THROWS_WITH(k.sgd({}, 1, slots.data(), &step, {}), "sgd: bfloat16 parameter 0 has no master");
  bfloat16 x[4];
  REQUIRE_THROWS_WITH(k.ema(4, 0.5f, x, x, {}),
                      "device emulated: it has no kernel 'ema' yet; use another device for this");
}

TEST_CASE("Emulated ema") {
  for (const index_t n : sizes) {
    const Operand x(n, 0), average(n, n % 2 == 0 ? 0 : 1, 2);
    const auto before = average.values();
    emulated_kernels().ema(n, 0.75f, x.data(), average.data(), {});
    check_elements(
        average.values(),
        [&](index_t i) {
          return 0.75 * static_cast<double>(before[static_cast<std::size_t>(i)]) +
                 0.25 * static_cast<double>(x.data()[i]);
        },
        [](index_t) { return 2 * rounding; });  // of 0.75 average and of the sum, both at most 1
  }
}

template <class T>
void check_norm_and_clip() {
  const Parameters<T> p(sizes);
  std::vector<Segment<const T>> segments;
  std::vector<Segment<T>> writable;
  double squares = 0;
  for (const auto& one : p.all) {
    segments.push_back({one->grad.size(), one->grad.data()});
    writable.push_back({one->grad.size(), one->grad.data()});
    for (const double g : one->grad64) squares += g * g;
  }
  const KernelTable<T>& k = emulated_kernels<T>();
  const auto norm = both_ways(1, [&](float* y) {
    GuardedWorkspace workspace;
    k.global_norm(p.count(), segments.data(), y, workspace, {});
    CHECK(workspace.intact());
  });
  // Roundings of a block's sum of 4096 squares: the square, 16 in a thread, a tree of 8 levels; half of them of the
  // root, and its own.
  check_elements(
      norm, [&](index_t) { return std::sqrt(squares); },
      [&](index_t) { return ((1 + 16 + 8) / 2.0 + 1) * rounding * std::sqrt(squares); });

  k.clip_by_norm(p.count(), writable.data(), norm.data(), norm[0] + 1, {});  // within the limit: nothing changes
  for (const auto& one : p.all) check_near(one->grad.values(), one->grad64, [](index_t) { return 0.0; });
  k.clip_by_norm(p.count(), writable.data(), norm.data(), 1.0f, {});
  for (const auto& one : p.all) {
    for (double& g : one->grad64) g /= static_cast<double>(norm[0]) + 1e-6;
    check_near(one->grad.values(), one->grad64, [&](index_t i) {  // sum, quotient and product
      return 3 * rounding * std::fabs(one->grad64[static_cast<std::size_t>(i)]);
    });
  }
  const float nan = std::numeric_limits<float>::quiet_NaN();
  k.clip_by_norm(1, writable.data(), &nan, 1.0f, {});
  CHECK(p.all[0]->grad.data()[0] != p.all[0]->grad.data()[0]);
}

TEST_CASE("Emulated global_norm and clip_by_norm") {
  check_norm_and_clip<float>();
  check_norm_and_clip<bfloat16>();
}

}  // namespace
}  // namespace tinygan
