// Weight gradient where one side has a single channel:
//   dw[t,:] = sum over images n and pairs (a,b) of tap t of narrow[n,a] wide[n,b,:]
//
// A product whose rows are the taps: rows share the wide side, which so comes from memory once for 32 taps, and each
// has its own pixel of the narrow side, 0 where the tap reaches no data. With C = 1 the wide side is g and the narrow
// one x; with K = 1 it is the other way round, by the adjoint rule.
// Owns         a block takes a tile of 32 taps x 32 channels (gemm_tile.cuh) and one piece of the wide side's pixels.
//              The slabs (splits, R, S, channels), floats, are added up by a second launch, or by the optimiser.
// Shared       four panels of floats, also where elements are bfloat16: 4.6 KB.      Requires  sm_75.
// Cost         2 FLOPs for each pixel of the wide side, channel and tap, in whole tiles of taps.
// Determinism  pieces depend on the shape alone and are added in order; no atomics.
// Not finite   where a tap reaches no data its factor is 0, so infinities and NaN of the wide side reach all taps.
#pragma once

#include "conv_weight_grad.cuh"

namespace tinygan::cuda {
namespace {

/// Along one axis: which narrow coordinate a wide one meets through a filter coordinate.
struct TapRule {
  int step, pad, dilation, extent;  // extent: of the narrow side

  /// Adjoint: (b + pad - filter*dilation) / step where that is exact; otherwise b*step - pad + filter*dilation.
  template <bool Adjoint>
  __device__ int meets(int b, int filter) const {
    const int at = Adjoint ? b + pad - filter * dilation : b * step - pad + filter * dilation;
    if (at < 0 || (Adjoint && at % step != 0)) return -1;
    const int narrow = Adjoint ? at / step : at;
    return narrow < extent ? narrow : -1;
  }
};

/// The problem as the kernel sees it: (rows, columns) pixels of an image on the wide side.
struct OneChannelGradPlan {
  TapRule row, column;
  int pixels, rows, columns, S, taps, channels;  // pixels: of all images
  int tap_tiles, splits;
  bool packed_wide, packed_w;
};

using OneChannelTile = SmallTile;

template <bool Adjoint, class T>
struct OneChannelSource {
  using Place = PanelPlace<OneChannelTile, OneChannelTile::tile_n, false>;

  const T *narrow, *wide;
  int pixel, tap, channels_left;
  const OneChannelGradPlan& p;

  __device__ OneChannelSource(const OneChannelGradPlan& plan, int begin, int first_tap, int channel,
                              const T* narrow_all, const T* wide_all)
      : narrow(narrow_all), wide(wide_all + channel + Place::edge()), pixel(begin + Place::depth()),
        tap(first_tap + Place::edge()), channels_left(count_of<4>(channel + Place::edge(), plan.channels)), p(plan) {}

  template <class TakeNarrow, class TakeWide>
  __device__ __forceinline__ void next(const TakeNarrow& take_narrow, const TakeWide& take_wide) {
    take_narrow(factors());
    take_wide(0, wide + index_t{pixel} * p.channels, pixel < p.pixels ? channels_left : 0, p.packed_wide);
    pixel += OneChannelTile::depth;
  }

