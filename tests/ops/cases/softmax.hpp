// Cases of ops/softmax.hpp.
#pragma once

#include <tinygan/ops/softmax.hpp>

#include "support/op_case.hpp"

namespace tinygan::test {

inline std::vector<OpCase> softmax_cases() {
  std::vector<OpCase> cases;
  for (const Shape& shape : {Shape{1}, Shape{3, 1}, Shape{3, 7}, Shape{1, 16}, Shape{5, 17}, Shape{2, 3, 10}}) {
    const auto along_rows = [shape](const Arrays& x, bool logarithm) {
      Expected y(shape);
      const auto n = static_cast<std::size_t>(shape[-1]);
      for (std::size_t row = 0; row < x[0].size(); row += n) {
        double sum = 0, size = 0;
        for (std::size_t i = 0; i < n; ++i)
          sum += std::exp(x[0][row + i]), size = std::max(size, std::fabs(x[0][row + i]));
        for (std::size_t i = 0; i < n; ++i) {
          const double v = x[0][row + i] - std::log(sum);
          // e^(x - max) has the error of its argument and of exp; the sum that of n terms; the rest a few roundings.
          const double relative = static_cast<double>(n) + 12 + 2 * size;
          if (logarithm) y.set(row + i, v, relative + std::fabs(v));
          else y.set(row + i, std::exp(v), relative * std::exp(v));
        }
      }
      return y;
    };
    cases.push_back(op_case(
        text("softmax", shape), {{shape}}, [](const auto& x) { return ops::softmax(x[0]); },
        [=](const Arrays& x) { return along_rows(x, false); }));
    cases.push_back(op_case(
        text("log_softmax", shape), {{shape}}, [](const auto& x) { return ops::log_softmax(x[0]); },
        [=](const Arrays& x) { return along_rows(x, true); }));
  }
  // Along another axis: the transposed problem.
  for (const int axis : {0, -2}) {
    const Shape shape{4, 3};
    cases.push_back(op_case(
        text("softmax along axis ", axis), {{shape}}, [axis](const auto& x) { return ops::softmax(x[0], axis); },
        [=](const Arrays& x) {
          Expected y(shape);
          for (std::size_t column = 0; column < 3; ++column) {
            double sum = 0;
            for (std::size_t row = 0; row < 4; ++row) sum += std::exp(x[0][row * 3 + column]);
            for (std::size_t row = 0; row < 4; ++row) {
              const double v = std::exp(x[0][row * 3 + column]) / sum;
              y.set(row * 3 + column, v, (4 + 12 + 2) * v);
            }
          }
          return y;
        }));
  }
  return cases;
}

}  // namespace tinygan::test
