// Convolution and input gradient by tap lists: out[n,p,:] = epilogue(sum over (q,t) in taps(p) of in[n,q,:] W[t]).
//
// Both directions, and so transposed convolution, are this one kernel with different lists (backend/taps.hpp). Output
// pixels with the same filter taps form a tap group; in it pixels and taps are evenly spaced, so ten numbers describe
// it.
//
//   stride-2 input gradient, filter of 3:      pixels  0 1 2 3 4 5 6      group A = {0,2,4,6}: taps 0 and 2, or
//                                              taps    A B A B A B A      group B = {1,3,5}: tap 1
//
// Shapes       in(N,H,W,C), out(N,P,Q,K), W[t] (C,K) or, in the adjoint direction, (K,C): the extents of the forward
//              pass as in ConvDims, those of the adjoint direction with H,W,C and P,Q,K exchanged. Elements are floats,
//              or bfloat16 where the precision is bf16.
// Owns         a block: one tile (gemm_tile.cuh) of one group: rows are its pixels of all images (image, row, column),
//              columns output channels. Groups with the most taps come first. Terms of a sum: taps, then channels.
// Shared       panels of in and W: fp32 4.6 to 16.9 KB, tensor cores 64 to 96 KB.
// Requires     fp32 sm_75, tf32 and bf16 sm_80.
// Cost         2 FLOPs for each multiply-add that touches data (exact_macs), none for padding; no taps: epilogue(0).
// Determinism  each output is one sum in the order of taps and channels; no split-K, no atomics.
#pragma once

#include <algorithm>
#include <vector>

#include <tinygan/backend/taps.hpp>
#include <tinygan/base/stream.hpp>

#include "gemm_tile.cuh"

namespace tinygan::cuda {
namespace {

// ---- Tap groups -----------------------------------------------------------------------------------------------------

/// One axis of a tap group: `count` outputs from `out` on with `taps` filter coordinates from `filter` on; `in` is the
/// input of the first output's first tap. Their steps are those of the axis.
struct AxisTapGroup {
  int out, count, in, filter, taps;
};

/// One axis of a tap list: its groups and their common steps.
struct TapAxis {
  int out_step, in_step;           // from an output of a group to the next, and between their first inputs
  int tap_in = 0, tap_filter = 0;  // from a tap to the next
  std::vector<AxisTapGroup> groups;

  /// `period` outputs further on the same filter taps apply, `step` inputs further on.
  TapAxis(const AxisTaps& axis, index_t period, index_t step)
      : out_step(static_cast<int>(period)), in_step(static_cast<int>(step)) {
    for (int out = 0; out < axis.outputs(); ++out) {
      const auto taps = axis.at(out);
      const int count = static_cast<int>(taps.size());
      if (count > 1) {
        tap_in = taps[1].in - taps[0].in;
        tap_filter = taps[1].filter - taps[0].filter;
      }
      const int in = count ? taps[0].in : 0, filter = count ? taps[0].filter : 0;
      const auto belongs = [&](const AxisTapGroup& c) {
        return c.taps == count && c.filter == filter && out == c.out + c.count * out_step &&
               (count == 0 || in == c.in + c.count * in_step);
      };
      const auto at = std::find_if(groups.begin(), groups.end(), belongs);
      if (at != groups.end()) ++at->count;
      else groups.push_back({out, 1, in, filter, count});
    }
  }
};

/// The outputs of a row group and a column group, and their first tile in the launch.
struct TapGroup {
  AxisTapGroup row, column;
  unsigned first_tile;

