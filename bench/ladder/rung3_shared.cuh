// Rung 3, shared memory: a block computes 16 images by 16 output channels of one pixel as a sum of small matrix
// products.
//
// All images have the same taps at a pixel, so the tile is dense whatever the padding: that is what tap lists buy.
// Owns         thread (i, j): one output; in each step one element of either panel.
// Shared       x (16 images, 16 channels) and w (16 channels, 16 outputs): 2 KB.      Requires  sm_75.
// Cost         every element brought from memory is used 16 times: 4 FLOPs a byte from the caches; but still two reads
// of
//              shared memory for each multiply-add.
// Determinism  one sum in the order of r, s, c: the bits of rung 1.
#pragma once

#include "conv.cuh"

namespace tinygan::cuda {
namespace {

inline constexpr int shared_edge = 16;

struct SharedRung {
  float x[shared_edge][shared_edge];  // (image, channel)
  float w[shared_edge][shared_edge];  // (channel, output)
};

__global__ void __launch_bounds__(shared_edge* shared_edge)
    ladder_shared_kernel(LadderConv d, const float* x, const float* w, float* y) {
  auto& s = block_shared<SharedRung>();
  const int pixel = static_cast<int>(blockIdx.x), i = static_cast<int>(threadIdx.x) / shared_edge,
            j = static_cast<int>(threadIdx.x) % shared_edge;
  const int n = static_cast<int>(blockIdx.y) * shared_edge + i, k = static_cast<int>(blockIdx.z) * shared_edge + j;
  const TapWalk walk(d, pixel, shared_edge);
  float sum = 0;
  for (int step = 0; step < walk.steps(); ++step) {
    const TapWalk::Step at = walk.at(step);
    s.x[i][j] = n < d.N && at.channel + j < d.C ? x[x_at(d, n, at.h, at.w, at.channel + j)] : 0.0f;
    s.w[i][j] = k < d.K && at.channel + i < d.C ? w[w_at(d, at.tap, at.channel + i, k)] : 0.0f;
    __syncthreads();
    TINYGAN_UNROLL
    for (int c = 0; c < shared_edge; ++c) sum = fmaf(s.x[i][c], s.w[c][j], sum);
    __syncthreads();
  }
  if (n < d.N && k < d.K) y[y_at(d, n, pixel, k)] = sum;
}

inline void ladder_shared(const ConvDims& dims, const float* x, const float* w, float* y, Stream stream) {
  const LadderConv d(dims, false);
  launch<ladder_shared_kernel>({.grid = ladder_grid(d, shared_edge, shared_edge),
                                .block = {shared_edge * shared_edge},
                                .shared_bytes = sizeof(SharedRung),
                                .stream = stream},
                               d, x, w, y);
}

}  // namespace
}  // namespace tinygan::cuda
