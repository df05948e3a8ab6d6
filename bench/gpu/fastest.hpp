// The best of several ways to compute the same: what an opponent is measured with.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "timing.hpp"

namespace tinygan::bench::gpu {

/// The contestant whose calls are fastest on warm operands; those that cannot run are left out. After one timed call
/// those that are clearly slower are, too. Throws Error, with the last reason, where none is left.
inline Contestant fastest(const char* whose, const std::vector<Contestant>& contestants) {
  constexpr double clearly_slower = 2, launch = 2e-5;
  std::optional<Contestant> best;
  double best_time = std::numeric_limits<double>::infinity();
  std::string reason = "it offers nothing";
  for (const Contestant& c : contestants) {
    try {
      c.run(0, bench_stream());  // what a first call sets up cannot be captured, nor timed
      bench_stream().wait();
      const double once = time_of_call(c);
      if (once > clearly_slower * best_time + launch) continue;
      const CapturedCalls calls(c, std::min(calls_of(once, 1), 10), false);
      const double first = calls.time(), time = std::min(first, calls.time());
      if (time >= best_time) continue;
      best_time = time;
      best = c;
    } catch (const Error& e) {
      reason = e.what();
    }
  }
  check(best.has_value(), whose, "no algorithm for this problem: ", reason);
  return *best;
}

}  // namespace tinygan::bench::gpu