  __host__ __device__ int pixels() const { return row.count * column.count; }
  __host__ __device__ int taps() const { return row.taps * column.taps; }
};

/// From one member to the next along an axis.
struct TapSteps {
  int out, in, tap_in, tap_filter;
};

inline constexpr int max_tap_groups = 72;  // below 4 KB, the limit of kernel arguments on all architectures

/// One launch: the kernel's parameters.
struct TapConv {
  int N, H, W, Q, C, K, S;  // S: columns of the filter
  index_t out_image;        // elements of one image
  TapSteps row, column;
  index_t w_column;  // elements of the filter from the last step of a tap to the first of the next one of its row
  unsigned column_tiles, raster = 1;  // raster: rows of tiles whose blocks run column by column (wgmma_taps.cuh)
  bool aligned_in, aligned_w, aligned_out;
  int groups = 0;
  TapGroup group[max_tap_groups];
};
static_assert(sizeof(TapConv) < 4000);

// ---- Kernel ---------------------------------------------------------------------------------------------------------

/// The place of row `at` (image, group row, group column) of a group.
struct TapPixel {
  int image, row, column;

  __device__ TapPixel(const TapGroup& g, int at) {
    const auto pixels = static_cast<unsigned>(g.pixels()), columns = static_cast<unsigned>(g.column.count);
    const unsigned n = static_cast<unsigned>(at) / pixels, pixel = static_cast<unsigned>(at) - n * pixels;
    image = static_cast<int>(n);
    row = static_cast<int>(pixel / columns);
    column = static_cast<int>(pixel - pixel / columns * columns);
  }
};

/// The group that a tile of the launch belongs to.
__device__ __forceinline__ TapGroup group_of(const TapConv& p, unsigned tile) {
  int number = 0;
  while (number + 1 < p.groups && p.group[number + 1].first_tile <= tile) ++number;
  return p.group[number];
}

/// The input pixel, of all images, of a pixel's first tap, and the offset of its result's channel 0.
__device__ __forceinline__ unsigned read_pixel(const TapConv& p, const TapGroup& g, const TapPixel& at) {
  const int h = g.row.in + at.row * p.row.in, v = g.column.in + at.column * p.column.in;
  return static_cast<unsigned>((at.image * p.H + h) * p.W + v);
}
__device__ __forceinline__ index_t write_offset(const TapConv& p, const TapGroup& g, const TapPixel& at) {
  const index_t h = g.row.out + at.row * p.row.out, v = g.column.out + at.column * p.column.out;
  return at.image * p.out_image + (h * p.Q + v) * p.K;
}

/// Source over the taps of a group and the channels of a tap.
template <class P, Major L>
struct TapSource {
  using InPlace = PanelPlace<P, P::tile_m, Major::k>;
  using FilterPlace = PanelPlace<P, P::tile_n, L>;
  using Element = typename P::Element;
  static constexpr bool k_major = L == Major::k;

  const Element *in, *w;           // this thread's packs of in (tile_m, tile_k), pixel 0, and of W[t] (tile_n, tile_k)
  unsigned pixel[InPlace::packs];  // input pixels of its packs, for the tap of this step
  int channels_left;               // of the tap, from this step on
  int column_tap = 0, columns;     // of the group's
  int outputs_left;                // output channels from here on: where W is K-major of all, else of the pack
  const TapConv& p;

  __device__ TapSource(const TapConv& conv, const TapGroup& g, int row, int channel, const Element* x,
                       const Element* filter)
      : in(x + InPlace::k()), channels_left(conv.C), columns(g.column.taps), p(conv) {
    TINYGAN_UNROLL
    for (int i = 0; i < InPlace::packs; ++i) {  // rows that do not exist read another's pixel, and are not stored
      const int m = row + InPlace::mn(i);
      pixel[i] = read_pixel(p, g, TapPixel(g, m < p.N * g.pixels() ? m : row));
    }
    const int n = channel + FilterPlace::mn(), k = FilterPlace::k();
    outputs_left = k_major ? p.K - n : count_of<P::pack>(n, p.K);
    const index_t tap = index_t{g.row.filter} * p.S + g.column.filter;
    w = filter + tap * p.C * p.K + (k_major ? n * w_pitch() + k : k * w_pitch() + n);
  }

  __device__ index_t w_pitch() const { return k_major ? p.C : p.K; }

