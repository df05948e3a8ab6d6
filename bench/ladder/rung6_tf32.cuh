// Rung 6, TF32 on tensor cores: a warp multiplies fragments of 16x8 by 8x8, and copies run by themselves (cp.async).
//
// Owns         a block: 64 images by 64 outputs; each of its four warps 32 by 32 of them.
// Shared       x (64 images, 16 channels) and w (16 channels, 64 outputs), both twice: 19.5 KB; pitches of 20 and 72
// floats
//              let the lanes of a fragment's load meet 32 different banks.
// Requires     sm_80; channel counts divisible by four.
// Cost         8 mma (16x8x8) for each 8 channels of a warp, and 16 reads of shared memory a lane. Operands are rounded
// to 10
//              bits of mantissa, sums are float.
// Determinism  an output is one sum in the order of r, s, c, eight products at a time.
#pragma once

#include "../../kernels/device/async_copy.cuh"
#include "fragments.cuh"

namespace tinygan::cuda {
namespace {

struct Tf32Rung {
  static constexpr int depth = 16;
  float x[2][mma_edge][depth + 4];  // (image, channel)
  float w[2][depth][mma_edge + 8];  // (channel, output)
};

/// Starts the copies of one step; what is not there becomes 0.
__device__ inline void copy_tf32_panels(const LadderConv& d, const TapWalk::Step& at, int n0, int k0, const float* x,
                                        const float* w, Tf32Rung& s, int buffer) {
  TINYGAN_UNROLL
  for (int i = static_cast<int>(threadIdx.x); i < mma_edge * Tf32Rung::depth / 4; i += mma_threads) {
    const int image = i / 4, c = at.channel + i % 4 * 4, n = n0 + image;
    const bool there = n < d.N && c < d.C;
    async_copy<16>(&s.x[buffer][image][i % 4 * 4], x + (there ? x_at(d, n, at.h, at.w, c) : 0), there);
    const int cw = at.channel + i / 16, k = k0 + i % 16 * 4;
    const bool filter = cw < d.C && k < d.K;
    async_copy<16>(&s.w[buffer][i / 16][i % 16 * 4], w + (filter ? w_at(d, at.tap, cw, k) : 0), filter);
  }
  async_commit();
}

__global__ void __launch_bounds__(mma_threads)
    ladder_tf32_kernel(LadderConv d, const float* x, const float* w, float* y) {
  using R = Tf32Rung;
  auto& s = block_shared<R>();
  const int pixel = static_cast<int>(blockIdx.x);
  const int n0 = static_cast<int>(blockIdx.y) * mma_edge, k0 = static_cast<int>(blockIdx.z) * mma_edge;
  const int g = static_cast<int>(lane_id()) / 4, t = static_cast<int>(lane_id()) % 4;
  const TapWalk walk(d, pixel, R::depth);
  const auto bits = [](float v) { return std::bit_cast<std::uint32_t>(round_tf32(v)); };
  WarpTile tile;
  const int steps = walk.steps();
  if (steps > 0) copy_tf32_panels(d, walk.at(0), n0, k0, x, w, s, 0);
  for (int step = 0; step < steps; ++step) {
    const int now = step % 2;
    async_wait<0>();
    __syncthreads();  // everybody's copies are there, and nobody reads the other buffer any more
    if (step + 1 < steps) copy_tf32_panels(d, walk.at(step + 1), n0, k0, x, w, s, 1 - now);
    TINYGAN_UNROLL
    for (int c = 0; c < R::depth; c += 8) {
      FragmentA a[2];
      FragmentB b[4];
      TINYGAN_UNROLL
      for (int i = 0; i < 2; ++i) TINYGAN_UNROLL
      for (int e = 0; e < 4; ++e)
        a[i].at[e] = bits(s.x[now][tile.row() + 16 * i + g + 8 * (e & 1)][c + t + 4 * (e >> 1)]);
      TINYGAN_UNROLL
      for (int j = 0; j < 4; ++j) TINYGAN_UNROLL
      for (int e = 0; e < 2; ++e) b[j].at[e] = bits(s.w[now][c + t + 4 * e][tile.column() + 8 * j + g]);
      TINYGAN_UNROLL
      for (int i = 0; i < 2; ++i) TINYGAN_UNROLL
      for (int j = 0; j < 4; ++j) mma_tf32(tile.acc[i][j], a[i], b[j]);
    }
  }
  tile.store(d, n0, pixel, k0, y);
}

inline void ladder_tf32(const ConvDims& dims, const float* x, const float* w, float* y, Stream stream) {
  const LadderConv d(dims, true);
  launch<ladder_tf32_kernel>({.grid = ladder_grid(d, mma_edge, mma_edge),
                              .block = {mma_threads},
                              .shared_bytes = sizeof(Tf32Rung),
                              .stream = stream},
                             d, x, w, y);
}

}  // namespace
}  // namespace tinygan::cuda
