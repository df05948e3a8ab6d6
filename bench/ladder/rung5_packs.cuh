// Rung 5, packs and two buffers: 16-byte reads everywhere, and the next panels are on their way while these are
// multiplied.
//
// Owns         a block: 128 images by 64 outputs; thread: 8x8 of them; in each step two packs of x and one of w.
// Shared       x (8 channels, 128 images) and w (8 channels, 64 outputs), both twice: 12.5 KB.
// Requires     sm_75; channel counts divisible by four.
// Cost         four 16-byte reads of shared memory for 64 multiply-adds; one barrier a step instead of two.
// Determinism  one sum in the order of r, s, c: the bits of rung 1.
// The library's fp32 kernel (kernels/gemm_tile.cuh) is this rung with tiles for smaller problems, any channel count and
// an epilogue.
#pragma once

#include "../../kernels/device/vector.cuh"
#include "conv.cuh"

namespace tinygan::cuda {
namespace {

struct PackRung {
  static constexpr int images = 128, outputs = 64, depth = 8, threads = 128, part = 8;
  float x[2][depth][images + 4];   // (channel, image), rows 16-byte aligned
  float w[2][depth][outputs + 4];  // (channel, output)
};

/// A thread's share of the panels of one step, in registers.
struct PackPanels {
  using R = PackRung;
  Pack<float, 4> x[2], w;

  __device__ PackPanels(const LadderConv& d, const TapWalk::Step& at, int n0, int k0, const float* from_x,
                        const float* from_w) {
    const int thread = static_cast<int>(threadIdx.x), c = at.channel + thread % 2 * 4;
    TINYGAN_UNROLL
    for (int i = 0; i < 2; ++i) {
      const int n = n0 + thread / 2 + 64 * i;
      x[i] = n < d.N && c < d.C ? load_pack<4>(from_x + x_at(d, n, at.h, at.w, c)) : Pack<float, 4>{};
    }
    const int cw = at.channel + thread / 16, k = k0 + thread % 16 * 4;
    w = cw < d.C && k < d.K ? load_pack<4>(from_w + w_at(d, at.tap, cw, k)) : Pack<float, 4>{};
  }
  __device__ void put(R& s, int buffer) const {
    const int thread = static_cast<int>(threadIdx.x);
    TINYGAN_UNROLL
    for (int i = 0; i < 2; ++i) TINYGAN_UNROLL
    for (int c = 0; c < 4; ++c) s.x[buffer][thread % 2 * 4 + c][thread / 2 + 64 * i] = x[i].at[c];
    store_pack(&s.w[buffer][thread / 16][thread % 16 * 4], w);
  }
};

__global__ void __launch_bounds__(PackRung::threads)
    ladder_packs_kernel(LadderConv d, const float* x, const float* w, float* y) {
  using R = PackRung;
  auto& s = block_shared<R>();
  const int pixel = static_cast<int>(blockIdx.x), thread = static_cast<int>(threadIdx.x);
  const int n0 = static_cast<int>(blockIdx.y) * R::images, k0 = static_cast<int>(blockIdx.z) * R::outputs;
  // A thread's outputs are two groups of four along either side, so that a warp's packs lie side by side.
  const int row = thread / 8 * 4, column = thread % 8 * 4;
  const TapWalk walk(d, pixel, R::depth);
  float acc[R::part][R::part] = {};
  const int steps = walk.steps();
  if (steps > 0) PackPanels(d, walk.at(0), n0, k0, x, w).put(s, 0);
  __syncthreads();
  for (int step = 0; step < steps; ++step) {
    const int now = step % 2;
    const PackPanels next(d, walk.at(step + 1 < steps ? step + 1 : step), n0, k0, x, w);
    TINYGAN_UNROLL
    for (int c = 0; c < R::depth; ++c) {
      Pack<float, 4> a[2], b[2];
      TINYGAN_UNROLL
      for (int h = 0; h < 2; ++h) {
        a[h] = load_pack<4>(&s.x[now][c][row + 64 * h]);
        b[h] = load_pack<4>(&s.w[now][c][column + 32 * h]);
      }
      TINYGAN_UNROLL
      for (int i = 0; i < R::part; ++i) TINYGAN_UNROLL
      for (int j = 0; j < R::part; ++j) acc[i][j] = fmaf(a[i / 4].at[i % 4], b[j / 4].at[j % 4], acc[i][j]);
    }
    next.put(s, 1 - now);
    __syncthreads();
  }
  TINYGAN_UNROLL
  for (int i = 0; i < R::part; ++i) TINYGAN_UNROLL
  for (int j = 0; j < 2; ++j) {
    const int n = n0 + row + i / 4 * 64 + i % 4, k = k0 + column + 32 * j;
    if (n >= d.N || k >= d.K) continue;
    store_pack(y + y_at(d, n, pixel, k),
               Pack<float, 4>{{acc[i][4 * j], acc[i][4 * j + 1], acc[i][4 * j + 2], acc[i][4 * j + 3]}});
  }
}

inline void ladder_packs(const ConvDims& dims, const float* x, const float* w, float* y, Stream stream) {
  const LadderConv d(dims, true);
  launch<ladder_packs_kernel>({.grid = ladder_grid(d, PackRung::images, PackRung::outputs),
                               .block = {PackRung::threads},
                               .shared_bytes = sizeof(PackRung),
                               .stream = stream},
                              d, x, w, y);
}

}  // namespace
}  // namespace tinygan::cuda
