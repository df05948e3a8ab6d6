// Images of one channel in, images of many out: y where C = 1, dx where K = 1 (conv_1ch.cuh).
//   wide[n,b,:] = epilogue(sum over taps t of narrow[n,(b,t)] W[t,:])
// Owns         a block: items, a grid apart; a thread: four channels, their filter in registers, and every 32nd to 4th
//              pixel of an item.
// Shared       the plane: at most 32 KB.      Requires  sm_75.
// Cost         2 FLOPs for each tap of each pixel and channel, zeros of the plane included. fp32 in any precision.
// Determinism  each output is one sum in the order of the patch.
#pragma once

#include "conv_1ch.cuh"

namespace tinygan::cuda {
namespace {

template <int F, class T>
__global__ void __launch_bounds__(one_channel_threads, 3)
    one_channel_in_kernel(OneChannel p, int team, Epilogue<T> e, const T* narrow, const T* w, T* wide) {
  float* const plane = block_shared<float>(p.plane_rows(p.band) * p.plane_columns());
  const int lane = static_cast<int>(threadIdx.x) % team;
  const int channel = (static_cast<int>(blockIdx.y) * team + lane) * one_channel_pack;
  const int left = p.channels - channel, columns = p.plane_columns();

  Pack<T, 4> raw[F * F];  // (F, F, 4) of W, as stored
  TINYGAN_UNROLL
  for (int j = 0; j < F * F; ++j)
    raw[j] = load_raw(w + index_t{p.filter_tap(j)} * p.channels + channel, left, p.aligned_w);
  float filter[F * F][4];  // (F, F, 4)
  TINYGAN_UNROLL
  for (int j = 0; j < F * F; ++j) TINYGAN_UNROLL
  for (int k = 0; k < 4; ++k) filter[j][k] = to_float(raw[j].at[k]);

  for (int item = static_cast<int>(blockIdx.x); item < p.items(); item += static_cast<int>(gridDim.x)) {
    const WideBand band(p, item);
    stage_plane(p, band, narrow, plane);
    for (WidePixels at(p, band, team); at.valid(); at.advance()) {
      const float* const patch = plane + at.patch(p);
      Float4 v{};  // four channels of one pixel
      TINYGAN_UNROLL
      for (int r = 0; r < F; ++r) TINYGAN_UNROLL
      for (int s = 0; s < F; ++s) {
        const float x = patch[r * columns + s];
        TINYGAN_UNROLL
        for (int k = 0; k < 4; ++k) v.at[k] = fmaf(x, filter[r * F + s][k], v.at[k]);
      }
      if (left <= 0) continue;
      const index_t to = at.offset(p, band) + channel;
      finish_pack(e, channel, p.channels, v);
      store_some(wide + to, channel, p.channels, v, p.aligned_wide);
    }
  }
}

template <class T>
void one_channel_in(const ConvDims& d, const Epilogue<T>& e, const T* narrow, const T* w, T* wide, Stream stream) {
  OneChannel p = one_channel_problem(d);
  cut_wide_rows(p);
  p.aligned_wide = has_aligned_rows<4>(p.channels, wide);
  p.aligned_w = has_aligned_rows<4>(p.channels, w);
  const int team = one_channel_team(p.channels);
  const index_t tiles = one_channel_tiles(p.channels);
  const index_t blocks = std::min<index_t>(p.items(), one_channel_blocks * 3 / 2);
  forms::record({.way = forms::Way::one_channel, .splits = 1}, blocks * tiles);
  const Launch how{.grid = {grid_extent(blocks), grid_extent(tiles, false)},
                   .block = {one_channel_threads},
                   .shared_bytes = static_cast<std::size_t>(p.plane_rows(p.band) * p.plane_columns()) * sizeof(float),
                   .stream = stream};
  with_filter(p, [&]<int F>() { launch<one_channel_in_kernel<F, T>>(how, p, team, e, narrow, w, wide); });
}

}  // namespace
}  // namespace tinygan::cuda