 private:
  /// What this thread's four taps meet of the narrow side.
  __device__ Float4 factors() const {
    Float4 v{};
    if (pixel >= p.pixels) return v;
    const int column = pixel % p.columns, row = pixel / p.columns % p.rows, image = pixel / p.columns / p.rows;
    TINYGAN_UNROLL
    for (int k = 0; k < 4; ++k) {
      if (tap + k >= p.taps) continue;
      const int r = (tap + k) / p.S, s = tap + k - r * p.S;
      const int h = p.row.meets<Adjoint>(row, r), w = p.column.meets<Adjoint>(column, s);
      if (h >= 0 && w >= 0) v.at[k] = to_float(narrow[(index_t{image} * p.row.extent + h) * p.column.extent + w]);
    }
    return v;
  }
};

/// Block (tile, piece of the pixels): dw(taps, channels), or slab `blockIdx.y` of slabs(splits, taps, channels) where
/// there are any.
template <bool Adjoint, class T>
__global__ void __launch_bounds__(OneChannelTile::threads, OneChannelTile::blocks_per_sm)
    one_channel_grad_kernel(OneChannelGradPlan p, const T* narrow, const T* wide, T* dw, float* slabs) {
  grid_begin();
  const int tile = static_cast<int>(blockIdx.x);
  const int tap = tile % p.tap_tiles * OneChannelTile::tile_m, channel = tile / p.tap_tiles * OneChannelTile::tile_n;
  const int steps = (p.pixels + OneChannelTile::depth - 1) / OneChannelTile::depth;
  const auto share = [&](unsigned piece) { return static_cast<int>(index_t{steps} * piece / p.splits); };
  const int begin = share(blockIdx.y);

  OneChannelTile::Accumulator acc;
  OneChannelSource<Adjoint, T> source(p, begin * OneChannelTile::depth, tap, channel, narrow, wide);
  OneChannelTile::multiply<false, false>(source, share(blockIdx.y + 1) - begin, acc);
  store_tile<OneChannelTile>(acc, {tap, p.taps, channel, p.channels, p.packed_w}, Epilogue<T>{}, dw,
                             slabs ? slabs + index_t{blockIdx.y} * p.taps * p.channels : nullptr,
                             [&](int row) { return index_t{row} * p.channels; });
}

inline OneChannelGradPlan one_channel_grad_plan(const ConvDims& d) {
  const auto n = [](index_t v) { return static_cast<int>(v); };
  const bool adjoint = d.C != 1;  // the wide side is x
  OneChannelGradPlan p{};
  p.row = {n(d.stride_h), n(d.pad_top), n(d.dilation_h), n(adjoint ? d.P : d.H)};
  p.column = {n(d.stride_w), n(d.pad_left), n(d.dilation_w), n(adjoint ? d.Q : d.W)};
  p.rows = n(adjoint ? d.H : d.P);
  p.columns = n(adjoint ? d.W : d.Q);
  p.pixels = n(d.N) * p.rows * p.columns;
  p.S = n(d.S);
  p.taps = n(d.R * d.S);
  p.channels = n(adjoint ? d.C : d.K);
  p.tap_tiles = n(ceil_div(p.taps, OneChannelTile::tile_m));
  p.splits = n(depth_splits(p.tap_tiles * ceil_div(p.channels, OneChannelTile::tile_n), p.pixels));
  return p;
}

/// Into how many pieces one_channel_grad() cuts the sums.
inline index_t one_channel_grad_splits(const ConvDims& d) { return one_channel_grad_plan(d).splits; }

/// To slabs(splits, taps, channels), or where there are none and there is one piece to dw.
template <class T>
void one_channel_grad(const ConvDims& d, const T* x, const T* g, T* dw, float* slabs, Stream stream) {
  check_weight_grad(d);
  OneChannelGradPlan p = one_channel_grad_plan(d);
  const bool adjoint = d.C != 1;
  const T *const narrow = adjoint ? g : x, *const wide = adjoint ? x : g;
  p.packed_wide = made_of_packs<4>(p.channels, wide);
  p.packed_w = slabs ? made_of_packs<4>(p.channels, slabs) : made_of_packs<4>(p.channels, dw);
  const index_t tiles = p.tap_tiles * ceil_div(p.channels, OneChannelTile::tile_n);
  forms::take({.way = forms::Way::one_channel, .pieces = p.splits}, tiles * p.splits);
  const Launch how{.grid = {grid_extent(tiles), grid_extent(p.splits, false)},
                   .block = {OneChannelTile::threads},
                   .shared_bytes = OneChannelTile::shared_bytes,
                   .stream = stream};
  if (adjoint)
    launch<one_channel_grad_kernel<true, T>>(how, p, narrow, wide, dw, slabs);
  else
    launch<one_channel_grad_kernel<false, T>>(how, p, narrow, wide, dw, slabs);
}

}  // namespace
}  // namespace tinygan::cuda
