// Weight gradient where one side has a single channel (conv_1ch.cuh):
//   dw[t,:] = sum over images n and pixels b of narrow[n,(b,t)] wide[n,b,:]
// Owns         a block: one split of the items; a thread: all taps of four channels, and every 32nd to 4th pixel of an
//              item. Sums of threads, then of warps, are added through shuffles and shared memory as a tree; split-K
//              partial sums of dw, (splits, taps, channels), fp32, by a second launch.
// Shared       the plane, at most 32 KB; later the sums of a block, at most 25.6 KB.      Requires  sm_75.
// Cost         2 FLOPs for each tap of each pixel and channel, zeros of the plane included. fp32 in any precision.
// Determinism  splits depend on the shape alone and are added in order; no atomics.
#pragma once

#include "conv_1ch.cuh"

namespace tinygan::cuda {
namespace {

/// Floats of a block's shared memory: the plane, or the sums of half of the warps.
__host__ __device__ inline int one_channel_grad_floats(const OneChannel& p, int team) {
  const int plane = p.plane_rows(p.band) * p.plane_columns(), sums = p.taps() * team * one_channel_pack * 2;
  return plane > sums ? plane : sums;
}

/// Block (split, channels): dw(taps, channels), or where there are any partial_sums(splits, taps, channels).
template <int F, class T>
__global__ void __launch_bounds__(one_channel_threads, 3)
    one_channel_grad_kernel(OneChannel p, int team, const T* narrow, const T* wide, T* dw, float* partial_sums) {
  const int lane = static_cast<int>(threadIdx.x) % team;
  const int channel = (static_cast<int>(blockIdx.y) * team + lane) * one_channel_pack;
  const int left = p.channels - channel, columns = p.plane_columns();
  float* const shared = block_shared<float>(one_channel_grad_floats(p, team));
  const auto split_begin = [&](unsigned split) { return static_cast<int>(index_t{p.items()} * split / gridDim.x); };

  Float4 sums[F * F] = {};  // (F, F, 4) of dw
  for (int item = split_begin(blockIdx.x), end = split_begin(blockIdx.x + 1); item < end; ++item) {
    const WideBand band(p, item);
    stage_plane(p, band, narrow, shared);
    WidePixels at(p, band, team);
    const auto load = [&] {
      return load_raw(wide + (at.valid() ? at.offset(p, band) + channel : 0), at.valid() ? left : 0, p.aligned_wide);
    };
    for (Pack<T, 4> factor = load(); at.valid();) {
      const float* const patch = shared + at.patch(p);
      float now[4];
      TINYGAN_UNROLL
      for (int k = 0; k < 4; ++k) now[k] = to_float(factor.at[k]);
      at.advance();
      factor = load();  // in flight while this one is multiplied
      TINYGAN_UNROLL
      for (int r = 0; r < F; ++r) TINYGAN_UNROLL
      for (int s = 0; s < F; ++s) {
        const float x = patch[r * columns + s];
        TINYGAN_UNROLL
        for (int k = 0; k < 4; ++k) sums[r * F + s].at[k] = fmaf(x, now[k], sums[r * F + s].at[k]);
      }
    }
  }

  TINYGAN_UNROLL
  for (int j = 0; j < F * F; ++j) TINYGAN_UNROLL
  for (int k = 0; k < 4; ++k)
    for (int bits = team; bits < static_cast<int>(warp_size); bits *= 2)
      sums[j].at[k] += __shfl_xor_sync(all_lanes, sums[j].at[k], static_cast<unsigned>(bits));
  // Tree over warps: the upper half of the warps stores its sums, the lower half adds them.
  Float4* const partial = reinterpret_cast<Float4*>(shared);
  const int warp = static_cast<int>(warp_id());
  const bool holds = static_cast<int>(lane_id()) < team;
  for (int warps = one_channel_threads / static_cast<int>(warp_size) / 2; warps > 0; warps /= 2) {
    __syncthreads();
    if (holds && warp >= warps && warp < 2 * warps) TINYGAN_UNROLL
    for (int j = 0; j < F * F; ++j) partial[((warp - warps) * F * F + j) * team + lane] = sums[j];
    __syncthreads();
    if (holds && warp < warps) TINYGAN_UNROLL
    for (int j = 0; j < F * F; ++j) {
      const Float4 other = partial[(warp * F * F + j) * team + lane];
      TINYGAN_UNROLL
      for (int k = 0; k < 4; ++k) sums[j].at[k] += other.at[k];
    }
  }
  if (warp > 0 || !holds || left <= 0) return;
  TINYGAN_UNROLL
  for (int j = 0; j < F * F; ++j) {
    const index_t tap = p.filter_tap(j), at = tap * p.channels + channel;
    if (partial_sums)
      store_some(partial_sums + index_t{blockIdx.x} * p.taps() * p.channels + at, channel, p.channels, sums[j],
                 p.aligned_w);
    else store_some(dw + at, channel, p.channels, sums[j], p.aligned_w);
  }
}

/// The split-K count of one_channel_grad().
inline index_t one_channel_grad_splits(const ConvDims& d) {
  OneChannel p = one_channel_problem(d);
  cut_wide_rows(p);
  const index_t forced = forms::forced.splits;
  const index_t wanted = forced > 0 ? forced : ceil_div(one_channel_blocks, one_channel_tiles(p.channels));
  return std::min<index_t>(p.items(), wanted);
}

/// partial_sums(splits, taps, channels), or where that is null and there is one split dw.
template <class T>
void one_channel_grad(const ConvDims& d, const T* x, const T* g, T* dw, float* partial_sums, Stream stream) {
  OneChannel p = one_channel_problem(d);
  cut_wide_rows(p);
  const T *const narrow = p.mirrored ? g : x, *const wide = p.mirrored ? x : g;
  p.aligned_wide = has_aligned_rows<4>(p.channels, wide);
  p.aligned_w = partial_sums ? has_aligned_rows<4>(p.channels, partial_sums) : has_aligned_rows<4>(p.channels, dw);
  const int team = one_channel_team(p.channels);
  const index_t tiles = one_channel_tiles(p.channels), splits = one_channel_grad_splits(d);
  forms::record({.way = forms::Way::one_channel, .splits = splits}, tiles * splits);
  const Launch how{.grid = {grid_extent(splits), grid_extent(tiles, false)},
                   .block = {one_channel_threads},
                   .shared_bytes = static_cast<std::size_t>(one_channel_grad_floats(p, team)) * sizeof(float),
                   .stream = stream};
  with_filter(p, [&]<int F>() { launch<one_channel_grad_kernel<F, T>>(how, p, team, narrow, wide, dw, partial_sums); });
}

}  // namespace
}  // namespace tinygan::cuda
