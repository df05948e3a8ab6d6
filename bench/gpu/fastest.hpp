// The best of several ways to compute the same: what an opponent is measured with.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "timing.hpp"

namespace tinygan::bench::gpu {

/// The contestant whose calls are fastest on warm operands; those that cannot run are left out. Throws Error, with the
/// last reason, where none is left.
inline Contestant fastest(const char* whose, const std::vector<Contestant>& contestants) {
  const CudaStream stream;
  std::optional<Contestant> best;
  double best_time = std::numeric_limits<double>::infinity();
  std::string reason = "it offers nothing";
  for (const Contestant& c : contestants) {
    try {
      c.run(0, stream);  // what a first call sets up cannot be captured
      stream.wait();
      const CapturedCalls calls(c, 10, false);
      calls.time(stream);
      double time = std::numeric_limits<double>::infinity();
      for (int i = 0; i < 3; ++i) time = std::min(time, calls.time(stream));
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
