// The yardsticks of a GPU, measured in the run that uses them.
#pragma once

#include <tinygan/base/precision.hpp>

namespace tinygan::bench::gpu {

/// FLOP/s of multiply-adds in registers: FFMA for fp32, mma.sync for tf32 and bf16. On sm_90 mma.sync reaches some 63 %
/// of what the architecture's own instructions do, so `share of peak` is taken of the better of this and cuBLASLt's
/// best.
double register_peak(Precision);

/// Bytes read and written per second by a copy within the device, of `bytes` bytes in all.
double copy_bandwidth(double bytes);

}  // namespace tinygan::bench::gpu
