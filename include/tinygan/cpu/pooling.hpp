// Pooling kernels: maximum with its index, gather and scatter by that index, sums of windows and their adjoint.
//
// x(N,H,W,C) to y(N,P,Q,C). Work is split by output rows, by image and channel tile for the scatter, so no two threads
// write one element and every sum has a fixed order; windows may overlap. A window's part outside x is skipped. Cost:
// every window element read once, from cache where windows overlap.
#pragma once

#include <cstdint>

#include <tinygan/backend/pool_dims.hpp>
#include <tinygan/base/stream.hpp>
#include <tinygan/cpu/map.hpp>

namespace tinygan::cpu {

namespace detail {

/// Coordinates [first, last) of the other side that coordinate `i` of one axis meets.
struct PoolRange {
  index_t first, last;
};

struct PoolAxis {
  index_t other_extent, window, stride, pad;

  /// x coordinates in the window of y coordinate p.
  PoolRange window_of(index_t p) const {
    const index_t start = p * stride - pad;
    return {std::max<index_t>(start, 0), std::min(start + window, other_extent)};
  }
  /// y coordinates whose windows hold x coordinate h.
  PoolRange windows_over(index_t h) const {
    const index_t after = h + pad - window;  // p * stride must lie in (after, h + pad]
    return {after < 0 ? 0 : after / stride + 1, std::min((h + pad) / stride + 1, other_extent)};
  }
};

/// y[c] = scale * sum over the pixels rows x columns of x(.., W, C).
template <class T>
void sum_pixels(PoolRange rows, PoolRange columns, index_t W, index_t C, T scale, const T* x, T* y) {
  dispatch_for<T>([&](auto isa) TINYGAN_INLINE_LAMBDA {
    using Arch = decltype(isa);
    const auto sum = [&](index_t c, auto& acc) TINYGAN_INLINE_LAMBDA {
      for (index_t h = rows.first; h < rows.last; ++h)
        for (index_t w = columns.first; w < columns.last; ++w) {
          std::remove_reference_t<decltype(acc)> value;
          __builtin_memcpy(&value, x + (h * W + w) * C + c, sizeof(value));
          acc += value;
        }
      acc *= scale;
      __builtin_memcpy(y + c, &acc, sizeof(acc));
    };
    index_t c = 0;
    for (; c + lanes<T, Arch> <= C; c += lanes<T, Arch>) {
      Vec<T, Arch> acc = {};
      sum(c, acc);
    }
    for (; c < C; ++c) {
      T acc = 0;
      sum(c, acc);
    }
  });
}

}  // namespace detail

template <class T>
void max_pool2d(const PoolDims& d, const T* x, T* y, std::int32_t* index, Stream) {
  const detail::PoolAxis down{d.H, d.window_h, d.stride_h, d.pad_top}, across{d.W, d.window_w, d.stride_w, d.pad_left};
  parallel_for(d.N * d.P, chunk_rows(d.Q * d.C * d.window_h * d.window_w), [&](index_t begin, index_t end) {
    for (index_t row = begin; row < end; ++row) {
      const T* image = x + row / d.P * d.H * d.W * d.C;
      const detail::PoolRange rows = down.window_of(row % d.P);
      for (index_t q = 0; q < d.Q; ++q) {
        const detail::PoolRange columns = across.window_of(q);
        T* out = y + (row * d.Q + q) * d.C;
        std::int32_t* at = index + (row * d.Q + q) * d.C;
        bool first = true;
        for (index_t h = rows.first; h < rows.last; ++h)
          for (index_t w = columns.first; w < columns.last; ++w, first = false) {
            const index_t pixel = h * d.W + w;
            for (index_t c = 0; c < d.C; ++c) {
              const T value = image[pixel * d.C + c];
              const bool take =
                  first || value > out[c] || (value != value && out[c] == out[c]);  // a NaN is the maximum
              out[c] = take ? value : out[c];
              at[c] = take ? static_cast<std::int32_t>(pixel) : at[c];
            }
          }
      }
    }
  });
}

template <class T>
void pool_gather(const PoolDims& d, const T* x, const std::int32_t* index, T* y, Stream) {
  parallel_for(d.N * d.P, chunk_rows(d.Q * d.C), [&](index_t begin, index_t end) {
    for (index_t i = begin * d.Q; i < end * d.Q; ++i) {
      const T* image = x + i / (d.P * d.Q) * d.H * d.W * d.C;
      for (index_t c = 0; c < d.C; ++c) y[i * d.C + c] = image[index[i * d.C + c] * d.C + c];
    }
  });
}

template <class T>
void pool_scatter(const PoolDims& d, const T* g, const std::int32_t* index, T* dx, Stream) {
  constexpr index_t tile = 64;  // channels, so that few images keep all threads busy
  const index_t tiles = (d.C + tile - 1) / tile, pixels = d.H * d.W, windows = d.P * d.Q;
  parallel_for(d.N * tiles, chunk_rows((pixels + windows) * std::min(d.C, tile)), [&](index_t begin, index_t end) {
    for (index_t task = begin; task < end; ++task) {
      const index_t n = task / tiles, first = task % tiles * tile, channels = std::min(tile, d.C - first);
      T* image = dx + n * pixels * d.C + first;
      for (index_t i = 0; i < pixels; ++i) std::fill_n(image + i * d.C, channels, T(0));
      for (index_t i = n * windows; i < (n + 1) * windows; ++i)
        for (index_t c = 0; c < channels; ++c) image[index[i * d.C + first + c] * d.C + c] += g[i * d.C + first + c];
    }
  });
}

template <class T>
void sum_pool2d(const PoolDims& d, T scale, const T* x, T* y, Stream) {
  const detail::PoolAxis down{d.H, d.window_h, d.stride_h, d.pad_top}, across{d.W, d.window_w, d.stride_w, d.pad_left};
  parallel_for(d.N * d.P, chunk_rows(d.Q * d.C * d.window_h * d.window_w), [&](index_t begin, index_t end) {
    for (index_t row = begin; row < end; ++row)
      for (index_t q = 0; q < d.Q; ++q)
        detail::sum_pixels(down.window_of(row % d.P), across.window_of(q), d.W, d.C, scale,
                           x + row / d.P * d.H * d.W * d.C, y + (row * d.Q + q) * d.C);
  });
}

template <class T>
void sum_pool2d_grad(const PoolDims& d, T scale, const T* g, T* dx, Stream) {
  const detail::PoolAxis down{d.P, d.window_h, d.stride_h, d.pad_top}, across{d.Q, d.window_w, d.stride_w, d.pad_left};
  parallel_for(d.N * d.H, chunk_rows(d.W * d.C), [&](index_t begin, index_t end) {
    for (index_t row = begin; row < end; ++row)
      for (index_t w = 0; w < d.W; ++w)
        detail::sum_pixels(down.windows_over(row % d.H), across.windows_over(w), d.Q, d.C, scale,
                           g + row / d.H * d.P * d.Q * d.C, dx + (row * d.W + w) * d.C);
  });
}

}  // namespace tinygan::cpu