  template <class CopyIn, class CopyFilter>
  __device__ __forceinline__ void load_step(const CopyIn& copy_in, const CopyFilter& copy_filter) {
    TINYGAN_UNROLL
    for (int i = 0; i < InPlace::packs; ++i)
      copy_in(i, in + index_t{pixel[i]} * p.C, channels_left - InPlace::k(), p.aligned_in);
    const int left = channels_left - FilterPlace::k();
    TINYGAN_UNROLL
    for (int i = 0; i < FilterPlace::packs; ++i) {
      const bool exists = (k_major ? outputs_left : left) > i * FilterPlace::stride;
      copy_filter(i, w + i * FilterPlace::stride * w_pitch(), exists ? (k_major ? left : outputs_left) : 0,
                  p.aligned_w);
    }
    in += P::tile_k;  // (tile_m, tile_k): the next channels of the tap
    channels_left -= P::tile_k;
    if (channels_left > 0) {
      w += k_major ? P::tile_k : P::tile_k * w_pitch();  // (tile_n, tile_k): likewise
      return;
    }
    in -= p.C - channels_left;  // channels_left is 0, or negative by the excess of the last step
    channels_left = p.C;
    w += p.w_column;  // (tile_n, tile_k): the first channels of the next tap
    int by = p.column.tap_in;
    if (++column_tap == columns) {
      column_tap = 0;
      by += p.row.tap_in * p.W - columns * p.column.tap_in;
      w += (index_t{p.row.tap_filter} * p.S - index_t{columns} * p.column.tap_filter) * p.C * p.K;
    }
    TINYGAN_UNROLL
    for (unsigned& at : pixel) at += static_cast<unsigned>(by);
  }
};

template <class P, Major L, class T = typename P::Element>
__global__ void __launch_bounds__(P::threads, P::blocks_per_sm)
    tap_conv_kernel(TapConv p, Epilogue<T> e, const T* in, const T* w, T* out) {
  const unsigned tile = blockIdx.x / p.column_tiles;
  const TapGroup g = group_of(p, tile);
  const int m = static_cast<int>(tile - g.first_tile) * P::tile_m;
  const int n = static_cast<int>(blockIdx.x % p.column_tiles) * P::tile_n;

  typename P::Accumulator acc;  // (tile_m, tile_n)
  const int steps = g.taps() * ((p.C + P::tile_k - 1) / P::tile_k);
  if (steps > 0) {
    TapSource<P, L> source(p, g, m, n, in, w);
    P::template multiply<Major::k, L>(source, steps, acc);
  }
  P::store(acc, {m, p.N * g.pixels(), n, p.K, p.aligned_out}, e, out,
           [&](int row) { return write_offset(p, g, TapPixel(g, row)); });
}

// ---- Launchers ------------------------------------------------------------------------------------------------------

/// A convolution as its kernels see it.
struct TapPlan {
  TapConv conv{};
  std::vector<TapGroup> groups;  // with the most taps first

