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

template <class T>
void cumsum(const ScanDims& d, const T* x, T* y, Stream) {
  constexpr index_t width = 64;  // columns that are summed together
  const index_t groups = (d.inner + width - 1) / width;
  parallel_for(d.outer * groups, chunk_rows(d.extent * std::min(d.inner, width)), [=](index_t begin, index_t end) {
    for (index_t task = begin; task < end; ++task) {
      const index_t first = task % groups * width, columns = std::min(width, d.inner - first);
      const index_t offset = task / groups * d.extent * d.inner + first;
      double sum[width] = {};
      for (index_t r = 0; r < d.extent; ++r) {
        const index_t row = d.order == ScanDims::Order::forward ? r : d.extent - 1 - r, at = offset + row * d.inner;
        for (index_t i = 0; i < columns; ++i) {
          sum[i] += static_cast<double>(x[at + i]);
          y[at + i] = static_cast<T>(sum[i]);
        }
      }
    }
  });
}

}  // namespace tinygan::cpu
