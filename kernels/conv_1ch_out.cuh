// Images of many channels in, images of one out: dx where C = 1, y where K = 1 (conv_1ch.cuh).
//   narrow[n,a] = epilogue(sum over pixels b and taps t that reach a of <wide[n,b,:], W[t,:]>)
// Owns         a block: items, bands of the narrow side's rows, a grid apart: first <wide[n,b,:], W[t,:]> for every tap
//              of the wide pixels that they read, one or two pixels per thread; then each output gathers its own.
// Shared       these products, at most 32 KB, and 64 channels of the filter, at most 6.4 KB.      Requires  sm_75.
// Cost         2 FLOPs for each tap of each wide pixel and channel, twice for pixels that two bands read. fp32 in
//              any precision.
// Determinism  an output is one sum in the order of the patch, of sums in the order of channels.
#pragma once

#include "conv_1ch.cuh"

namespace tinygan::cuda {
namespace {

inline constexpr int filter_channels = 64;  // of the filter at a time

/// Floats between the products of a pixel and the next: an odd number, for different banks.
__host__ __device__ inline int product_pitch(const OneChannel& p) { return p.taps() | 1; }
/// Wide rows read by so many rows of outputs, at most.
__host__ __device__ inline int rows_met(const OneChannel& p, int narrow_rows) {
  const int rows = ((narrow_rows - 1) * p.row.divide + p.filter - 1) / p.row.step + 1;
  return rows < p.row.wide ? rows : p.row.wide;
}

/// The narrow rows of an item, and the wide rows that they read.
struct NarrowBand {
  int image, first, rows, wide_first, wide_rows;

