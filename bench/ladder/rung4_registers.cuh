// Rung 4, registers: 64 images by 64 outputs, and each thread keeps a 4x4 part of them in registers.
//
// Owns         thread (i, j): outputs 4i.. x 4j..; in each step four elements of either panel.
// Shared       x (16 channels, 64 images), transposed as it is stored, and w (16 channels, 64 outputs): 8.3 KB.
// Requires     sm_75.
// Cost         eight reads of shared memory for 16 multiply-adds instead of 32; each element from memory is used 64
// times. Determinism  one sum in the order of r, s, c: the bits of rung 1.
#pragma once

#include "conv.cuh"

namespace tinygan::cuda {
namespace {

struct RegisterRung {
  static constexpr int edge = 64, depth = 16, threads = 256, part = 4;
  float x[depth][edge + 1];  // (channel, image); the odd pitch spreads the transposing stores over the banks
  float w[depth][edge];      // (channel, output)
};

__global__ void __launch_bounds__(RegisterRung::threads)
    ladder_registers_kernel(LadderConv d, const float* x, const float* w, float* y) {
  using R = RegisterRung;
  auto& s = block_shared<R>();
  const int pixel = static_cast<int>(blockIdx.x), thread = static_cast<int>(threadIdx.x);
  const int n0 = static_cast<int>(blockIdx.y) * R::edge, k0 = static_cast<int>(blockIdx.z) * R::edge;
  const int row = thread / (R::edge / R::part) * R::part, column = thread % (R::edge / R::part) * R::part;
  const TapWalk walk(d, pixel, R::depth);
  float acc[R::part][R::part] = {};
  for (int step = 0; step < walk.steps(); ++step) {
    const TapWalk::Step at = walk.at(step);
    TINYGAN_UNROLL
    for (int i = thread; i < R::edge * R::depth; i += R::threads) {
      const int n = n0 + i / R::depth, c = at.channel + i % R::depth;
      s.x[i % R::depth][i / R::depth] = n < d.N && c < d.C ? x[x_at(d, n, at.h, at.w, c)] : 0.0f;
    }
    TINYGAN_UNROLL
    for (int i = thread; i < R::edge * R::depth; i += R::threads) {
      const int c = at.channel + i / R::edge, k = k0 + i % R::edge;
      s.w[i / R::edge][i % R::edge] = c < d.C && k < d.K ? w[w_at(d, at.tap, c, k)] : 0.0f;
    }
    __syncthreads();
    TINYGAN_UNROLL
    for (int c = 0; c < R::depth; ++c) {
      TINYGAN_UNROLL
      for (int i = 0; i < R::part; ++i) TINYGAN_UNROLL
      for (int j = 0; j < R::part; ++j) acc[i][j] = fmaf(s.x[c][row + i], s.w[c][column + j], acc[i][j]);
    }
    __syncthreads();
  }
  TINYGAN_UNROLL
  for (int i = 0; i < R::part; ++i) TINYGAN_UNROLL
  for (int j = 0; j < R::part; ++j)
    if (n0 + row + i < d.N && k0 + column + j < d.K) y[y_at(d, n0 + row + i, pixel, k0 + column + j)] = acc[i][j];
}

inline void ladder_registers(const ConvDims& dims, const float* x, const float* w, float* y, Stream stream) {
  const LadderConv d(dims, false);
  launch<ladder_registers_kernel>({.grid = ladder_grid(d, RegisterRung::edge, RegisterRung::edge),
                                   .block = {RegisterRung::threads},
                                   .shared_bytes = sizeof(RegisterRung),
                                   .stream = stream},
                                  d, x, w, y);
}

}  // namespace
}  // namespace tinygan::cuda
