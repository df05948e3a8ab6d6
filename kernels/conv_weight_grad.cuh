// Weight gradient of a convolution: dw[t] (C,K) = sum over images n and pairs (p,q) of tap t of x[n,q,:]^T g[n,p,:].
//
// The same pairs as in the forward lists, grouped by tap: for tap (r,s) the output pixels that reach data with it form
// a rectangle, and what they read is evenly spaced. The depth is (image, row, column) of that rectangle.
// Owns         a block takes a tile (gemm_tile.cuh) of one tap and one piece of its depth. The slabs
//              (splits, R, S, C, K) are added up by a second launch.
// Shared       four panels, 4.6 to 16.9 KB.      Requires  sm_75.
// Cost         2 FLOPs for each multiply-add that touches data (exact_macs); a slab is written and read once.
// Determinism  pieces depend on the shape alone and are added in order; no atomics. A tap without pairs gives 0.
#pragma once

#include <tinygan/backend/conv_dims.hpp>
#include <tinygan/base/stream.hpp>

#include "gemm_tile.cuh"

namespace tinygan::cuda {
namespace {

/// Along one axis: outputs [out, out + count) reach data with a filter coordinate, the first at input `in`.
struct PairRange {
  int out, count, in;

  /// out*stride + filter*dilation - pad in [0, extent), for out in [0, outputs).
  __device__ PairRange(int filter, int extent, int outputs, int stride, int pad, int dilation) {
    const int offset = filter * dilation - pad;
    out = offset < 0 ? (stride - 1 - offset) / stride : 0;
    const int last = extent - 1 - offset, end = last < 0 ? 0 : last / stride + 1;
    count = (end < outputs ? end : outputs) - out;
    if (count < 0) count = 0;
    in = out * stride + offset;
  }
};

/// ConvDims in the width the kernel computes with, and how the work is cut up.
struct WeightGradPlan {
  int N, H, W, C, R, S, K, P, Q, stride_h, stride_w, pad_top, pad_left, dilation_h, dilation_w;
  int row_tiles, column_tiles, splits;
  bool packed_x, packed_g, packed_w;
};

/// Steps through the pairs of a tap: this thread's pixel is `depth` of the panel ahead of the step's first.
template <class P>
struct PairSource {
  using Place = PanelPlace<P, false>;

  const float *x, *g;          // this thread's channels of pixel 0 of the rectangle
  int image, row, column;      // its pixel of this step
  int end;                     // images
  int rows, columns;           // of the rectangle
  int x_channels, g_channels;  // from here on, at most 4
  const WeightGradPlan& p;

  /// From pixel `begin` of the rectangle's N * rows * columns to `end_pixel`.
  __device__ PairSource(const WeightGradPlan& plan, const PairRange& h, const PairRange& v, int begin, int c, int k,
                        const float* x_all, const float* g_all)
      : end(plan.N), rows(h.count), columns(v.count), p(plan) {
    c += Place::edge();
    k += Place::edge();
    x_channels = count_of_four(c, p.C);
    g_channels = count_of_four(k, p.K);
    x = x_all + (index_t{h.in} * p.W + v.in) * p.C + c;
    g = g_all + (index_t{h.out} * p.Q + v.out) * p.K + k;
    const int at = begin + Place::depth();
    column = at % columns;
    row = at / columns % rows;
    image = at / columns / rows;
  }

