// Indices: the first maximum along an axis, gathering by indices, and its adjoint.
//
// Work is split by results, so that every one is computed by one thread, its terms in their order: same bits at any
// number of threads. Cost: gather reads what it writes; scatter_add reads g once, and shared indices once for each
// range of rows that a task owns.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include <tinygan/backend/index_dims.hpp>
#include <tinygan/backend/pointwise_dims.hpp>
#include <tinygan/base/stream.hpp>
#include <tinygan/cpu/pointwise.hpp>

namespace tinygan::cpu {

template <class T>
void argmax(const ReduceDims& d, const T* x, std::int32_t* index, Stream) {
  parallel_for(d.outer * d.inner, chunk_rows(d.reduced), [=](index_t begin, index_t end) {
    for (index_t i = begin; i < end; ++i) {
      const T* const column = x + i / d.inner * d.reduced * d.inner + i % d.inner;
      index_t best = 0;
      T largest = column[0];
      for (index_t r = 1; r < d.reduced && largest == largest; ++r) {
        const T value = column[r * d.inner];
        if (value > largest || value != value) largest = value, best = r;
      }
      index[i] = static_cast<std::int32_t>(best);
    }
  });
}

template <class T>
void gather(const IndexDims& d, const std::int32_t* index, const T* x, T* y, Stream) {
  constexpr T nan = std::numeric_limits<T>::quiet_NaN();
  const bool shared = d.indices == IndexDims::Indices::shared;
  parallel_for(d.outer * d.count, chunk_rows(d.inner), [=](index_t begin, index_t end) {
    for (index_t row = begin; row < end; ++row) {
      const T* const from = x + row / d.count * d.extent * d.inner;
      T* const to = y + row * d.inner;
      if (shared) {
        const index_t k = index[row % d.count];
        if (k >= 0 && k < d.extent) std::copy_n(from + k * d.inner, d.inner, to);
        else std::fill_n(to, d.inner, nan);
        continue;
      }
      for (index_t i = 0; i < d.inner; ++i) {
        const index_t k = index[row * d.inner + i];
        to[i] = k >= 0 && k < d.extent ? from[k * d.inner + i] : nan;
      }
    }
  });
}

namespace detail {

/// Rows [first, last) of dx(extent, inner), from all of g(count, inner) that has such an index.
template <class T>
void scatter_rows(const IndexDims& d, const std::int32_t* index, const T* g, T* dx, index_t first, index_t last) {
  const bool shared = d.indices == IndexDims::Indices::shared;
  const index_t width = shared && d.inner >= tail_unit ? d.inner : 1;  // elements of one index that fill a vector
  std::fill_n(dx + first * d.inner, (last - first) * d.inner, T(0));
  for (index_t j = 0; j < d.count; ++j)
    for (index_t i = 0; i < d.inner; i += width) {
      const index_t k = index[shared ? j : j * d.inner + i];
      if (k < first || k >= last) continue;
      T* const to = dx + k * d.inner + i;
      if (width == 1) *to += g[j * d.inner + i];
      else binary_run(BinaryOp::add, width, T(0), to, g + j * d.inner, to);
    }
}

}  // namespace detail

template <class T>
void scatter_add(const IndexDims& d, const std::int32_t* index, const T* g, T* dx, Stream) {
  constexpr index_t most_ranges = 64;  // each reads all indices
  const bool shared = d.indices == IndexDims::Indices::shared;
  const index_t size = (d.extent + d.count) * d.inner;  // of one `outer`
  // Additions to a row outweigh the comparison with its index as long as there are fewer ranges than elements in it.
  const index_t enough = std::min({size / chunk_elements, d.inner / 8, most_ranges});
  const index_t wanted = shared ? std::max<index_t>(enough, 1) : 1;
  const index_t rows = (d.extent + wanted - 1) / wanted, ranges = (d.extent + rows - 1) / rows;
  parallel_for(d.outer * ranges, ranges == 1 ? chunk_rows(size) : 1, [=](index_t begin, index_t end) {
    for (index_t task = begin; task < end; ++task) {
      const index_t o = task / ranges, first = task % ranges * rows;
      detail::scatter_rows(d, index + (shared ? 0 : o * d.count * d.inner), g + o * d.count * d.inner,
                           dx + o * d.extent * d.inner, first, std::min(first + rows, d.extent));
    }
  });
}

}  // namespace tinygan::cpu