  __device__ NarrowBand(const OneChannel& p, int item) : image(item / p.bands), first(item % p.bands * p.band) {
    rows = p.row.narrow - first < p.band ? p.row.narrow - first : p.band;
    const int low = first * p.row.divide - p.row.shift - p.filter + 1;
    const int high = (first + rows - 1) * p.row.divide - p.row.shift;
    wide_first = low > 0 ? (low + p.row.step - 1) / p.row.step : 0;
    const int last = high < 0 ? -1 : high / p.row.step < p.row.wide ? high / p.row.step : p.row.wide - 1;
    wide_rows = last >= wide_first ? last - wide_first + 1 : 0;
  }
};

/// Stores filter_channels channels of the filter from `channel` on, zeros beyond the last. Barriers are the caller's.
template <class T>
__device__ void stage_filter(const OneChannel& p, int channel, const T* w, float* filter) {
  for (int i = static_cast<int>(threadIdx.x); i < p.taps() * filter_channels; i += one_channel_threads) {
    const int j = i / filter_channels, c = channel + i % filter_channels;
    filter[i] = c < p.channels ? to_float(w[index_t{p.filter_tap(j)} * p.channels + c]) : 0.0f;
  }
}

/// The outputs of a band from the products of its wide pixels.
template <int F, class T>
__device__ void gather_products(const OneChannel& p, const NarrowBand& band, const Epilogue<T>& e,
                                const float* products, T* narrow) {
  const int columns = p.column.narrow, pitch = product_pitch(p);
  for (int i = static_cast<int>(threadIdx.x); i < band.rows * columns; i += one_channel_threads) {
    const int h = band.first + i / columns, w = i % columns;
    const int row = h * p.row.divide - p.row.shift, column = w * p.column.divide - p.column.shift;
    float sum = 0;
    if (row >= 0 && column >= 0)
      for (int r = row % p.row.step, b = row / p.row.step; r < F; r += p.row.step, --b) {
        if (b < 0 || b >= p.row.wide) continue;
        for (int s = column % p.column.step, c = column / p.column.step; s < F; s += p.column.step, --c)
          if (c >= 0 && c < p.column.wide)
            sum += products[((b - band.wide_first) * p.column.wide + c) * pitch + r * F + s];
      }
    Float4 v{{sum, 0.0f, 0.0f, 0.0f}};
    const index_t to = (index_t{band.image} * p.row.narrow + h) * columns + w;
    finish_pack(e, 0, 1, v);
    narrow[to] = from_float<T>(v.at[0]);
  }
}

/// N pixels per thread and pass.
template <int F, int N, class T>
__global__ void __launch_bounds__(one_channel_threads, 3)
    one_channel_out_kernel(OneChannel p, Epilogue<T> e, const T* wide, const T* w, T* narrow) {
  const int pitch = product_pitch(p);
  const index_t most = index_t{rows_met(p, p.band)} * p.column.wide * pitch;
  float* const filter = block_shared<float>(F * F * filter_channels);
  float* const products = block_shared<float>(most, index_t{F * F * filter_channels} * index_t{sizeof(float)});

  for (int item = static_cast<int>(blockIdx.x); item < p.items(); item += static_cast<int>(gridDim.x)) {
    const NarrowBand band(p, item);
    const int pixels = band.wide_rows * p.column.wide;
    const T* const from = wide + (index_t{band.image} * p.row.wide + band.wide_first) * p.column.wide * p.channels;
    for (int first = 0; first < pixels; first += N * one_channel_threads) {
      int pixel[N];
      TINYGAN_UNROLL
      for (int i = 0; i < N; ++i) pixel[i] = first + i * one_channel_threads + static_cast<int>(threadIdx.x);
      float sums[N][F * F] = {};  // (N pixels, F, F)
      for (int channel = 0; channel < p.channels; channel += filter_channels) {
        __syncthreads();  // the previous channels of the filter, and the last item's products, have been read
        stage_filter(p, channel, w, filter);
        __syncthreads();
        const int end = p.channels - channel < filter_channels ? p.channels - channel : filter_channels;
        const auto load = [&](int i, int c) {
          const bool exists = pixel[i] < pixels && c < end;
          return load_raw(from + (exists ? index_t{pixel[i]} * p.channels + channel + c : 0), exists ? end - c : 0,
                          p.aligned_wide);
        };
        Pack<T, 4> next[N];  // (N pixels, 4 channels)
        TINYGAN_UNROLL
        for (int i = 0; i < N; ++i) next[i] = load(i, 0);
        for (int c = 0; c < end; c += 4) {
          float x[N][4];  // (N pixels, 4 channels)
          TINYGAN_UNROLL
          for (int i = 0; i < N; ++i) {
            TINYGAN_UNROLL
            for (int k = 0; k < 4; ++k) x[i][k] = to_float(next[i].at[k]);
            next[i] = load(i, c + 4);  // in flight meanwhile
          }
          TINYGAN_UNROLL
          for (int j = 0; j < F * F; ++j) {
            const Float4 f = load_pack<4>(filter + j * filter_channels + c);
            TINYGAN_UNROLL
            for (int i = 0; i < N; ++i) TINYGAN_UNROLL
            for (int k = 0; k < 4; ++k) sums[i][j] = fmaf(x[i][k], f.at[k], sums[i][j]);
          }
        }
      }
      TINYGAN_UNROLL
      for (int i = 0; i < N; ++i) {
        if (pixel[i] >= pixels) continue;
        TINYGAN_UNROLL
        for (int j = 0; j < F * F; ++j) products[pixel[i] * pitch + j] = sums[i][j];
      }
    }
    __syncthreads();
    gather_products<F>(p, band, e, products, narrow);
  }
}

template <class T>
void one_channel_out(const ConvDims& d, const Epilogue<T>& e, const T* wide, const T* w, T* narrow, Stream stream) {
  OneChannel p = one_channel_problem(d);
  cut_into_bands(p, p.row.narrow, one_channel_blocks * 3 / 4, [&](int rows) {
    return index_t{rows_met(p, rows)} * p.column.wide * product_pitch(p) <= plane_floats;
  });
  p.aligned_wide = has_aligned_rows<4>(p.channels, wide);
  const index_t pixels = index_t{rows_met(p, p.band)} * p.column.wide;
  const index_t blocks = std::min<index_t>(p.items(), one_channel_blocks * 3 / 2);
  forms::record({.way = forms::Way::one_channel, .splits = 1}, blocks);
  const index_t floats = index_t{p.taps()} * filter_channels + pixels * product_pitch(p);
  const Launch how{.grid = {grid_extent(blocks)},
                   .block = {one_channel_threads},
                   .shared_bytes = static_cast<std::size_t>(floats) * sizeof(float),
                   .stream = stream};
  with_filter(p, [&]<int F>() {
    if (pixels <= one_channel_threads) launch<one_channel_out_kernel<F, 1, T>>(how, p, e, wide, w, narrow);
    else launch<one_channel_out_kernel<F, 2, T>>(how, p, e, wide, w, narrow);
  });
}

}  // namespace
}  // namespace tinygan::cuda
