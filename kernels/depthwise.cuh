// Convolution of every channel by itself: y(N,P,Q,C) = sum over taps of x(N,H,W,C) w(R,S,C), and the other two
// partials.
//
// Elements     float or bfloat16; sums in float.
// Owns         y and dx: a thread makes packs of 4 channels of one pixel (single ones where C or an address does not
//              allow it). dw: a block of 32 x 8 threads per tap, 32 channels and block of images.
// Shared       dw: 8 rows of sums (1 KB); the others none.      Requires  sm_75.
// Determinism  a thread adds its taps in the order of rows, then columns; partial sums of dw are added in order by a
//              second launch. The cut depends on the extents only; no atomics.
// Cost         2 R S FLOPs for each element of y; operands from L1 or L2 where taps overlap.
#pragma once

#include <tinygan/backend/conv_dims.hpp>
#include <tinygan/backend/workspace.hpp>
#include <tinygan/base/stream.hpp>

#include "device/map.cuh"
#include "launch.cuh"
#include "pooling.cuh"
#include "reduce.cuh"

namespace tinygan::cuda {
namespace {

/// Along one axis, towards the other side: forward in = out stride + r dilation - pad, adjoint the same the other way.
struct DepthwiseAxis {
  index_t in_extent, filter, pad, dilation;
  Divisor stride;

