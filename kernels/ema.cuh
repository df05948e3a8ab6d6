// Exponential moving average of a tensor.
//
// Owns         a thread two packs of 4 elements at a time (map.cuh). Cost 12 bytes per element.  Requires  sm_75.
#pragma once

#include <tinygan/base/stream.hpp>

#include "device/map.cuh"
#include "launch.cuh"

namespace tinygan::cuda {
namespace {

__global__ void __launch_bounds__(map_threads)
    ema_kernel(index_t n, index_t packs, float decay, const float* x, float* average) {
  map(
      n, packs, average, [=](float a, float v) { return decay * a + (1.0f - decay) * v; }, average, x);
}

inline void ema(index_t n, float decay, const float* x, float* average, Stream stream) {
  const index_t packs = map_packs(n, x, average);
  launch<ema_kernel>({.grid = map_blocks(n, packs), .block = {map_threads}, .stream = stream}, n, packs, decay, x,
                     average);
}

}  // namespace
}  // namespace tinygan::cuda
