// Cases of ops/scan.hpp: cumulative sums.
#pragma once

#include <tinygan/ops/scan.hpp>

#include "support/op_case.hpp"

namespace tinygan::test {

inline std::vector<OpCase> scan_cases() {
  struct Scan {
    Shape x;
    int axis;
  };
  std::vector<OpCase> cases;
  for (const Scan& s : {Scan{{1}, 0}, Scan{{7}, 0}, Scan{{3, 70}, 1}, Scan{{5, 4}, 0}, Scan{{2, 3, 70}, 1},
                        Scan{{2, 5, 2, 3}, -3}, Scan{{4, 32}, -1}})
    cases.push_back(op_case(
        text("cumsum", s.x, " axis ", s.axis), {{s.x}}, [s](const auto& x) { return ops::cumsum(x[0], s.axis); },
        [s](const Arrays& x) {
          Expected y(s.x);
          const int axis = s.x.resolve(s.axis);
          const auto inner = static_cast<std::size_t>(s.x.range_size(axis + 1, s.x.rank())),
                     extent = static_cast<std::size_t>(s.x[axis]);
          for (std::size_t i = 0; i < x[0].size(); ++i) {
            const bool first = i / inner % extent == 0;
            y.value[i] = x[0][i] + (first ? 0 : y.value[i - inner]);
            y.bound[i] = static_cast<double>(extent) * std::fabs(x[0][i]) + (first ? 0 : y.bound[i - inner]);
          }
          return y;
        },
        {0}));
  return cases;
}

}  // namespace tinygan::test
