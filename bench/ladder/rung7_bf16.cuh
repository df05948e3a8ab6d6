// Rung 7, bfloat16 on tensor cores: twice the products of an instruction, and fragments by ldmatrix.
//
// Owns         a block: 64 images by 64 outputs; each of its four warps 32 by 32 of them.
// Shared       x (64 images, 32 channels) and w (32 channels, 64 outputs) as bfloat16, both twice: 19 KB; pitches of 40
// and 72
//              elements: the rows that an ldmatrix reads lie in different banks.
// Requires     sm_80; channel counts divisible by four. Memory holds floats: they are rounded on their way to shared
// memory. Cost         8 mma (16x8x16) for each 16 channels of a warp, 4 ldmatrix.x4. Operands have 7 bits of mantissa,
// sums are float. Determinism  an output is one sum in the order of r, s, c, sixteen products at a time.
#pragma once

#include "fragments.cuh"

namespace tinygan::cuda {
namespace {

struct Bf16Rung {
  static constexpr int depth = 32;
  Bf16x2 x[2][mma_edge][depth / 2 + 4];  // (image, pair of channels)
  Bf16x2 w[2][depth][mma_edge / 2 + 4];  // (channel, pair of outputs)
};

/// A thread's share of the panels of one step, in registers: four packs of each.
struct Bf16Panels {
  using R = Bf16Rung;
  Pack<Bf16x2, 2> x[4], w[4];

  __device__ Bf16Panels(const LadderConv& d, const TapWalk::Step& at, int n0, int k0, const float* from_x,
                        const float* from_w) {
    TINYGAN_UNROLL
    for (int i = 0; i < 4; ++i) {
      const int element = static_cast<int>(threadIdx.x) + i * mma_threads;
      const int n = n0 + element / 8, c = at.channel + element % 8 * 4;
      x[i] = rounded(from_x + x_at(d, n, at.h, at.w, c), n < d.N && c < d.C);
      const int cw = at.channel + element / 16, k = k0 + element % 16 * 4;
      w[i] = rounded(from_w + w_at(d, at.tap, cw, k), cw < d.C && k < d.K);
    }
  }
  __device__ void put(R& s, int buffer) const {
    TINYGAN_UNROLL
    for (int i = 0; i < 4; ++i) {
      const int element = static_cast<int>(threadIdx.x) + i * mma_threads;
      store_pack(&s.x[buffer][element / 8][element % 8 * 2], x[i]);
      store_pack(&s.w[buffer][element / 16][element % 16 * 2], w[i]);
    }
  }

 private:
  __device__ static Pack<Bf16x2, 2> rounded(const float* from, bool there) {
    if (!there) return {};
    const Pack<float, 4> v = load_pack<4>(from);
    return {{pack_bf16(v.at[0], v.at[1]), pack_bf16(v.at[2], v.at[3])}};
  }
};

__global__ void __launch_bounds__(mma_threads)
    ladder_bf16_kernel(LadderConv d, const float* x, const float* w, float* y) {
  using R = Bf16Rung;
  auto& s = block_shared<R>();
  const int pixel = static_cast<int>(blockIdx.x);
  const int n0 = static_cast<int>(blockIdx.y) * mma_edge, k0 = static_cast<int>(blockIdx.z) * mma_edge;
  const int row = static_cast<int>(lane_id()) % 8,
            matrix = static_cast<int>(lane_id()) / 8;  // what ldmatrix wants of a lane
  const TapWalk walk(d, pixel, R::depth);
  WarpTile tile;
  const int steps = walk.steps();
  if (steps > 0) Bf16Panels(d, walk.at(0), n0, k0, x, w).put(s, 0);
  __syncthreads();
  for (int step = 0; step < steps; ++step) {
    const int now = step % 2;
    const Bf16Panels next(d, walk.at(step + 1 < steps ? step + 1 : step), n0, k0, x, w);
    TINYGAN_UNROLL
    for (int c = 0; c < R::depth; c += 16) {
      FragmentA a[2];
      TINYGAN_UNROLL
      for (int i = 0; i < 2; ++i)
        a[i] = load_matrix<4>(&s.x[now][tile.row() + 16 * i + matrix % 2 * 8 + row][c / 2 + matrix / 2 * 4]);
      TINYGAN_UNROLL
      for (int j = 0; j < 4; j += 2) {
        const auto b =
            load_matrix<4, true>(&s.w[now][c + matrix % 2 * 8 + row][(tile.column() + 8 * j) / 2 + matrix / 2 * 4]);
        TINYGAN_UNROLL
        for (int i = 0; i < 2; ++i) {
          mma_bf16(tile.acc[i][j], a[i], FragmentB{{b.at[0], b.at[1]}});
          mma_bf16(tile.acc[i][j + 1], a[i], FragmentB{{b.at[2], b.at[3]}});
        }
      }
    }
    next.put(s, 1 - now);
    __syncthreads();
  }
  tile.store(d, n0, pixel, k0, y);
}

inline void ladder_bf16(const ConvDims& dims, const float* x, const float* w, float* y, Stream stream) {
  const LadderConv d(dims, true);
  launch<ladder_bf16_kernel>({.grid = ladder_grid(d, mma_edge, mma_edge),
                              .block = {mma_threads},
                              .shared_bytes = sizeof(Bf16Rung),
                              .stream = stream},
                             d, x, w, y);
}

}  // namespace
}  // namespace tinygan::cuda
