// Cases of ops/matmul.hpp: all transposes, awkward sizes, every fused epilogue. Also what convolutions share with it.
#pragma once

#include <tinygan/ops/matmul.hpp>

#include "support/op_case.hpp"
#include "support/reference.hpp"

namespace tinygan::test {

namespace detail {

constexpr double leak = 0.25;

/// From a sum of products r to activation(r + bias): value, rounding bound, and distance from the kink at 0.
inline Expected finish(const Shape& shape, const Reference& r, const Array* bias = nullptr,
                       Activation activation = Activation::none) {
  Expected y(shape);
  const auto channels = static_cast<std::size_t>(shape[-1]);
  for (std::size_t i = 0; i < y.value.size(); ++i) {
    const double b = bias ? (*bias)[i % channels] : 0, v = r.value[i] + b;
    const double bound = (r.terms + 3) * (r.magnitude[i] + std::fabs(b));
    switch (activation.kind) {
      case Activation::Kind::none:
      case Activation::Kind::relu:
      case Activation::Kind::leaky_relu: y.set(i, activate(activation, v), bound); break;
      case Activation::Kind::sigmoid: y.set(i, activate(activation, v), bound / 4 + 4); break;
      case Activation::Kind::tanh: y.set(i, activate(activation, v), bound + 4); break;
    }
    if (has_kink(activation)) y.kink(v);
  }
  return y;
}

/// Fused<T> with the case's last input as bias, if it has one.
template <class T>
ops::Fused<T> fused(const std::vector<Variable<T>>& x, bool bias, Activation activation) {
  return {bias ? x[2] : Variable<T>{}, activation};
}

/// The epilogues that cases are made of: with and without bias, each activation.
struct EpilogueKind {
  bool bias;
  Activation activation;
};
inline std::vector<EpilogueKind> epilogue_kinds() {
  std::vector<EpilogueKind> kinds;
  for (const Activation f : all_activations(leak)) kinds.push_back({true, f});
  kinds.push_back({false, Activation::sigmoid});
  kinds.push_back({false, Activation::tanh});
  return kinds;
}

inline OpCase matmul_case(GemmDims d, EpilogueKind e) {
  const Shape a = d.trans_a ? Shape{d.K, d.M} : Shape{d.M, d.K}, b = d.trans_b ? Shape{d.N, d.K} : Shape{d.K, d.N};
  std::vector<Input> inputs{{a}, {b}};
  if (e.bias) inputs.push_back({{d.N}, Draw::sides});
  const bool plain = !e.bias && e.activation.kind == Activation::Kind::none;
  return op_case(
      text("matmul", a, d.trans_a ? "^T " : " ", b, d.trans_b ? "^T" : "", e.bias ? " bias " : " ",
           name_of(e.activation)),
      inputs,
      [d, e](const auto& x) {
        return ops::matmul(x[0], x[1], {d.trans_a, d.trans_b}, fused(x, e.bias, e.activation));
      },
      [d, e](const Arrays& x) {
        return finish({d.M, d.N}, reference_gemm(d, x[0].data(), x[1].data()), e.bias ? &x[2] : nullptr, e.activation);
      },
      plain ? std::vector<std::size_t>{0, 1} : std::vector<std::size_t>{}, 2.0 * static_cast<double>(d.M * d.N * d.K));
}

}  // namespace detail

inline std::vector<OpCase> matmul_cases() {
  std::vector<OpCase> cases;
  for (bool ta : {false, true})
    for (bool tb : {false, true}) {
      for (const auto& [m, n, k] : std::initializer_list<std::array<index_t, 3>>{
               {1, 1, 1}, {5, 3, 7}, {7, 17, 3}, {1, 33, 5}, {13, 1, 4}, {3, 4, 1}, {2, 5, 65}})
        cases.push_back(detail::matmul_case({m, n, k, ta, tb}, {false, Activation::none}));
      for (const detail::EpilogueKind& e : detail::epilogue_kinds())
        cases.push_back(detail::matmul_case({3, 5, 4, ta, tb}, e));
    }
  return cases;
}

}  // namespace tinygan::test
