// The machine's FMA peak: the yardstick that every benchmark measures in the same run.
#pragma once

#include <tinygan/cpu/peak.hpp>

namespace tinygan::bench {

using cpu::fma_peak;

inline double seconds() { return cpu::detail::seconds_now(); }

}  // namespace tinygan::bench
