// Convolutions where one side has a single channel: problem description, and that side as a plane in shared memory.
//
//   sum over images n, pixels b and taps t of   narrow[n,(b,t)] <wide[n,b,:], W[t,:]>
//
//   conv_1ch_in.cuh           wide, from narrow and W          y where C = 1, dx where K = 1
//   conv_1ch_out.cuh          narrow, from wide and W          dx where C = 1, y where K = 1
//   conv_1ch_weight_grad.cuh  W, from narrow and wide          dw
//
// A tile of a matrix product would be 7/8 or 31/32 empty here. Instead a block lays some rows of narrow out in shared
// memory, with zeros for padding and, where narrow is strided, in between. In this plane the taps of every
// pixel are an F x F patch, at offsets that are compile-time constants, and a thread holds a value for each tap.
// Not finite   zeros of the plane are multiplied: an infinity of the other operand gives NaN beside the border too.
#pragma once

#include <tinygan/backend/conv_dims.hpp>
#include <tinygan/base/stream.hpp>

#include "tile.cuh"

namespace tinygan::cuda {
namespace {

inline constexpr int one_channel_threads = 128;
inline constexpr int one_channel_pack = 4;     // channels of a thread
inline constexpr index_t plane_floats = 8192;  // at most, of an item's plane and of conv_1ch_out.cuh's products

/// One axis. Pixel b of the wide side has its patch at coordinates b * step to b * step + F - 1 of the plane, whose
/// coordinate u is (u + shift) / divide of the narrow side, where that is exact and exists, and 0 elsewhere.
struct PlaneAxis {
  int wide, narrow, step, shift, divide;

  __host__ __device__ int narrow_at(int u) const {
    const int v = u + shift, at = divide == 1 ? v : v / divide;
    return v >= 0 && at * divide == v && at < narrow ? at : -1;
  }
};

/// narrow(images, row.narrow, column.narrow), wide(images, row.wide, column.wide, channels), W(F * F, channels). An
/// item is `band` rows of one image: of the wide side, or in conv_1ch_out.cuh of the narrow one.
struct OneChannel {
  PlaneAxis row, column;
  int images, channels, filter;
  bool mirrored;  // the patch's tap j is the filter's F * F - 1 - j: K = 1
  int band, bands;
  bool aligned_wide = false, aligned_w = false;

  __host__ __device__ int taps() const { return filter * filter; }
  __host__ __device__ int items() const { return images * bands; }
  __host__ __device__ int plane_columns() const { return (column.wide - 1) * column.step + filter; }
  __host__ __device__ int plane_rows(int wide_rows) const { return (wide_rows - 1) * row.step + filter; }
  __device__ int filter_tap(int j) const { return mirrored ? taps() - 1 - j : j; }
};

/// C = 1: the wide side is y; pixel q reads q*stride - pad + r. K = 1: it is x; pixel h reads (h + pad - r) / stride.
inline OneChannel one_channel_problem(const ConvDims& d) {
  const auto n = [](index_t v) { return static_cast<int>(v); };
  const bool mirrored = d.C != 1;
  OneChannel p{};
  p.mirrored = mirrored;
  p.images = n(d.N);
  p.channels = n(mirrored ? d.C : d.K);
  p.filter = n(d.R);
  const int F = p.filter;
  if (mirrored) {
    p.row = {n(d.H), n(d.P), 1, n(d.pad_top) - F + 1, n(d.stride_h)};
    p.column = {n(d.W), n(d.Q), 1, n(d.pad_left) - F + 1, n(d.stride_w)};
  } else {
    p.row = {n(d.P), n(d.H), n(d.stride_h), -n(d.pad_top), 1};
    p.column = {n(d.Q), n(d.W), n(d.stride_w), -n(d.pad_left), 1};
  }
  return p;
}

/// Whether these kernels compute all three partials: square filters of 3 to 5, without dilation, and rows that fit.
inline bool one_channel_fits(const ConvDims& d) {
  if ((d.C != 1 && d.K != 1) || d.dilation_h != 1 || d.dilation_w != 1) return false;
  if (d.R != d.S || d.R < 3 || d.R > 5) return false;
  if (std::max({d.x_shape().size(), d.y_shape().size(), d.H + d.pad_top, d.W + d.pad_left}) > 0x7fffffff) return false;
  const bool mirrored = d.C != 1;
  const index_t wide = mirrored ? d.W : d.Q, step = mirrored ? 1 : d.stride_w;
  const index_t reach = mirrored ? d.R : ceil_div(d.R, d.stride_h);  // wide rows that a row of outputs reads
  return ((wide - 1) * step + d.R) * d.R <= plane_floats && reach * wide * (d.R * d.R | 1) <= plane_floats;
}

/// Partitions `rows` into bands for about `wanted` items, each short enough to fit.
template <class Fits>
void cut_into_bands(OneChannel& p, int rows, index_t wanted, const Fits& fits) {
  const index_t bands = std::clamp<index_t>(ceil_div(wanted, p.images), 1, rows);
  p.band = static_cast<int>(ceil_div(rows, bands));
  while (p.band > 1 && !fits(p.band)) --p.band;
  p.bands = static_cast<int>(ceil_div(rows, p.band));
}
inline void cut_wide_rows(OneChannel& p) {
  cut_into_bands(p, p.row.wide, one_channel_blocks,
                 [&](int rows) { return index_t{p.plane_rows(rows)} * p.plane_columns() <= plane_floats; });
}

/// Lanes that share a pixel: a power of two, enough for four channels each where that is at most a warp.
inline int one_channel_team(int channels) {
  int lanes = 1;
  while (lanes < static_cast<int>(warp_size) && lanes * one_channel_pack < channels) lanes *= 2;
  return lanes;
}
inline index_t one_channel_tiles(int channels) {
  return ceil_div(channels, index_t{one_channel_team(channels)} * one_channel_pack);
}

/// The wide rows of an item, from row `first` on.
struct WideBand {
  int image, first, rows;

