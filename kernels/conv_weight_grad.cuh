// Weight gradient of a convolution: dw[t] (C,K) = sum over images n and pairs (p,q) of tap t of x[n,q,:]^T g[n,p,:].
//
// The same pairs as in the forward lists, grouped by tap: for tap (r,s) the output pixels that reach data with it form
// a rectangle, and their inputs are evenly spaced. The terms of a sum are (image, row, column) of that rectangle.
// Shapes       x(N,H,W,C), g(N,P,Q,K) and dw(R,S,C,K): floats, or bfloat16 where the precision is bf16.
// Owns         a block: one tile (gemm_tile.cuh) of one tap, one split of its terms. Split-K partial sums of dw,
//              (splits, R, S, C, K), fp32, are added by a second launch.
// Shared       panels of x and g: fp32 4.6 to 16.9 KB, tensor cores 64 to 96 KB.
// Requires     fp32 sm_75, tf32 and bf16 sm_80.
// Cost         2 FLOPs for each multiply-add that touches data (exact_macs); partial sums are written and read once.
// Determinism  splits depend on the shape alone and are added in order; no atomics. A tap without pairs gives 0.
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

/// ConvDims as 32-bit integers, and the partition.
struct WeightGradPlan {
  int N, H, W, C, R, S, K, P, Q, stride_h, stride_w, pad_top, pad_left, dilation_h, dilation_w;
  int row_tiles, column_tiles, splits;
  bool aligned_x, aligned_g, aligned_w;
};

/// Source over the pairs of a tap: this thread's pixels of a step are every `stride`-th of its panels' rows.
template <class P>
struct PairSource {
  static_assert(P::tile_m == P::tile_n, "both panels have the same pixels of a step");
  using Place = PanelPlace<P, P::tile_m, Major::mn>;
  using Element = typename P::Element;

  const Element *x, *g;        // this thread's packs of x (tile_k, tile_m) and g (tile_k, tile_n), pixel 0
  int image, row, column;      // its next pixel
  int end;                     // images
  int rows, columns;           // of the rectangle
  int x_channels, g_channels;  // from here on, at most a pack
  const WeightGradPlan& p;

  /// From pixel `begin` of the rectangle's N * rows * columns to `end_pixel`.
  __device__ PairSource(const WeightGradPlan& plan, const PairRange& h, const PairRange& v, int begin, int c, int k,
                        const Element* x_all, const Element* g_all)
      : end(plan.N), rows(h.count), columns(v.count), p(plan) {
    c += Place::mn();
    k += Place::mn();
    x_channels = count_of<P::pack>(c, p.C);
    g_channels = count_of<P::pack>(k, p.K);
    x = x_all + (index_t{h.in} * p.W + v.in) * p.C + c;
    g = g_all + (index_t{h.out} * p.Q + v.out) * p.K + k;
    const int at = begin + Place::k();
    column = at % columns;
    row = at / columns % rows;
    image = at / columns / rows;
  }

  template <class CopyA, class CopyB>
  __device__ __forceinline__ void load_step(const CopyA& copy_a, const CopyB& copy_b) {
    TINYGAN_UNROLL
    for (int i = 0; i < Place::packs; ++i) {
      const index_t from = (index_t{image} * p.H + row * p.stride_h) * p.W + column * p.stride_w;
      const index_t to = (index_t{image} * p.P + row) * p.Q + column;
      copy_a(i, x + from * p.C, image < end ? x_channels : 0, p.aligned_x);
      copy_b(i, g + to * p.K, image < end ? g_channels : 0, p.aligned_g);
      column += Place::stride;
      while (column >= columns) {
        column -= columns;
        if (++row < rows) continue;
        row = 0;
        ++image;
      }
    }
  }
};

