// Pooling: maximum with its index, gather and scatter by that index, sums of windows and their adjoint (average
// pooling, nearest upsampling). x(N,H,W,C), y(N,P,Q,C); cells of a window outside x are ignored.
//
// Elements     float or bfloat16; sums are computed in float.
// Owns         a thread makes packs of 4 channels of one output pixel (single ones where C or an address does not allow
//              it).
// Shared       none.      Requires  sm_75.
// Determinism  a thread adds up its own output in the order of rows, then columns: no atomics, also where windows
//              overlap. The scatter is a gather: each x pixel searches the windows that contain it.
// Cost         every window element read once, from L1 or L2 where windows overlap; the output written once.
#pragma once

#include <tinygan/backend/pool_dims.hpp>
#include <tinygan/base/stream.hpp>

#include "device/map.cuh"
#include "launch.cuh"

namespace tinygan::cuda {
namespace {

/// Coordinates [first, last) along one axis of the other side.
struct PoolRange {
  index_t first, last;
};

struct PoolAxis {
  index_t other_extent, window;
  Divisor stride;
  index_t pad;

  /// x coordinates in the window of y coordinate p.
  __device__ PoolRange window_of(index_t p) const {
    const index_t start = p * stride.value() - pad, end = start + window;
    return {start < 0 ? 0 : start, end < other_extent ? end : other_extent};
  }
  /// y coordinates whose windows hold x coordinate h: p stride in (h + pad - window, h + pad].
  __device__ PoolRange windows_over(index_t h) const {
    const index_t after = h + pad - window, end = stride.divide(h + pad) + 1;
    return {after < 0 ? 0 : stride.divide(after) + 1, end < other_extent ? end : other_extent};
  }
};

/// One side's pixels as the threads walk them, and both axes towards the other side.
struct PoolPlan {
  Divisor channels, columns, rows;  // channels in packs
  index_t packs, other_rows, other_columns;
  PoolAxis down, across;

