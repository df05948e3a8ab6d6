// Cases of ops/dropout.hpp, under a fixed key: linear, and its own adjoint.
#pragma once

#include <tinygan/ops/dropout.hpp>

#include "support/op_case.hpp"

namespace tinygan::test {

inline std::vector<OpCase> dropout_cases() {
  std::vector<OpCase> cases;
  for (const auto& [shape, rate] : std::initializer_list<std::pair<Shape, double>>{
           {{1}, 0.5}, {{7}, 0.25}, {{3, 17}, 0.5}, {{2, 3, 3, 5}, 0.75}, {{33}, 0}})
    cases.push_back(op_case(
        text("dropout", shape, " rate ", rate), {{shape}},
        [rate = rate](const auto& x) {
          Generator random(7, x[0].device());
          return ops::dropout(x[0], static_cast<float>(rate), random);
        },
        [shape = shape, rate = rate](const Arrays& x) {
          Expected y(shape);
          for (std::size_t i = 0; i < x[0].size(); ++i) {
            const double u = uniform01(philox4x32(philox_counter(i / 4, 0, 0), 7)[i % 4]);
            y.set(i, u < rate ? 0 : x[0][i] / (1 - rate), 2 * std::fabs(x[0][i]) / (1 - rate));
          }
          return y;
        },
        {0}));
  return cases;
}

}  // namespace tinygan::test
