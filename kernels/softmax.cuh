// Softmax and its logarithm along the columns of x(rows, channels).
//
//   y = e^(x - m) / sum e^(x - m),  or  x - m - ln sum e^(x - m),  m the row's maximum
// Elements     float or bfloat16; computed in float.
// Owns         a warp per row up to 1024 channels, a block of 256 threads beyond.
// Shared       one value per warp.      Requires  sm_75.
// Determinism  thread t of a row adds channels t, t + 32 (256), ...; then a butterfly. Independent of the device.
// Cost         x three times, from L1 or L2 after the first, y once; two exponentials per element. A NaN makes its row
//              NaN.
#pragma once

#include <tinygan/backend/norm_dims.hpp>
#include <tinygan/base/stream.hpp>

#include "device/map.cuh"
#include "device/reduce.cuh"
#include "launch.cuh"

namespace tinygan::cuda {
namespace {

template <bool Logarithm, int Threads, class T>
__global__ void __launch_bounds__(map_threads) softmax_kernel(NormDims d, const T* x, T* y) {
  BlockReduceShared& s = block_shared<BlockReduceShared>();
  constexpr index_t teams = map_threads / Threads;
  const index_t row = blockIdx.x * teams + threadIdx.x / Threads, thread = threadIdx.x % Threads;
  if (row >= d.rows) return;  // whole warps only
  const T* from = x + row * d.channels;
  T* to = y + row * d.channels;

  float largest = Max::neutral;
  for (index_t c = thread; c < d.channels; c += Threads) largest = Max::combine(largest, to_float(from[c]));
  largest = team_reduce<Max, Threads>(largest, s);
  float sum = 0.0f;
  for (index_t c = thread; c < d.channels; c += Threads) sum += expf(to_float(from[c]) - largest);
  sum = team_reduce<Sum, Threads>(sum, s);

  const float scale = 1.0f / sum, shift = logf(sum);
  for (index_t c = thread; c < d.channels; c += Threads) {
    const float z = to_float(from[c]) - largest;
    to[c] = from_float<T>(Logarithm ? z - shift : expf(z) * scale);
  }
}

template <bool Logarithm, class T>
void softmax_rows(const NormDims& d, const T* x, T* y, Stream stream) {
  const bool warps = d.channels <= 1024;
  const Launch how{.grid = {grid_extent(warps ? ceil_div(d.rows, map_threads / 32) : d.rows)},
                   .block = {map_threads},
                   .shared_bytes = sizeof(BlockReduceShared),
                   .stream = stream};
  if (warps) launch<softmax_kernel<Logarithm, 32, T>>(how, d, x, y);
  else launch<softmax_kernel<Logarithm, map_threads, T>>(how, d, x, y);
}

template <class T>
void softmax(const NormDims& d, const T* x, T* y, Stream stream) {
  softmax_rows<false>(d, x, y, stream);
}
template <class T>
void log_softmax(const NormDims& d, const T* x, T* y, Stream stream) {
  softmax_rows<true>(d, x, y, stream);
}

}  // namespace
}  // namespace tinygan::cuda
