// Indices: gathering along an axis by indices, and its adjoint.
//
// Work is split by results, so that every one is computed by one thread, its terms in their order: same bits at any
// number of threads. Cost: gather reads what it writes; scatter_add reads g once, and shared indices once for each
// range of rows that a task owns.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include <tinygan/backend/index_dims.hpp>
#include <tinygan/base/stream.hpp>
#include <tinygan/cpu/map.hpp>

namespace tinygan::cpu {

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

/// to += from, for n elements.
template <class T, class Arch>
TINYGAN_INLINE void add_run(index_t n, const T* from, T* to) {
  constexpr index_t L = lanes<T, Arch>;
  index_t i = 0;
  for (; i + L <= n; i += L) *vec<T, Arch>(to + i) += *vec<T, Arch>(from + i);
  for (; i < n; ++i) to[i] += from[i];
}

/// Rows [first, last) of dx(extent, inner), from the rows of g(count, inner) that have such an index.
template <class T>
void scatter_shared(const IndexDims& d, const std::int32_t* index, const T* g, T* dx, index_t first, index_t last) {
  constexpr index_t block = 1024, ahead = 16, line = 64 / sizeof(T);
  std::int32_t hits[block];  // of a block of indices, the places of those in the range
  std::fill_n(dx + first * d.inner, (last - first) * d.inner, T(0));
  dispatch_for<T>([&](auto isa) TINYGAN_INLINE_LAMBDA {
    for (index_t begin = 0; begin < d.count; begin += block) {
      const auto n = static_cast<std::int32_t>(std::min(block, d.count - begin));
      index_t found = 0;
      for (std::int32_t j = 0; j < n; ++j) {  // without a branch, which nothing could predict
        const index_t k = index[begin + j];
        hits[found] = j;
        found += static_cast<index_t>(k >= first) & static_cast<index_t>(k < last);
      }
      for (index_t h = 0; h < found; ++h) {
        const index_t j = begin + hits[h];
        const T* const later = g + (begin + hits[std::min(h + ahead, found - 1)]) * d.inner;
        for (index_t i = 0; i < d.inner; i += line) __builtin_prefetch(later + i);
        add_run<T, decltype(isa)>(d.inner, g + j * d.inner, dx + index[j] * d.inner);
      }
    }
  });
}

/// dx(extent, inner) with an index for each element of g(count, inner).
template <class T>
void scatter_each(const IndexDims& d, const std::int32_t* index, const T* g, T* dx) {
  std::fill_n(dx, d.extent * d.inner, T(0));
  for (index_t j = 0; j < d.count; ++j)
    for (index_t i = 0; i < d.inner; ++i) {
      const index_t k = index[j * d.inner + i];
      if (k >= 0 && k < d.extent) dx[k * d.inner + i] += g[j * d.inner + i];
    }
}

}  // namespace detail

template <class T>
void scatter_add(const IndexDims& d, const std::int32_t* index, const T* g, T* dx, Stream) {
  const index_t size = (d.extent + d.count) * d.inner;  // of one `outer`
  if (d.indices == IndexDims::Indices::each)
    return parallel_for(d.outer, chunk_rows(size), [&](index_t begin, index_t end) {
      for (index_t o = begin; o < end; ++o)
        detail::scatter_each(d, index + o * d.count * d.inner, g + o * d.count * d.inner, dx + o * d.extent * d.inner);
    });
  // A range for each thread, as every one reads all indices: additions outweigh that in rows of some elements.
  const index_t wanted =
      std::max(std::min({size / chunk_elements, d.inner / 8, static_cast<index_t>(threads()), d.extent}), index_t{1});
  const index_t rows = (d.extent + wanted - 1) / wanted, ranges = (d.extent + rows - 1) / rows;
  parallel_for(d.outer * ranges, ranges == 1 ? chunk_rows(size) : 1, [=](index_t begin, index_t end) {
    for (index_t task = begin; task < end; ++task) {
      const index_t o = task / ranges, first = task % ranges * rows;
      detail::scatter_shared(d, index, g + o * d.count * d.inner, dx + o * d.extent * d.inner, first,
                             std::min(first + rows, d.extent));
    }
  });
}

}  // namespace tinygan::cpu
