// The CPU kernels on 64-bit ARM, on every instruction set of it: each against a naive reference in double or the scalar
// definition, within the bounds of the unit tests; then a training step.
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

#include <tinygan/optim/adam.hpp>

#include "support/conv_partials.hpp"
#include "support/cpu_kernels.hpp"
#include "support/training_step.hpp"

namespace {

using namespace tinygan;
using namespace tinygan::cpu_test;
using test::activate, test::check_close, test::partial, test::reference, test::slots, test::with_threads;

void instruction_sets() {
  using cpu::Isa;
  CHECK(cpu::detect_isa() == Isa::neon);
  CHECK(cpu::has_isa(Isa::portable));
  CHECK(!cpu::has_isa(Isa::avx2));
  CHECK(!cpu::has_isa(Isa::avx512));
  int sets = 0, rows = 0;
  for_each_isa([&] {
    ++sets;
    rows += cpu::tile_shape<float>().rows;
    cpu::dispatch([&]<class Arch>(Arch) TINYGAN_INLINE_LAMBDA { CHECK(Arch::isa == cpu::isa()); });
  });
  CHECK(sets == 2);
  CHECK(rows == 4 + 6);
}

// ---- products -------------------------------------------------------------------------------------------------------

template <class T>
void check_gemm(const GemmDims& d) {
  INFO("gemm " << d.M << ", " << d.N << ", " << d.K << " trans " << d.trans_a << d.trans_b);
  const auto a = test::random_values<T>(d.M * d.K, 1), b = test::random_values<T>(d.K * d.N, 2);
  const test::Reference expected = test::reference_gemm(d, a.data(), b.data());
  for_each_isa([&] {
    GuardedWorkspace workspace;
    std::vector<T> c = poisoned<T>(d.M * d.N);
    cpu::gemm(d, Epilogue<T>{}, a.data(), b.data(), c.data(), workspace, Stream{});
    CHECK(workspace.intact());
    check_close(c, expected);
  });
}

void products() {
  for (const bool trans_a : {false, true})
    for (const bool trans_b : {false, true})
      for (const auto& [M, N, K] : {std::array<index_t, 3>{7, 5, 3}, {6, 16, 64}, {50, 67, 131}, {13, 64, 1031}}) {
        check_gemm<float>({.M = M, .N = N, .K = K, .trans_a = trans_a, .trans_b = trans_b});
        if (M == 50) check_gemm<double>({.M = M, .N = N, .K = K, .trans_a = trans_a, .trans_b = trans_b});
      }
  check_gemm<float>({.M = 1, .N = 70, .K = 33});
  check_gemm<float>({.M = 70, .N = 1, .K = 33});
  check_gemm<float>({.M = 31, .N = 18, .K = 1});
  check_gemm<float>({.M = 12, .N = 20, .K = 4100});  // split-K
}

// ---- convolutions ---------------------------------------------------------------------------------------------------

void convolutions() {
  const Padding same = Padding::same();
  for (const ConvDims& d : {conv_dims({2, 7, 5, 9}, {3, 3, 9, 20}, {.padding = same}),
                            conv_dims({2, 9, 8, 16}, {4, 4, 16, 33}, {.stride_h = 2, .stride_w = 2, .padding = same}),
                            conv_dims({2, 10, 9, 5}, {3, 3, 5, 18},
                                      {.padding = Padding::sides(3, 1, 0, 2), .dilation_h = 2, .dilation_w = 3}),
                            conv_dims({3, 14, 14, 1}, {5, 5, 1, 20}, {.stride_h = 2, .stride_w = 2, .padding = same}),
                            conv_dims({3, 9, 9, 20}, {5, 5, 20, 1}, {.padding = same})}) {
    const test::Operands<float> o(d);
    for (const ConvSlot slot : slots) {
      INFO(test::name(d) << ", slot " << static_cast<int>(slot));
      const test::Reference expected = reference(d, slot, o);
      for_each_isa([&] { check_close(partial(d, slot, o), expected); });
    }
  }
}

double rms_error(const std::vector<float>& found, const test::Reference& exact) {
  double sum = 0;
  for (std::size_t i = 0; i < found.size(); ++i) sum += std::pow(static_cast<double>(found[i]) - exact.value[i], 2);
  return std::sqrt(sum / static_cast<double>(found.size()));
}

/// docs/numerics.md limits the error to 8 times the direct form's where the algorithm is the default. Images as small as
/// these are nearly all border, where the direct form adds fewer terms: 16 times.
template <class F>
void check_winograd(const ConvDims& d) {
  using namespace cpu::detail;
  const test::Operands<float> o(d);
  for (const ConvSlot slot : slots) {
    INFO("Winograd, " << test::name(d) << ", slot " << static_cast<int>(slot));
    const test::Reference expected = reference(d, slot, o);
    for_each_isa([&] {
      GuardedWorkspace workspace;
      std::vector<float> out = poisoned<float>(test::slot_shape(d, slot).size());
      if (slot == ConvSlot::g)
        winograd_conv<F>(WinogradConv::forward(d), Epilogue<float>{}, o.x.data(), o.w.data(), out.data(), workspace);
      else if (slot == ConvSlot::x)
        winograd_conv<F>(WinogradConv::input_grad(d), Epilogue<float>{}, o.g.data(), o.w.data(), out.data(), workspace);
      else winograd_weight_grad<F>(d, o.x.data(), o.g.data(), out.data(), workspace);
      CHECK(workspace.intact());
      cpu::set_winograd_enabled(false);
      CHECK(rms_error(out, expected) <= 16 * rms_error(partial(d, slot, o), expected));
      cpu::set_winograd_enabled(true);
    });
  }
}

// ---- batch norm, functions, random numbers, Adam --------------------------------------------------------------------

void batch_norm() {
  const NormDims d{300, 37};
  const NormOptions<float> o{1e-3f, Activation::leaky_relu(0.3)};
  const auto x = numbers<float>(d.rows * d.channels, 1, -1, 3), g = numbers<float>(d.rows * d.channels, 2),
             gamma = numbers<float>(d.channels, 3, 0.5, 1.5), beta = numbers<float>(d.channels, 4, -1, 1);
  Expected y(d.rows * d.channels), mean(d.channels), variance(d.channels), dbeta(d.channels);
  const double rows = static_cast<double>(d.rows), unit = 64 * eps<float> + rows * eps<double>;
  for (index_t c = 0; c < d.channels; ++c) {
    const auto at = [&](index_t r) { return static_cast<double>(x[as_size(r * d.channels + c)]); };
    double sum = 0, squares = 0;
    for (index_t r = 0; r < d.rows; ++r) sum += at(r);
    for (index_t r = 0; r < d.rows; ++r) squares += (at(r) - sum / rows) * (at(r) - sum / rows);
    mean.set(c, sum / rows, 4 * unit);  // of deviations of at most 4
    variance.set(c, squares / rows, 2 * 16 * unit);
    double gradient = 0, magnitude = 0;
    for (index_t r = 0; r < d.rows; ++r) {
      const double rstd = 1 / std::sqrt(squares / rows + 1e-3), weight = static_cast<double>(gamma[as_size(c)]);
      const double xhat = (at(r) - sum / rows) * rstd, z = weight * xhat + static_cast<double>(beta[as_size(c)]);
      // Mean and variance are off by the above, relative to a deviation of more than 1.
      y.set(r * d.channels + c, activate(o.activation, z),
            12 * eps<float> * (std::fabs(weight * xhat) + 2) + 40 * unit);
      const double cotangent = static_cast<double>(g[as_size(r * d.channels + c)]) * (z > 0 ? 1 : 0.3);
      gradient += cotangent;
      magnitude += std::fabs(cotangent) + (std::fabs(z) < 1e-4 ? 2 * rows : 0);  // the sign of such a z is open
    }
    dbeta.set(c, gradient, 64 * eps<float> * magnitude);
  }
  check_everywhere<float>({y, mean, variance, dbeta}, [&] {
    auto found = poisoned<float>(d.rows * d.channels), dx = found;
    auto m = poisoned<float>(d.channels), v = m, dg = m, db = m;
    GuardedWorkspace forward, backward;
    cpu::batch_norm(d, o, x.data(), gamma.data(), beta.data(), found.data(), m.data(), v.data(), forward, Stream{});
    cpu::batch_norm_backward(d, o, x.data(), m.data(), v.data(), gamma.data(), beta.data(), g.data(), dx.data(),
                             dg.data(), db.data(), backward, Stream{});
    return std::vector<std::vector<float>>{found, m, v, db};
  });
}

void functions() {
  struct Function {
    UnaryOp op;
    double (*exact)(double);
  };
  const Function all[] = {{UnaryOp::exp, std::exp},
                          {UnaryOp::tanh, std::tanh},
                          {UnaryOp::sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }},
                          {UnaryOp::softplus, [](double x) { return std::log1p(std::exp(x)); }},
                          {UnaryOp::erf, std::erf},
                          {UnaryOp::sin, std::sin},
                          {UnaryOp::cos, std::cos},
                          {UnaryOp::log, std::log},
                          {UnaryOp::sqrt, std::sqrt},
                          {UnaryOp::power, [](double x) { return std::pow(x, static_cast<double>(0.7f)); }},
                          {UnaryOp::leaky_relu, [](double x) { return x > 0 ? x : static_cast<double>(0.7f) * x; }}};
  const index_t n = 4003;
  for (const Function& f : all) {
    INFO("unary op " << static_cast<int>(f.op));
    const bool positive = f.op == UnaryOp::log || f.op == UnaryOp::sqrt || f.op == UnaryOp::power;
    const auto x = numbers<float>(n, 3, positive ? 1e-3 : -20, 20);
    Expected want(n);
    for (index_t i = 0; i < n; ++i) {
      const double y = f.exact(static_cast<double>(x[as_size(i)]));
      want.set(i, y, 3 * eps<float> * std::fabs(y));
    }
    check_everywhere<float>({want}, [&] {
      auto y = poisoned<float>(n);
      cpu::unary(f.op, n, 0.7f, 0.0f, x.data(), y.data(), Stream{});
      return std::vector<std::vector<float>>{y};
    });
  }
}

