// Cases of ops/extrema.hpp: maxima and minima over axes.
#pragma once

#include <tinygan/ops/extrema.hpp>

#include "ops/cases/reduce.hpp"

namespace tinygan::test {

inline std::vector<OpCase> extrema_cases() {
  std::vector<OpCase> cases;
  std::vector<detail::Reduction> all = detail::reductions();
  all.push_back({{3, 70}, ops::Axes(1), false, {3, 1}, {3}});  // more than a warp
  all.push_back({{2, 70, 4}, ops::Axes(1), true, {2, 1, 4}, {2, 1, 4}});
  for (const bool largest : {true, false})
    for (const detail::Reduction& r : all)
      cases.push_back(op_case(
          text(largest ? "max" : "min", r.x, "->", r.y), {{r.x, Draw::distinct}},
          [=](const auto& x) { return largest ? ops::max(x[0], r.axes, r.keep) : ops::min(x[0], r.axes, r.keep); },
          [=](const Arrays& x) {
            Expected y(r.y);
            const double sign = largest ? 1 : -1;
            y.value.assign(y.value.size(), -sign * std::numeric_limits<double>::infinity());
            for (std::size_t i = 0; i < x[0].size(); ++i) {
              double& best = y.value[detail::broadcast_offset(r.x, r.kept, i)];
              best = sign * std::max(sign * best, sign * x[0][i]);
            }
            return y;
          }));
  return cases;
}

}  // namespace tinygan::test
