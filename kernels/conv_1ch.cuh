// Forward pass and input gradient where one side has a single channel: images in, images out.
//
//   one channel in:   out[p,:] = epilogue(sum over taps of in[q] W[t,:])      a thread has 4 pixels x 4 output channels
//   one channel out:  out[p] = epilogue(sum over taps of <in[q,:], W[t,:]>)   a team has 4 pixels, a lane 4 channels
//
// A tile of a matrix product would be 7/8 or 31/32 empty here; these are bound by the wide side's bytes instead.
// Either way the filter of a tap is one row of `channels` values, whatever the direction.
// Shapes       as in conv_taps.cuh, whose groups of pixels they walk, with D = 1 or O = 1; floats or bfloat16, sums and
//              products in fp32.
// Shared       none: the filter stays in L1.      Requires  sm_75.
// Cost         2 FLOPs for each multiply-add that touches data; the wide side comes from L1, once per tap and pixel.
// Determinism  each output is one sum in the order of taps; over channels a lane's packs first, then a tree over lanes.
#pragma once

#include "conv_taps.cuh"

namespace tinygan::cuda {
namespace {

inline constexpr int one_channel_threads = 128;
inline constexpr int one_channel_pixels = 4;  // of a thread: a pack of the filter is used that often

/// f(offset in the input from the first tap's pixel, tap's row of the filter) for every tap of a group.
template <class F>
__device__ __forceinline__ void for_taps(const TapConv& p, const TapGroup& g, const F& f) {
  for (int r = 0; r < g.row.taps; ++r)
    for (int s = 0; s < g.column.taps; ++s) {
      const int filter_row = g.row.filter + r * p.row.tap_filter;
      const int filter_column = g.column.filter + s * p.column.tap_filter;
      const index_t pixel = index_t{r} * p.row.tap_in * p.in_w + index_t{s} * p.column.tap_in;
      f(pixel * p.D, filter_row * p.S + filter_column);
    }
}

template <class T>
__global__ void __launch_bounds__(one_channel_threads)
    one_channel_in_kernel(TapConv p, Epilogue<T> e, const T* in, const T* w, T* out) {
  grid_begin();
  const TapGroup g = group_of(p, blockIdx.x);
  const unsigned item = (blockIdx.x - g.first_tile) * one_channel_threads + threadIdx.x;
  const unsigned packs = static_cast<unsigned>(p.O + 3) / 4;
  const int first = static_cast<int>(item / packs) * one_channel_pixels, pixels = p.N * g.pixels();
  const int channel = static_cast<int>(item % packs) * 4, channels = p.O - channel;
  if (first >= pixels) return;

  const T* from[one_channel_pixels];
  Float4 acc[one_channel_pixels] = {};
  TINYGAN_UNROLL
  for (int i = 0; i < one_channel_pixels; ++i)  // behind the last pixel: the first one again, for nothing
    from[i] = in + index_t{read_pixel(p, g, TapPixel(g, first + i < pixels ? first + i : first))} * p.D;
  for_taps(p, g, [&](index_t offset, int tap) {
    const Float4 filter = load_some(w + index_t{tap} * p.O + channel, channels, p.packed_w);
    TINYGAN_UNROLL
    for (int i = 0; i < one_channel_pixels; ++i) {
      const float x = to_float(from[i][offset]);
      TINYGAN_UNROLL
      for (int k = 0; k < 4; ++k) acc[i].at[k] = fmaf(x, filter.at[k], acc[i].at[k]);
    }
  });
  TINYGAN_UNROLL
  for (int i = 0; i < one_channel_pixels; ++i) {
    if (first + i >= pixels) return;
    const index_t at = write_offset(p, g, TapPixel(g, first + i)) + channel;
    finish_pack(e, at, channel, p.O, p.packed_out, acc[i]);
    store_some(out + at, channel, p.O, acc[i], p.packed_out);
  }
}

/// Lanes of a team: a power of two, enough for a pack of channels each where that is at most a warp.
inline unsigned one_channel_team(index_t channels) {
  unsigned lanes = 1;
  while (lanes < warp_size && lanes * 4 < channels) lanes *= 2;
  return lanes;
}

template <class T>
__global__ void __launch_bounds__(one_channel_threads)
    one_channel_out_kernel(TapConv p, unsigned team, Epilogue<T> e, const T* in, const T* w, T* out) {
  grid_begin();
  const TapGroup g = group_of(p, blockIdx.x);
  const unsigned number = ((blockIdx.x - g.first_tile) * one_channel_threads + threadIdx.x) / team;
  const int first = static_cast<int>(number) * one_channel_pixels, pixels = p.N * g.pixels();
  const int lane = static_cast<int>(threadIdx.x % team);

  const T* from[one_channel_pixels];
  float acc[one_channel_pixels] = {};
  TINYGAN_UNROLL
  for (int i = 0; i < one_channel_pixels; ++i)  // behind the last pixel: pixel 0, for nothing; shuffles want all lanes
    from[i] = in + index_t{read_pixel(p, g, TapPixel(g, first + i < pixels ? first + i : 0))} * p.D;
  for_taps(p, g, [&](index_t offset, int tap) {
    for (int d = 4 * lane; d < p.D; d += 4 * static_cast<int>(team)) {
      const Float4 filter = load_some(w + index_t{tap} * p.D + d, p.D - d, p.packed_w);
      TINYGAN_UNROLL
      for (int i = 0; i < one_channel_pixels; ++i) {
        const Float4 x = load_some(from[i] + offset + d, p.D - d, p.packed_in);
        TINYGAN_UNROLL
        for (int k = 0; k < 4; ++k) acc[i] = fmaf(x.at[k], filter.at[k], acc[i]);
      }
    }
  });
  TINYGAN_UNROLL
  for (int i = 0; i < one_channel_pixels; ++i) {
    for (unsigned bits = team / 2; bits > 0; bits /= 2) acc[i] += __shfl_xor_sync(all_lanes, acc[i], bits);
    if (lane > 0 || first + i >= pixels) continue;
    Float4 v{{acc[i], 0.0f, 0.0f, 0.0f}};
    const index_t at = write_offset(p, g, TapPixel(g, first + i));
    finish_pack(e, at, 0, 1, false, v);
    out[at] = from_float<T>(v.at[0]);
  }
}

/// y from x, or with Adjoint dx from g, where either has one channel.
template <bool Adjoint, class T>
void one_channel_conv(const ConvDims& d, const Epilogue<T>& e, const T* in, const T* w, T* out, Stream stream) {
  assert(!e.moments);
  TapPlan plan = tap_plan<Adjoint, 4>(d, e, in, w, out);
  const bool into_one = plan.conv.O == 1;
  const index_t channels = into_one ? plan.conv.D : plan.conv.O;
  const unsigned team = one_channel_team(channels);
  plan.conv.packed_w = made_of_packs<4>(channels, w);
  const auto blocks = [&](const TapGroup& g) {
    const index_t items = ceil_div(d.N * g.pixels(), one_channel_pixels) * (into_one ? team : ceil_div(channels, 4));
    return ceil_div(items, one_channel_threads);
  };
  plan.for_launches(blocks, [&](const TapConv& conv, index_t count) {
    forms::take({.way = forms::Way::one_channel, .pieces = 1}, count);
    const Launch how{.grid = {grid_extent(count)}, .block = {one_channel_threads}, .stream = stream};
    if (into_one)
      launch<one_channel_out_kernel<T>>(how, conv, team, e, in, w, out);
    else
      launch<one_channel_in_kernel<T>>(how, conv, e, in, w, out);
  });
}

}  // namespace
}  // namespace tinygan::cuda
