// Rung 1, naive: a thread for each output, every tap tested against the edges of the image.
//
// Owns         thread i: y[i]. Neighbouring threads share a pixel, so their reads of x are one broadcast and those of w
//              coalesce.
// Shared       none.      Requires  sm_75.
// Cost         2 R S C FLOPs an output, nominal; each of them brings 8 bytes from the caches: 0.25 FLOPs a byte.
// Determinism  one sum in the order of r, s, c.
#pragma once

#include "conv.cuh"

namespace tinygan::cuda {
namespace {

__global__ void __launch_bounds__(256) ladder_naive_kernel(LadderConv d, const float* x, const float* w, float* y) {
  const index_t i = grid_thread();
  if (i >= index_t{d.N} * d.P * d.Q * d.K) return;
  const int k = static_cast<int>(i % d.K), pixel = static_cast<int>(i / d.K % (d.P * d.Q));
  const int n = static_cast<int>(i / d.K / (d.P * d.Q));
  float sum = 0;
  for (int r = 0; r < d.R; ++r)
    for (int s = 0; s < d.S; ++s) {
      const int h = pixel / d.Q * d.stride + r - d.pad_top, v = pixel % d.Q * d.stride + s - d.pad_left;
      if (h < 0 || h >= d.H || v < 0 || v >= d.W) continue;
      for (int c = 0; c < d.C; ++c) sum = fmaf(x[x_at(d, n, h, v, c)], w[w_at(d, r * d.S + s, c, k)], sum);
    }
  y[i] = sum;
}

inline void ladder_naive(const ConvDims& dims, const float* x, const float* w, float* y, Stream stream) {
  const LadderConv d(dims, false);
  launch<ladder_naive_kernel>(
      {.grid = {grid_extent(ceil_div(dims.y_shape().size(), 256))}, .block = {256}, .stream = stream}, d, x, w, y);
}

}  // namespace
}  // namespace tinygan::cuda