void random_numbers() {
  CHECK((philox4x32({0, 0, 0, 0}, 0) == PhiloxBlock{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}));  // Random123
  const std::uint64_t step = 41;
  const RandomKey key{0x0123456789abcdefu, 6, &step};
  const auto word = [&](index_t i) {
    return philox4x32(philox_counter(static_cast<std::uint64_t>(i / 4), key.draw, step), key.seed)[as_size(i % 4)];
  };
  const index_t n = 5003;
  const auto x = numbers<float>(n, 9);
  Expected uniform(n), normal(n), dropped(n);
  for (index_t i = 0; i < n; ++i) {
    const auto u = static_cast<double>(uniform01(word(i)));
    uniform.set(i, u, 0);
    const double radius = std::sqrt(-2 * std::log(static_cast<double>(uniform01_open(word(i - i % 2))))),
                 angle = 2 * M_PI * static_cast<double>(uniform01(word(i - i % 2 + 1)));
    normal.set(i, radius * (i % 2 ? std::sin(angle) : std::cos(angle)), 15 * eps<float>);
    const bool below = u < static_cast<double>(0.3f);
    const double kept = static_cast<double>(x[as_size(i)]) / (1 - static_cast<double>(0.3f));
    dropped.set(i, below ? 0 : kept, below ? 0 : 2 * eps<float> * std::fabs(kept));
  }
  check_everywhere<float>({uniform, normal, dropped}, [&] {
    auto u = poisoned<float>(n), z = u, y = u;
    cpu::random_uniform(n, key, 0.0f, 1.0f, u.data(), Stream{});
    cpu::random_normal(n, key, 0.0f, 1.0f, z.data(), Stream{});
    cpu::dropout(n, key, 0.3f, x.data(), y.data(), Stream{});
    return std::vector<std::vector<float>>{u, z, y};
  });
}