  /// The coordinate that filter coordinate r reads for output coordinate `out`, or -1 for none.
  template <bool Adjoint>
  __device__ index_t in(index_t out, index_t r) const {
    index_t at = out * stride.value() + r * dilation - pad;
    if (Adjoint) {
      const index_t from = out + pad - r * dilation;
      at = from < 0 ? -1 : stride.divide(from);
      if (at * stride.value() != from) at = -1;
    }
    return at < in_extent ? at : -1;
  }
};

struct DepthwisePlan {
  Divisor channels, columns, rows;  // of the output; channels in packs
  index_t packs;
  DepthwiseAxis down, across;
};

/// Left alone, nvcc 13.0 aims at eight and spills for sm_80; held to four it spills for sm_100 and sm_120.
inline constexpr int depthwise_blocks_per_sm = 2;

template <bool Adjoint, int N, class T>
__global__ void __launch_bounds__(map_threads, depthwise_blocks_per_sm)
    depthwise_kernel(DepthwisePlan p, const T* in, const T* w, T* out) {
  const index_t C = p.channels.value() * N;
  for (index_t i = grid_thread(); i < p.packs; i += grid_threads()) {
    const index_t pixel = p.channels.divide(i), c = (i - pixel * p.channels.value()) * N;
    const index_t line = p.columns.divide(pixel), column = pixel - line * p.columns.value();
    const index_t image = p.rows.divide(line), row = line - image * p.rows.value();
    Pack<float, N> sum{};
    for (index_t r = 0; r < p.down.filter; ++r) {
      const index_t h = p.down.in<Adjoint>(row, r);
      if (h < 0) continue;
      for (index_t s = 0; s < p.across.filter; ++s) {
        const index_t v = p.across.in<Adjoint>(column, s);
        if (v < 0) continue;
        const auto a = load_floats<N>(in + ((image * p.down.in_extent + h) * p.across.in_extent + v) * C + c);
        const auto b = load_floats<N>(w + (r * p.across.filter + s) * C + c);
        TINYGAN_UNROLL
        for (int k = 0; k < N; ++k) sum.at[k] += a.at[k] * b.at[k];
      }
    }
    store_floats(out + N * i, sum);
  }
}

template <bool Adjoint, class T>
void depthwise(const ConvDims& d, const T* in, const T* w, T* out, Stream stream) {
  const index_t rows = Adjoint ? d.H : d.P, columns = Adjoint ? d.W : d.Q;
  const DepthwiseAxis down{Adjoint ? d.P : d.H, d.R, d.pad_top, d.dilation_h, Divisor(d.stride_h)};
  const DepthwiseAxis across{Adjoint ? d.Q : d.W, d.S, d.pad_left, d.dilation_w, Divisor(d.stride_w)};
  const auto run = [&]<int N>() {
    const DepthwisePlan p{
        Divisor(d.C / N), Divisor(columns), Divisor(rows), d.N * rows * columns * d.C / N, down, across};
    launch<depthwise_kernel<Adjoint, N, T>>(
        {.grid = {grid_stride_blocks(p.packs, map_threads)}, .block = {map_threads}, .stream = stream}, p, in, w, out);
  };
  with_channel_width(d.C, run, in, w, out);
}

template <class T>
void depthwise_conv2d(const ConvDims& d, const T* x, const T* w, T* y, Stream stream) {
  depthwise<false>(d, x, w, y, stream);
}
template <class T>
void depthwise_conv2d_input_grad(const ConvDims& d, const T* g, const T* w, T* dx, Stream stream) {
  depthwise<true>(d, g, w, dx, stream);
}

// ---- Weight gradient ------------------------------------------------------------------------------------------------

inline constexpr unsigned depthwise_rows = 8;

struct DepthwiseShared {
  float row[depthwise_rows][warp_size];
};

/// Block (tap and 32 channels, block of images): partial_sums(blocks, R, S, C).
template <class T>
__global__ void __launch_bounds__(warp_size* depthwise_rows)
    depthwise_weight_grad_kernel(ConvDims d, index_t images, index_t groups, const T* x, const T* g,
                                 float* partial_sums) {
  auto& shared = block_shared<DepthwiseShared>();
  const index_t tap = blockIdx.x / groups, c = blockIdx.x % groups * warp_size + threadIdx.x;
  const index_t r = tap / d.S, s = tap % d.S, first = blockIdx.y * images;
  const index_t last = first + images < d.N ? first + images : d.N;
  float sum = 0.0f;
  for (index_t line = first * d.P + threadIdx.y; line < last * d.P; line += depthwise_rows) {
    const index_t n = line / d.P, h = line % d.P * d.stride_h + r * d.dilation_h - d.pad_top;
    if (h < 0 || h >= d.H || c >= d.C) continue;
    for (index_t q = 0; q < d.Q; ++q) {
      const index_t v = q * d.stride_w + s * d.dilation_w - d.pad_left;
      if (v >= 0 && v < d.W)
        sum += to_float(x[((n * d.H + h) * d.W + v) * d.C + c]) * to_float(g[(line * d.Q + q) * d.C + c]);
    }
  }
  shared.row[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y > 0 || c >= d.C) return;
  for (unsigned k = 1; k < depthwise_rows; ++k) sum += shared.row[k][threadIdx.x];
  partial_sums[(blockIdx.y * d.R * d.S + tap) * d.C + c] = sum;
}

template <class T>
void depthwise_conv2d_weight_grad(const ConvDims& d, const T* x, const T* g, T* dw, Workspace& workspace,
                                  Stream stream) {
  constexpr index_t most_blocks = 32;
  const index_t images = ceil_div(d.N, most_blocks), blocks = ceil_div(d.N, images), size = d.R * d.S * d.C;
  const index_t groups = ceil_div(d.C, index_t{warp_size});
  float* const partial = workspace.allocate<float>("depthwise_conv2d_weight_grad", {blocks * size});
  launch<depthwise_weight_grad_kernel<T>>({.grid = {grid_extent(d.R * d.S * groups), grid_extent(blocks, false)},
                                           .block = {warp_size, depthwise_rows},
                                           .shared_bytes = sizeof(DepthwiseShared),
                                           .stream = stream},
                                          d, images, groups, x, g, partial);
  const ReduceDims sums{1, blocks, size};
  ReduceSplits whole(sums);
  whole.split_size = round_up(blocks, 4);
  whole.splits = 1;
  reduce_pass<Sum>(sums, whole, static_cast<const float*>(partial), dw, stream);
}

}  // namespace
}  // namespace tinygan::cuda
