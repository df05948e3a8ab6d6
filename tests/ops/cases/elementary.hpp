// Cases of ops/elementary.hpp: powers, sine, cosine, the error function, GELU and SiLU.
#pragma once

#include <tinygan/ops/elementary.hpp>

#include "ops/cases/pointwise.hpp"

namespace tinygan::test {

inline std::vector<OpCase> elementary_cases() {
  std::vector<OpCase> cases;
  using detail::add_unary;
  const auto rounded = [](double, double y) { return 4 * std::fabs(y); };
  const auto of_input = [](double x, double) { return 4 * std::fabs(x); };  // factors of at most 1 with errors of 4 eps
  add_unary(
      cases, "pow 2.5", Draw::positive, [](const auto& x) { return ops::pow(x, 2.5); },
      [](double x) { return std::pow(x, 2.5); }, rounded);
  add_unary(
      cases, "pow -2", Draw::positive, [](const auto& x) { return ops::pow(x, -2); },
      [](double x) { return 1 / (x * x); }, rounded);
  add_unary(
      cases, "pow 3", Draw::uniform, [](const auto& x) { return ops::pow(x, 3); }, [](double x) { return x * x * x; },
      rounded);
  add_unary(
      cases, "pow 1", Draw::uniform, [](const auto& x) { return ops::pow(x, 1); }, [](double x) { return x; }, rounded);
  add_unary(
      cases, "sin", Draw::uniform, [](const auto& x) { return ops::sin(x); }, [](double x) { return std::sin(x); },
      rounded);
  add_unary(
      cases, "cos", Draw::uniform, [](const auto& x) { return ops::cos(x); }, [](double x) { return std::cos(x); },
      rounded);
  add_unary(
      cases, "erf", Draw::uniform, [](const auto& x) { return ops::erf(x); }, [](double x) { return std::erf(x); },
      rounded);
  add_unary(
      cases, "gelu", Draw::uniform, [](const auto& x) { return ops::gelu(x); },
      [](double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }, of_input);
  add_unary(
      cases, "silu", Draw::uniform, [](const auto& x) { return ops::silu(x); },
      [](double x) { return x * detail::logistic(x); }, rounded);
  return cases;
}

}  // namespace tinygan::test
