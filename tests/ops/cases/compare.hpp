// Cases of ops/compare.hpp: comparisons, which are constants, and selection by a mask.
#pragma once

#include <tinygan/ops/compare.hpp>

#include "ops/cases/pointwise.hpp"

namespace tinygan::test {

inline std::vector<OpCase> compare_cases() {
  std::vector<OpCase> cases;
  using detail::add_binary;
  const auto add = [&](const char* name, auto call, double (*f)(double, double)) {
    const std::size_t first = cases.size();
    add_binary(cases, name, Draw::distinct, Draw::distinct, call, f, {});
    for (std::size_t i = first; i < cases.size(); ++i) cases[i].differentiable = false;
  };
  add(
      "greater", [](const auto& a, const auto& b) { return ops::greater(a, b); },
      [](double a, double b) { return a > b ? 1.0 : 0.0; });
  add(
      "greater_equal", [](const auto& a, const auto& b) { return ops::greater_equal(a, b); },
      [](double a, double b) { return a >= b ? 1.0 : 0.0; });
  add(
      "less", [](const auto& a, const auto& b) { return ops::less(a, b); },
      [](double a, double b) { return a < b ? 1.0 : 0.0; });
  add(
      "less_equal", [](const auto& a, const auto& b) { return ops::less_equal(a, b); },
      [](double a, double b) { return a <= b ? 1.0 : 0.0; });
  add(
      "equal", [](const auto& a, const auto& b) { return ops::equal(a, b); },
      [](double a, double b) { return a == b ? 1.0 : 0.0; });
  add(
      "not_equal", [](const auto& a, const auto& b) { return ops::not_equal(a, b); },
      [](double a, double b) { return a != b ? 1.0 : 0.0; });
  // The mask comes from the operands' shapes, so that every arrangement selects from both.
  for (const detail::Arrangement& s : detail::arrangements())
    cases.push_back(op_case(
        text("where", s.a, s.b), {{s.a}, {s.b}},
        [s]<class V>(const std::vector<V>& x) {
          using T = std::remove_cvref_t<decltype(x[0].value().item())>;
          std::vector<T> mask(static_cast<std::size_t>(s.out.size()));
          for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = T(static_cast<float>(i % 3));
          return ops::where(V(Tensor<T>::from(mask, s.out, x[0].device())), x[0], x[1]);
        },
        [s](const Arrays& x) {
          Expected y(s.out);
          for (std::size_t i = 0; i < y.value.size(); ++i)
            y.set(i,
                  i % 3 != 0 ? x[0][detail::broadcast_offset(s.out, s.a, i)]
                             : x[1][detail::broadcast_offset(s.out, s.b, i)],
                  0);
          return y;
        }));
  return cases;
}

}  // namespace tinygan::test