  __device__ Float4 a() const {
    const index_t pixel = (index_t{image} * p.H + row * p.stride_h) * p.W + column * p.stride_w;
    return load_some(x + pixel * p.C, image < end ? x_channels : 0, p.packed_x);
  }
  __device__ Float4 b() const {
    const index_t pixel = (index_t{image} * p.P + row) * p.Q + column;
    return load_some(g + pixel * p.K, image < end ? g_channels : 0, p.packed_g);
  }
  __device__ void advance() {
    column += P::depth;
    while (column >= columns) {
      column -= columns;
      if (++row < rows) continue;
      row = 0;
      ++image;
    }
  }
};

/// Block (tile of a tap, piece of the depth): slab `blockIdx.y` of dw(splits, R, S, C, K).
template <class P>
__global__ void __launch_bounds__(P::threads, P::blocks_per_sm)
    conv_weight_grad_kernel(WeightGradPlan p, const float* x, const float* g, float* dw) {
  const int tile = static_cast<int>(blockIdx.x), tiles = p.row_tiles * p.column_tiles;
  const int tap = tile / tiles, c = tile % p.row_tiles * P::edge, k = tile % tiles / p.row_tiles * P::edge;
  const PairRange h(tap / p.S, p.H, p.P, p.stride_h, p.pad_top, p.dilation_h);
  const PairRange v(tap % p.S, p.W, p.Q, p.stride_w, p.pad_left, p.dilation_w);
  const int steps = (p.N * h.count * v.count + P::depth - 1) / P::depth;
  const auto share = [&](unsigned piece) { return static_cast<int>(index_t{steps} * piece / p.splits); };
  const int begin = share(blockIdx.y), mine = share(blockIdx.y + 1) - begin;

  TileAccumulator<P> acc;
  if (mine > 0) {
    PairSource<P> source(p, h, v, begin * P::depth, c, k, x, g);
    multiply_tile<P, false, false>(source, mine, acc);
  }
  float* const out = dw + (index_t{blockIdx.y} * p.R * p.S + tap) * p.C * p.K;
  store_tile<P>(acc, {c, p.C, k, p.K, p.packed_w}, {}, out, [&](int row) { return index_t{row} * p.K; });
}

/// f.operator()<Policy>(plan) with the tile and the pieces for a shape.
template <class F>
auto with_weight_grad_plan(const ConvDims& d, const F& f) {
  const auto n = [](index_t v) { return static_cast<int>(v); };
  const auto tiles = [&](index_t edge) { return d.R * d.S * ceil_div(d.C, edge) * ceil_div(d.K, edge); };
  const auto splits = [&](index_t edge) { return depth_splits(tiles(edge), d.N * d.P * d.Q); };
  const auto blocks = [&](index_t edge) { return tiles(edge) * splits(edge); };
  return with_tile(d.C, d.K, blocks, [&]<class P>() {
    return f.template operator()<P>(WeightGradPlan{
        n(d.N), n(d.H), n(d.W), n(d.C), n(d.R), n(d.S), n(d.K), n(d.P), n(d.Q), n(d.stride_h), n(d.stride_w),
        n(d.pad_top), n(d.pad_left), n(d.dilation_h), n(d.dilation_w), n(ceil_div(d.C, P::edge)),
        n(ceil_div(d.K, P::edge)), n(splits(P::edge)), false, false, false});
  });
}

/// Pixels are counted in 32 bits, a step beyond the last one included.
inline void check_weight_grad(const ConvDims& d) {
  check(d.N * std::max(d.H * d.W, d.P * d.Q) <= 0x7fffffff - 8, "conv2d_weight_grad", "more than 2^31 - 9 pixels");
}

inline std::size_t weight_grad_workspace(const ConvDims& d) {
  return with_weight_grad_plan(d, [&]<class P>(const WeightGradPlan& p) {
    return p.splits > 1 ? static_cast<std::size_t>(p.splits * d.w_shape().size()) * sizeof(float) : 0;
  });
}

inline void weight_grad(const ConvDims& d, const float* x, const float* g, float* dw, void* workspace, Stream stream) {
  check_weight_grad(d);
  with_weight_grad_plan(d, [&]<class P>(WeightGradPlan p) {
    float* const out = p.splits > 1 ? static_cast<float*>(workspace) : dw;
    p.packed_x = d.C % 4 == 0 && aligned(16, x);
    p.packed_g = d.K % 4 == 0 && aligned(16, g);
    p.packed_w = d.K % 4 == 0 && aligned(16, out);
    launch<conv_weight_grad_kernel<P>>(
        {.grid = {grid_extent(d.R * d.S * p.row_tiles * p.column_tiles), grid_extent(p.splits, false)},
         .block = {P::threads},
         .shared_bytes = sizeof(TileShared<P>),
         .stream = stream},
        p, x, g, out);
    if (p.splits > 1) sum_slabs(d.w_shape().size(), p.splits, d.K, {}, out, dw, stream);
  });
}

}  // namespace
}  // namespace tinygan::cuda
