// What the tensor-core rungs share: 64 images by 64 outputs of a block as fragments of four warps, 32 by 32 each.
#pragma once

#include "../../kernels/device/mma.cuh"
#include "conv.cuh"

namespace tinygan::cuda {
namespace {

inline constexpr int mma_edge = 64, mma_threads = 128;

/// The accumulators of one warp: 2 fragments of 16 images by 4 of 8 outputs.
struct WarpTile {
  FragmentC acc[2][4] = {};

  __device__ static int row() { return static_cast<int>(warp_id()) / 2 * 32; }
  __device__ static int column() { return static_cast<int>(warp_id()) % 2 * 32; }

  __device__ void store(const LadderConv& d, int n0, int pixel, int k0, float* y) const {
    const int g = static_cast<int>(lane_id()) / 4, t = static_cast<int>(lane_id()) % 4;
    TINYGAN_UNROLL
    for (int i = 0; i < 2; ++i) TINYGAN_UNROLL
    for (int j = 0; j < 4; ++j) TINYGAN_UNROLL
    for (int e = 0; e < 4; ++e) {
      const int n = n0 + row() + 16 * i + g + 8 * (e >> 1), k = k0 + column() + 8 * j + 2 * t + (e & 1);
      if (n < d.N && k < d.K) y[y_at(d, n, pixel, k)] = acc[i][j].at[e];
    }
  }
};

}  // namespace
}  // namespace tinygan::cuda