void adam() {
  const index_t n = 1003;
  const std::uint64_t step = 5;
  const AdamHyper h{};
  const auto param = numbers<float>(n, 1), grad = numbers<float>(n, 2), m0 = numbers<float>(n, 3),
             v0 = numbers<float>(n, 4, 0, 2);
  Expected p(n), m(n), v(n);
  const double c1 = 1 - std::pow(h.beta1, 5), c2 = 1 - std::pow(h.beta2, 5), rate = h.rate(5);
  for (index_t i = 0; i < n; ++i) {
    const auto g = static_cast<double>(grad[as_size(i)]);
    const double mi = h.beta1 * static_cast<double>(m0[as_size(i)]), vi = h.beta2 * static_cast<double>(v0[as_size(i)]);
    const double m1 = mi + (1 - h.beta1) * g, v1 = vi + (1 - h.beta2) * g * g;
    const double m_bound = 3 * eps<float> * (std::fabs(mi) + std::fabs((1 - h.beta1) * g));
    const double update = h.epsilon_hat ? rate * std::sqrt(c2) / c1 * m1 / (std::sqrt(v1) + h.epsilon)
                                        : rate * (m1 / c1) / (std::sqrt(v1 / c2) + h.epsilon);
    const auto before = static_cast<double>(param[as_size(i)]);
    m.set(i, m1, m_bound);
    v.set(i, v1, 4 * eps<float> * v1);
    p.set(i, before - update,
          2 * eps<float> * std::fabs(before) + std::fabs(update) * (m_bound / std::fabs(m1) + 10 * eps<float>));
  }
  check_everywhere<float>({p, m, v}, [&] {
    auto found = param, first = m0, second = v0;
    const ParameterSlot<float> slot{n, found.data(), grad.data(), first.data(), second.data()};
    cpu::adam(h, 1, &slot, &step, Stream{});
    return std::vector<std::vector<float>>{found, first, second};
  });
}