/// Block (tile of a tap, split): dw(R, S, C, K), or where there are any partial_sums(splits, R, S, C, K).
template <class P, class T = typename P::Element>
__global__ void __launch_bounds__(P::threads, P::blocks_per_sm)
    conv_weight_grad_kernel(WeightGradPlan p, const T* x, const T* g, T* dw, float* partial_sums) {
  const int tile = static_cast<int>(blockIdx.x), tiles = p.row_tiles * p.column_tiles;
  const int tap = tile / tiles, c = tile % p.row_tiles * P::tile_m, k = tile % tiles / p.row_tiles * P::tile_n;
  const PairRange h(tap / p.S, p.H, p.P, p.stride_h, p.pad_top, p.dilation_h);
  const PairRange v(tap % p.S, p.W, p.Q, p.stride_w, p.pad_left, p.dilation_w);
  const int steps = (p.N * h.count * v.count + P::tile_k - 1) / P::tile_k;
  const auto split_begin = [&](unsigned split) { return static_cast<int>(index_t{steps} * split / p.splits); };
  const int begin = split_begin(blockIdx.y), mine = split_begin(blockIdx.y + 1) - begin;

  typename P::Accumulator acc;  // (tile_m, tile_n) of dw[t]
  if (mine > 0) {
    PairSource<P> source(p, h, v, begin * P::tile_k, c, k, x, g);
    P::template multiply<Major::mn, Major::mn>(source, mine, acc);
  }
  const index_t size = index_t{p.C} * p.K;
  store_tile<P>(acc, {c, p.C, k, p.K, p.aligned_w}, Epilogue<T>{}, partial_sums ? nullptr : dw + tap * size,
                partial_sums ? partial_sums + (index_t{blockIdx.y} * p.R * p.S + tap) * size : nullptr,
                [&](int row) { return index_t{row} * p.K; });
}

/// The plan with tiles of (tile_m, tile_n) and so many splits.
inline WeightGradPlan weight_grad_plan(const ConvDims& d, index_t tile_m, index_t tile_n, index_t splits) {
  const auto n = [](index_t v) { return static_cast<int>(v); };
  return {n(d.N),
          n(d.H),
          n(d.W),
          n(d.C),
          n(d.R),
          n(d.S),
          n(d.K),
          n(d.P),
          n(d.Q),
          n(d.stride_h),
          n(d.stride_w),
          n(d.pad_top),
          n(d.pad_left),
          n(d.dilation_h),
          n(d.dilation_w),
          n(ceil_div(d.C, tile_m)),
          n(ceil_div(d.K, tile_n)),
          n(splits),
          false,
          false,
          false};
}

/// run.operator()<Policy>(plan) with the tile and the splits for a shape.
template <Precision F, class T, class Run>
auto with_weight_grad_plan(const ConvDims& d, const Run& run) {
  const auto tiles = [&](index_t c, index_t k) { return d.R * d.S * ceil_div(d.C, c) * ceil_div(d.K, k); };
  const auto splits = [&](index_t c, index_t k) { return split_k_count(tiles(c, k), d.N * d.P * d.Q); };
  const auto blocks = [&](index_t c, index_t k) { return tiles(c, k) * splits(c, k); };
  return with_tile<F, T, false>(d.C, d.K, blocks, [&]<class P>() {
    return run.template operator()<P>(weight_grad_plan(d, P::tile_m, P::tile_n, splits(P::tile_m, P::tile_n)));
  });
}

/// Pixels are counted in 32 bits, a step beyond the last one included.
inline void check_weight_grad(const ConvDims& d) {
  check(d.N * std::max(d.H * d.W, d.P * d.Q) <= 0x7fffffff - 64, "conv2d_weight_grad", "more than 2^31 - 65 pixels");
}

/// The split-K count of weight_grad().
template <Precision F, class T>
index_t weight_grad_splits(const ConvDims& d) {
  return with_weight_grad_plan<F, T>(d, [&]<class P>(const WeightGradPlan& p) { return index_t{p.splits}; });
}

/// partial_sums(splits, R, S, C, K), or with a single split dw.
template <Precision F, class T>
void weight_grad(const ConvDims& d, index_t splits, const T* x, const T* g, T* dw, float* partial_sums, Stream stream) {
  check_weight_grad(d);
  with_weight_grad_plan<F, T>(d, [&]<class P>(WeightGradPlan p) {
    p.splits = static_cast<int>(splits);
    p.aligned_x = has_aligned_rows<P::pack>(d.C, x);
    p.aligned_g = has_aligned_rows<P::pack>(d.K, g);
    p.aligned_w = partial_sums ? has_aligned_rows<4>(d.K, partial_sums) : has_aligned_rows<4>(d.K, dw);
    record_tiles<P>(d.R * d.S * p.row_tiles * p.column_tiles * p.splits, p.splits);
    launch<conv_weight_grad_kernel<P>>(
        {.grid = {grid_extent(d.R * d.S * p.row_tiles * p.column_tiles), grid_extent(p.splits, false)},
         .block = {P::threads},
         .shared_bytes = P::shared_bytes,
         .stream = stream},
        p, x, g, dw, partial_sums);
  });
}

}  // namespace
}  // namespace tinygan::cuda