  /// run(conv, tiles) for the groups in lists of at most max_tap_groups; a group has tiles_of(group) tiles.
  template <class TilesOf, class Run>
  void for_launches(const TilesOf& tiles_of, const Run& run) {
    for (std::size_t first = 0; first < groups.size(); first += max_tap_groups) {
      index_t tiles = 0;
      conv.groups = static_cast<int>(std::min<std::size_t>(max_tap_groups, groups.size() - first));
      for (int i = 0; i < conv.groups; ++i) {
        conv.group[i] = groups[first + static_cast<std::size_t>(i)];
        conv.group[i].first_tile = static_cast<unsigned>(tiles);
        tiles += tiles_of(conv.group[i]);
      }
      run(conv, tiles);
    }
  }
};

/// The plan of y from x, or with Adjoint of dx from g. Results are stored in fours, operands are copied by N elements.
template <bool Adjoint, int N, class T>
TapPlan tap_plan(const ConvDims& d, const T* in, const T* w, const T* out) {
  check(d.N * std::max(d.H * d.W, d.P * d.Q) <= 0x7fffffff && d.R * d.S * std::max(d.C, d.K) <= 0x7fffffff,
        Adjoint ? "conv2d_input_grad" : "conv2d", "more than 2^31 - 1 pixels, or products for one of them");
  const TapList list = Adjoint ? adjoint_taps(d) : forward_taps(d);
  const TapAxis rows = Adjoint ? TapAxis(list.rows, d.stride_h, 1) : TapAxis(list.rows, 1, d.stride_h);
  const TapAxis columns = Adjoint ? TapAxis(list.cols, d.stride_w, 1) : TapAxis(list.cols, 1, d.stride_w);

  TapPlan plan;
  for (const AxisTapGroup& r : rows.groups)
    for (const AxisTapGroup& c : columns.groups) plan.groups.push_back({r, c, 0});
  std::stable_sort(plan.groups.begin(), plan.groups.end(),
                   [](const TapGroup& a, const TapGroup& b) { return a.taps() > b.taps(); });

  TapConv& p = plan.conv;
  p.N = static_cast<int>(d.N);
  p.H = static_cast<int>(Adjoint ? d.P : d.H);
  p.W = static_cast<int>(Adjoint ? d.Q : d.W);
  p.Q = static_cast<int>(Adjoint ? d.W : d.Q);
  p.C = static_cast<int>(Adjoint ? d.K : d.C);
  p.K = static_cast<int>(Adjoint ? d.C : d.K);
  p.S = static_cast<int>(d.S);
  p.out_image = Adjoint ? d.H * d.W * d.C : d.P * d.Q * d.K;
  p.row = {rows.out_step, rows.in_step, rows.tap_in, rows.tap_filter};
  p.column = {columns.out_step, columns.in_step, columns.tap_in, columns.tap_filter};
  p.aligned_in = has_aligned_rows<N>(p.C, in);
  p.aligned_w = has_aligned_rows<N>(Adjoint ? p.C : p.K, w);
  p.aligned_out = has_aligned_rows<4>(p.K, out);
  return plan;
}

/// run.operator()<Policy>(tiles_of) with the tile for a plan; tiles_of(group): rows of tiles of a group.
template <Precision F, class T, class Run>
auto with_tap_tile(const TapPlan& plan, const Run& run) {
  const index_t N = plan.conv.N, K = plan.conv.K;
  index_t pixels = 0;
  for (const TapGroup& g : plan.groups) pixels += N * g.pixels();
  const auto rows = [N](const TapGroup& g, index_t m) { return ceil_div(N * g.pixels(), m); };
  const auto tiles = [&](index_t m, index_t n) {
    index_t sum = 0;
    for (const TapGroup& g : plan.groups) sum += rows(g, m) * ceil_div(K, n);
    return sum;
  };
  return with_tile<F, T, true>(pixels, K, tiles, [&]<class P>() {
    return run.template operator()<P>([&](const TapGroup& g) { return rows(g, P::tile_m); });
  });
}

template <Precision F, bool Adjoint, class T>
void tap_conv(const ConvDims& d, const Epilogue<T>& e, const T* in, const T* w, T* out, Stream stream) {
  constexpr Major L = Adjoint ? Major::k : Major::mn;
  TapPlan plan = tap_plan<Adjoint, pack_width<T>>(d, in, w, out);
  with_tap_tile<F, T>(plan, [&]<class P>(const auto& tiles_of) {
    const index_t C = plan.conv.C, K = plan.conv.K;
    const index_t moved = round_up(C, P::tile_k) - P::tile_k;  // by all steps of a tap but the last
    plan.conv.w_column = plan.conv.column.tap_filter * C * K - (L == Major::k ? moved : moved * K);
    plan.conv.column_tiles = static_cast<unsigned>(ceil_div(K, P::tile_n));
    plan.for_launches(tiles_of, [&](const TapConv& conv, index_t count) {
      record_tiles<P>(count * conv.column_tiles);
      launch<tap_conv_kernel<P, L>>({.grid = {grid_extent(count * conv.column_tiles)},
                                     .block = {P::threads},
                                     .shared_bytes = P::shared_bytes,
                                     .stream = stream},
                                    conv, e, in, w, out);
    });
  });
}

}  // namespace
}  // namespace tinygan::cuda