// ---- a training step ------------------------------------------------------------------------------------------------

void training_step() {
  for_each_isa([&] {
    test::TrainingStep<float> step;
    const std::vector<Variable<float>> parameters = step.model.parameters();
    const auto check_figure = [](double found, const test::Figure& figure) {
      CHECK(std::fabs(found - figure.value) <= 1.01 * figure.bound);  // see tests/nn/test_training_step.cpp
    };
    const Variable<float> loss = step.loss();
    check_figure(static_cast<double>(loss.item()), test::training_loss);
    const std::vector<Variable<float>> gradients = grad(loss, parameters);
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      INFO("gradient of parameter " << i);
      check_figure(test::sum_of_magnitudes(gradients[i]), test::training_gradients[i]);
    }
    optim::Adam optimiser(parameters, {.learning_rate = 1e-3});
    optimiser.step(gradients);
    CHECK(step.loss().item() < loss.item());
  });
}

}  // namespace

int main() {
  instruction_sets();
  products();
  convolutions();
  check_winograd<cpu::detail::Winograd<4, 3>>(conv_dims({2, 7, 6, 32}, {3, 3, 32, 48}, {.padding = Padding::same()}));
  check_winograd<cpu::detail::Winograd<4, 5>>(conv_dims({2, 8, 8, 32}, {5, 5, 32, 32}, {.padding = Padding::same()}));
  batch_norm();
  functions();
  random_numbers();
  adam();
  training_step();
  std::printf("%d checks, %d failures\n", arm::checks, arm::failures);
  return arm::failures == 0 ? 0 : 1;
}
