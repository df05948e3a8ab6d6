// Cumulative sums along the middle axis of x(outer, extent, inner), forward or in reverse.
//
// Work is split by `outer`, and by ranges of `inner`; sums are sequential, in double, and rounded once for each
// element: same bits at any number of threads. Cost: x once through memory, y once.
#pragma once

#include <algorithm>

#include <tinygan/backend/pointwise_dims.hpp>
#include <tinygan/base/stream.hpp>
#include <tinygan/cpu/map.hpp>

namespace tinygan::cpu {

namespace detail {

inline constexpr index_t cumsum_width = 64;  // columns that are summed together

/// `Runs` contiguous runs of n elements, one after the other in memory, side by side in time: an addition takes four
/// cycles, and the sums do not wait for each other.
template <int Runs, class T>
void cumsum_runs(index_t n, bool forward, const T* x, T* y) {
  double sum[Runs] = {};
  for (index_t r = 0; r < n; ++r) {
    const index_t at = forward ? r : n - 1 - r;
    for (int k = 0; k < Runs; ++k) {
      sum[k] += static_cast<double>(x[k * n + at]);
      y[k * n + at] = static_cast<T>(sum[k]);
    }
  }
}

/// `n` columns that lie side by side, in rows `stride` apart; compiled for an instruction set.
template <class T>
TINYGAN_INLINE void cumsum_columns(index_t n, index_t extent, index_t stride, bool forward, const T* x, T* y) {
  double sum[cumsum_width] = {};
  for (index_t r = 0; r < extent; ++r) {
    const index_t at = (forward ? r : extent - 1 - r) * stride;
    for (index_t i = 0; i < n; ++i) {
      sum[i] += static_cast<double>(x[at + i]);
      y[at + i] = static_cast<T>(sum[i]);
    }
  }
}

}  // namespace detail

template <class T>
void cumsum(const ScanDims& d, const T* x, T* y, Stream) {
  const bool forward = d.order == ScanDims::Order::forward;
  if (d.inner == 1)
    return parallel_for(d.outer, 2 * chunk_rows(2 * d.extent), [=](index_t begin, index_t end) {
      index_t row = begin;
      for (; row + 2 <= end; row += 2)
        detail::cumsum_runs<2>(d.extent, forward, x + row * d.extent, y + row * d.extent);
      if (row < end) detail::cumsum_runs<1>(d.extent, forward, x + row * d.extent, y + row * d.extent);
    });
  constexpr index_t width = detail::cumsum_width;
  const index_t groups = (d.inner + width - 1) / width;
  parallel_for(d.outer * groups, chunk_rows(d.extent * std::min(d.inner, width)), [=](index_t begin, index_t end) {
    for (index_t task = begin; task < end; ++task) {
      const index_t first = task % groups * width, columns = std::min(width, d.inner - first);
      const index_t offset = task / groups * d.extent * d.inner + first;
      dispatch_for<T>([&](auto) TINYGAN_INLINE_LAMBDA {
        if (columns == width)  // a constant, for the compiler
          detail::cumsum_columns(width, d.extent, d.inner, forward, x + offset, y + offset);
        else detail::cumsum_columns(columns, d.extent, d.inner, forward, x + offset, y + offset);
      });
    }
  });
}

}  // namespace tinygan::cpu