  __device__ WideBand(const OneChannel& p, int item) : image(item / p.bands), first(item % p.bands * p.band) {
    rows = p.row.wide - first < p.band ? p.row.wide - first : p.band;
  }
};

/// Stores the plane of a band, between two barriers of the block.
template <class T>
__device__ void stage_plane(const OneChannel& p, const WideBand& band, const T* narrow, float* plane) {
  const int columns = p.plane_columns(), count = p.plane_rows(band.rows) * columns;
  const T* const image = narrow + index_t{band.image} * p.row.narrow * p.column.narrow;
  __syncthreads();  // all reads of the plane before this one have ended
  for (int i = static_cast<int>(threadIdx.x); i < count; i += one_channel_threads) {
    const int row = i / columns;
    const int h = p.row.narrow_at(band.first * p.row.step + row), w = p.column.narrow_at(i - row * columns);
    plane[i] = h < 0 || w < 0 ? 0.0f : to_float(image[h * p.column.narrow + w]);
  }
  __syncthreads();
}

/// The first `count` of four elements as stored, then zeros; nothing waits for the load before its first use.
/// `aligned`: `from` is aligned to four elements, and `count` is at least four or none.
template <class T>
__device__ __forceinline__ Pack<T, 4> load_raw(const T* from, int count, bool aligned) {
  Pack<T, 4> v{};
  if (aligned) {
    if (count > 0) v = load_pack<4>(from);
  } else {
    TINYGAN_UNROLL
    for (int k = 0; k < 4; ++k)
      if (k < count) v.at[k] = from[k];
  }
  return v;
}

/// A thread's pixels of a band: one per team of lanes and step.
struct WidePixels {
  int row, column;
  const int step, columns, rows;

  __device__ WidePixels(const OneChannel& p, const WideBand& band, int team)
      : step(one_channel_threads / team), columns(p.column.wide), rows(band.rows) {
    const int first = static_cast<int>(threadIdx.x) / team;
    row = first / columns;
    column = first - row * columns;
  }
  __device__ bool valid() const { return row < rows; }
  __device__ void advance() {
    for (column += step; column >= columns; column -= columns) ++row;
  }
  __device__ int patch(const OneChannel& p) const {
    return row * p.row.step * p.plane_columns() + column * p.column.step;
  }
  /// The pixel's first channel.
  __device__ index_t offset(const OneChannel& p, const WideBand& band) const {
    return ((index_t{band.image} * p.row.wide + band.first + row) * columns + column) * p.channels;
  }
};

/// run.operator()<F>() for a filter of F x F.
template <class Run>
void with_filter(const OneChannel& p, const Run& run) {
  switch (p.filter) {
    case 3: return run.template operator()<3>();
    case 4: return run.template operator()<4>();
    default: return run.template operator()<5>();
  }
}

}  // namespace
}  // namespace tinygan::cuda
