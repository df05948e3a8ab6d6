// Rung 2, taps: the same threads, but each walks only over the taps that touch data. No test inside the loops.
//
// Owns         thread i: y[i].
// Shared       none.      Requires  sm_75.
// Cost         2 FLOPs for each multiply-add that touches data: at 7x7 outputs of a 5x5 filter 0.69 of the nominal
// number.
//              A warp shares its pixel (32 divides K), so it does not diverge.
// Determinism  one sum in the order of r, s, c: the bits of rung 1.
#pragma once

#include "conv.cuh"

namespace tinygan::cuda {
namespace {

__global__ void __launch_bounds__(256) ladder_taps_kernel(LadderConv d, const float* x, const float* w, float* y) {
  const index_t i = grid_thread();
  if (i >= index_t{d.N} * d.P * d.Q * d.K) return;
  const int k = static_cast<int>(i % d.K), pixel = static_cast<int>(i / d.K % (d.P * d.Q));
  const int n = static_cast<int>(i / d.K / (d.P * d.Q));
  const TapWalk walk(d, pixel, d.C);
  float sum = 0;
  for (int step = 0; step < walk.steps(); ++step) {
    const TapWalk::Step at = walk.at(step);
    const float* const row = x + x_at(d, n, at.h, at.w, 0);
    const float* const column = w + w_at(d, at.tap, 0, k);
    for (int c = 0; c < d.C; ++c) sum = fmaf(row[c], column[index_t{c} * d.K], sum);
  }
  y[i] = sum;
}

inline void ladder_taps(const ConvDims& dims, const float* x, const float* w, float* y, Stream stream) {
  const LadderConv d(dims, false);
  launch<ladder_taps_kernel>(
      {.grid = {grid_extent(ceil_div(dims.y_shape().size(), 256))}, .block = {256}, .stream = stream}, d, x, w, y);
}

}  // namespace
}  // namespace tinygan::cuda
