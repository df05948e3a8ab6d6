// LinearDecay: a factor that falls with the training step, for rates that a captured step must not freeze.
#pragma once

#include <limits>

namespace tinygan {

/// 1 up to step `begin`, then falling linearly, and 0 from step `end` on; 1 throughout if end is 0. Steps count from 0.
/// Kernels evaluate it from the step counter in device memory.
struct LinearDecay {
  double begin = 0, end = 0;

  /// Whether 0 <= begin < end < infinity, or end is 0.
  constexpr bool valid() const {
    return end == 0 || (begin >= 0 && begin < end && end < std::numeric_limits<double>::infinity());
  }

  /// The factor at a step: 1 up to `begin`, 0 from `end` on, a line between them.
  constexpr double at(double step) const {
    if (end <= 0 || step <= begin) return 1;
    return step >= end ? 0 : (end - step) / (end - begin);
  }
};

}  // namespace tinygan
