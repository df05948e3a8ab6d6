// Cumulative sums along the middle axis of x(outer, extent, inner), forward or in reverse.
//
// Elements     float or bfloat16; sums in float, rounded once for each element.
// Owns         a warp per row where inner = 1, 32 elements at a time; else a thread per column.
// Shared       none.      Requires  sm_75.
// Determinism  a row by a tree of 32 and one running sum, in an order that depends on the extents only.
// Cost         x once through memory, y once; a column's thread waits for each of its elements.
#pragma once

#include <tinygan/backend/pointwise_dims.hpp>
#include <tinygan/base/stream.hpp>

#include "device/map.cuh"
#include "launch.cuh"

namespace tinygan::cuda {
namespace {

template <class T>
__global__ void __launch_bounds__(map_threads) cumsum_rows_kernel(ScanDims d, const T* x, T* y) {
  const index_t row = blockIdx.x * (map_threads / warp_size) + warp_id();
  if (row >= d.outer) return;  // whole warps only
  const bool forward = d.order == ScanDims::Order::forward;
  float before = 0.0f;  // the sum of all elements before these 32
  for (index_t first = 0; first < d.extent; first += warp_size) {
    const index_t i = first + lane_id(), at = row * d.extent + (forward ? i : d.extent - 1 - i);
    float sum = i < d.extent ? to_float(x[at]) : 0.0f;
    TINYGAN_UNROLL
    for (unsigned distance = 1; distance < warp_size; distance *= 2) {
      const float left = __shfl_up_sync(all_lanes, sum, distance);
      if (lane_id() >= distance) sum += left;
    }
    sum += before;
    if (i < d.extent) y[at] = from_float<T>(sum);
    before = __shfl_sync(all_lanes, sum, warp_size - 1);
  }
}

template <class T>
__global__ void __launch_bounds__(map_threads) cumsum_columns_kernel(ScanDims d, const T* x, T* y) {
  const bool forward = d.order == ScanDims::Order::forward;
  for (index_t i = grid_thread(); i < d.outer * d.inner; i += grid_threads()) {
    const index_t offset = i / d.inner * d.extent * d.inner + i % d.inner;
    float sum = 0.0f;
    for (index_t r = 0; r < d.extent; ++r) {
      const index_t at = offset + (forward ? r : d.extent - 1 - r) * d.inner;
      sum += to_float(x[at]);
      y[at] = from_float<T>(sum);
    }
  }
}

template <class T>
void cumsum(const ScanDims& d, const T* x, T* y, Stream stream) {
  if (d.inner == 1) {
    const index_t blocks = ceil_div(d.outer, map_threads / index_t{warp_size});
    launch<cumsum_rows_kernel<T>>({.grid = {grid_extent(blocks)}, .block = {map_threads}, .stream = stream}, d, x, y);
  } else {
    launch<cumsum_columns_kernel<T>>(
        {.grid = {grid_stride_blocks(d.outer * d.inner, map_threads)}, .block = {map_threads}, .stream = stream}, d, x,
        y);
  }
}

}  // namespace
}  // namespace tinygan::cuda