  /// Thread i's pixel and first channel.
  struct At {
    index_t image, row, column, channel;
  };
  __device__ At at(index_t i, index_t N) const {
    const index_t pixel = channels.divide(i), line = columns.divide(pixel), image = rows.divide(line);
    return {image, line - image * rows.value(), pixel - line * columns.value(), (i - pixel * channels.value()) * N};
  }
};

/// Outputs at y's pixels, reading x; `packs` wide.
inline PoolPlan pool_to_y(const PoolDims& d, index_t N) {
  return {Divisor(d.C / N),
          Divisor(d.Q),
          Divisor(d.P),
          d.N * d.P * d.Q * d.C / N,
          d.H,
          d.W,
          {d.H, d.window_h, Divisor(d.stride_h), d.pad_top},
          {d.W, d.window_w, Divisor(d.stride_w), d.pad_left}};
}
/// Outputs at x's pixels, reading y.
inline PoolPlan pool_to_x(const PoolDims& d, index_t N) {
  return {Divisor(d.C / N),
          Divisor(d.W),
          Divisor(d.H),
          d.N * d.H * d.W * d.C / N,
          d.P,
          d.Q,
          {d.P, d.window_h, Divisor(d.stride_h), d.pad_top},
          {d.Q, d.window_w, Divisor(d.stride_w), d.pad_left}};
}

/// f.operator()<N>() with N = 4 if the arrays are aligned for vectorised access, else 1.
template <class F, class... T>
void with_channel_width(index_t channels, const F& f, const T*... arrays) {
  if (channels % 4 == 0 && is_vector_aligned<4>(arrays...)) f.template operator()<4>();
  else f.template operator()<1>();
}

inline Launch pool_launch(index_t packs, Stream stream, const char* file = __builtin_FILE(),
                          int line = __builtin_LINE()) {
  return {.grid = {grid_stride_blocks(packs, map_threads)},
          .block = {map_threads},
          .stream = stream,
          .file = file,
          .line = line};
}

// ---- Maximum --------------------------------------------------------------------------------------------------------

template <int N, class T>
__global__ void __launch_bounds__(map_threads) max_pool2d_kernel(PoolPlan p, const T* x, T* y, std::int32_t* index) {
  const index_t C = p.channels.value() * N;
  for (index_t i = grid_thread(); i < p.packs; i += grid_threads()) {
    const PoolPlan::At at = p.at(i, N);
    const PoolRange rows = p.down.window_of(at.row), columns = p.across.window_of(at.column);
    const T* const image = x + at.image * p.other_rows * p.other_columns * C + at.channel;
    Pack<float, N> best{};
    Pack<std::int32_t, N> where{};
    bool first = true;
    for (index_t h = rows.first; h < rows.last; ++h)
      for (index_t w = columns.first; w < columns.last; ++w, first = false) {
        const index_t pixel = h * p.other_columns + w;
        const Pack<float, N> v = load_floats<N>(image + pixel * C);
        TINYGAN_UNROLL
        for (int k = 0; k < N; ++k) {
          const bool nan = v.at[k] != v.at[k] && best.at[k] == best.at[k];  // a NaN is the maximum
          if (first || v.at[k] > best.at[k] || nan)
            best.at[k] = v.at[k], where.at[k] = static_cast<std::int32_t>(pixel);
        }
      }
    store_floats(y + N * i, best);
    store_pack(index + N * i, where);
  }
}

template <class T>
void max_pool2d(const PoolDims& d, const T* x, T* y, std::int32_t* index, Stream stream) {
  with_channel_width(
      d.C,
      [&]<int N>() {
        const PoolPlan p = pool_to_y(d, N);
        launch<max_pool2d_kernel<N, T>>(pool_launch(p.packs, stream), p, x, y, index);
      },
      x, y, index);
}

/// One channel a thread: its four would come from four places.
template <class T>
__global__ void __launch_bounds__(map_threads)
    pool_gather_kernel(PoolPlan p, const T* x, const std::int32_t* index, T* y) {
  const index_t C = p.channels.value();
  for (index_t i = grid_thread(); i < p.packs; i += grid_threads()) {
    const PoolPlan::At at = p.at(i, 1);
    y[i] = x[(at.image * p.other_rows * p.other_columns + index[i]) * C + at.channel];
  }
}

template <class T>
void pool_gather(const PoolDims& d, const T* x, const std::int32_t* index, T* y, Stream stream) {
  const PoolPlan p = pool_to_y(d, 1);
  launch<pool_gather_kernel<T>>(pool_launch(p.packs, stream), p, x, index, y);
}

/// Three blocks a multiprocessor: left alone, nvcc 13.0 aims at more for sm_80 and spills.
template <int N, class T>
__global__ void __launch_bounds__(map_threads, 3)
    pool_scatter_kernel(PoolPlan p, const T* g, const std::int32_t* index, T* dx) {
  const index_t C = p.channels.value() * N;
  for (index_t i = grid_thread(); i < p.packs; i += grid_threads()) {
    const PoolPlan::At at = p.at(i, N);
    const auto me = static_cast<std::int32_t>(at.row * p.columns.value() + at.column);
    const PoolRange rows = p.down.windows_over(at.row), columns = p.across.windows_over(at.column);
    Pack<float, N> sum{};
    for (index_t r = rows.first; r < rows.last; ++r)
      for (index_t c = columns.first; c < columns.last; ++c) {
        const index_t from = ((at.image * p.other_rows + r) * p.other_columns + c) * C + at.channel;
        const Pack<std::int32_t, N> where = load_pack<N>(index + from);
        const Pack<float, N> v = load_floats<N>(g + from);
        TINYGAN_UNROLL
        for (int k = 0; k < N; ++k) sum.at[k] += where.at[k] == me ? v.at[k] : 0.0f;
      }
    store_floats(dx + N * i, sum);
  }
}

template <class T>
void pool_scatter(const PoolDims& d, const T* g, const std::int32_t* index, T* dx, Stream stream) {
  with_channel_width(
      d.C,
      [&]<int N>() {
        const PoolPlan p = pool_to_x(d, N);
        launch<pool_scatter_kernel<N, T>>(pool_launch(p.packs, stream), p, g, index, dx);
      },
      g, index, dx);
}

// ---- Sums -----------------------------------------------------------------------------------------------------------

/// y = scale * sum over the window, or with Adjoint over the windows that hold the pixel.
template <bool Adjoint, int N, class T>
__global__ void __launch_bounds__(map_threads) sum_pool2d_kernel(PoolPlan p, float scale, const T* from, T* to) {
  const index_t C = p.channels.value() * N;
  for (index_t i = grid_thread(); i < p.packs; i += grid_threads()) {
    const PoolPlan::At at = p.at(i, N);
    const PoolRange rows = Adjoint ? p.down.windows_over(at.row) : p.down.window_of(at.row);
    const PoolRange columns = Adjoint ? p.across.windows_over(at.column) : p.across.window_of(at.column);
    const T* const image = from + at.image * p.other_rows * p.other_columns * C + at.channel;
    Pack<float, N> sum{};
    for (index_t r = rows.first; r < rows.last; ++r)
      for (index_t c = columns.first; c < columns.last; ++c) {
        const Pack<float, N> v = load_floats<N>(image + (r * p.other_columns + c) * C);
        TINYGAN_UNROLL
        for (int k = 0; k < N; ++k) sum.at[k] += v.at[k];
      }
    for (int k = 0; k < N; ++k) sum.at[k] *= scale;
    store_floats(to + N * i, sum);
  }
}

template <class T>
void sum_pool2d(const PoolDims& d, float scale, const T* x, T* y, Stream stream) {
  with_channel_width(
      d.C,
      [&]<int N>() {
        const PoolPlan p = pool_to_y(d, N);
        launch<sum_pool2d_kernel<false, N, T>>(pool_launch(p.packs, stream), p, scale, x, y);
      },
      x, y);
}

template <class T>
void sum_pool2d_grad(const PoolDims& d, float scale, const T* g, T* dx, Stream stream) {
  with_channel_width(
      d.C,
      [&]<int N>() {
        const PoolPlan p = pool_to_x(d, N);
        launch<sum_pool2d_kernel<true, N, T>>(pool_launch(p.packs, stream), p, scale, g, dx);
      },
      g, dx);
}

}  // namespace
}  // namespace tinygan::cuda
