// Indices of extrema: of the first maximum or minimum along the middle axis of x(outer, reduced, inner).
//
// Elements are compared by integer keys in their order: the bits of a number, those of a negative one turned around;
// both zeros have one key and every NaN the largest. So a comparison is one instruction, and the first NaN wins. One
// vector per row of `inner`, or of a contiguous run, whose lanes are compared at its end. Cost: x once through memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

#include <tinygan/backend/pointwise_dims.hpp>
#include <tinygan/base/stream.hpp>
#include <tinygan/cpu/map.hpp>

namespace tinygan::cpu {

namespace detail {

/// Integers as wide as T: keys and indices.
template <class T>
using KeyOf = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;

/// key(sign x), by which sign x is ordered: V a vector or a number, K the integers as wide.
template <class T, class V, class K>
TINYGAN_INLINE void order_key(T sign, const V& x, K& key) {
  using Key = KeyOf<T>;
  constexpr Key largest = std::numeric_limits<Key>::max();
  const V signed_x = sign * x + T(0);  // -0 + 0 = 0
  const K bits = __builtin_bit_cast(K, signed_x);
  const K turned = bits ^ ((bits >> (8 * static_cast<int>(sizeof(T)) - 1)) & largest);
  key = x != x ? K{} + largest : turned;
}

/// Takes one more vector, whose lanes are at `at`, into the largest keys and their places.
template <class T, class Arch>
TINYGAN_INLINE void take_larger(T sign, const T* x, const Vec<KeyOf<T>, Arch>& at, Vec<KeyOf<T>, Arch>& best,
                                Vec<KeyOf<T>, Arch>& place) {
  const Vec<T, Arch> value = *vec<T, Arch>(x);
  Vec<KeyOf<T>, Arch> key;
  order_key(sign, value, key);
  place = key > best ? at : place;
  best = key > best ? key : best;
}

/// Every lane of y becomes the largest or smallest of all.
template <int Half, class V, std::size_t... Lane>
TINYGAN_INLINE void across_lanes(bool maximum, V& y, std::index_sequence<Lane...> all) {
  if constexpr (Half > 0) {
    const V other = __builtin_shufflevector(y, y, (static_cast<int>(Lane) ^ Half)...);
    y = (maximum ? other > y : other < y) ? other : y;
    across_lanes<Half / 2>(maximum, y, all);
  }
}

/// The place of the largest key of a contiguous run, the first of equal ones.
template <class T, class Arch>
TINYGAN_INLINE KeyOf<T> first_largest(T sign, index_t n, const T* x) {
  using Key = KeyOf<T>;
  using K = Vec<Key, Arch>;
  constexpr int L = lanes<T, Arch>;
  if (n < 32) {  // not worth a vector
    index_t first = 0;
    T largest = sign * x[0];
    for (index_t i = 1; i < n && largest == largest; ++i) {
      const T value = sign * x[i];
      if (value > largest || value != value) largest = value, first = i;
    }
    return static_cast<Key>(first);
  }
  constexpr auto all = std::make_index_sequence<L>{};
  K best = K{} + std::numeric_limits<Key>::min(), place = {}, at;
  for (int k = 0; k < L; ++k) at[k] = k;
  const index_t whole = n / L * L;
  for (index_t i = 0; i < whole; i += L, at += Key{L}) take_larger<T, Arch>(sign, x + i, at, best, place);
  if (whole < n) {  // what pads the last vector is never larger than an element
    T last[L];
    *vec<T, Arch>(last) = Vec<T, Arch>{} - sign * std::numeric_limits<T>::infinity();
    for (index_t i = whole; i < n; ++i) last[i - whole] = x[i];
    take_larger<T, Arch>(sign, last, at, best, place);
  }
  K largest = best;
  across_lanes<L / 2>(true, largest, all);
  place = best == largest ? place : K{} + std::numeric_limits<Key>::max();
  across_lanes<L / 2>(false, place, all);
  return place[0];
}

/// index[i] of the columns [begin, end) of x(reduced, inner).
template <class T, class Arch>
TINYGAN_INLINE void first_largest_of_columns(T sign, const ReduceDims& d, index_t begin, index_t end, const T* x,
                                             std::int32_t* index) {
  using Key = KeyOf<T>;
  using K = Vec<Key, Arch>;
  constexpr index_t L = lanes<T, Arch>;
  index_t i = begin;
  for (; i + L <= end; i += L) {
    K best = K{} + std::numeric_limits<Key>::min(), place = {}, at = {};
    for (index_t r = 0; r < d.reduced; ++r, at += Key{1})
      take_larger<T, Arch>(sign, x + r * d.inner + i, at, best, place);
    for (int k = 0; k < L; ++k) index[i + k] = static_cast<std::int32_t>(place[k]);
  }
  for (; i < end; ++i) {
    Key best = std::numeric_limits<Key>::min(), key, place = 0;
    for (index_t r = 0; r < d.reduced; ++r) {
      order_key(sign, x[r * d.inner + i], key);
      place = key > best ? static_cast<Key>(r) : place;
      best = std::max(key, best);
    }
    index[i] = static_cast<std::int32_t>(place);
  }
}

}  // namespace detail

template <class T>
void arg_extremum(ReduceOp op, const ReduceDims& d, const T* x, std::int32_t* index, Stream) {
  constexpr index_t width = 64;  // columns of a task
  const T sign = op == ReduceOp::min ? T(-1) : T(1);
  const index_t groups = (d.inner + width - 1) / width;
  parallel_for(d.outer * groups, chunk_rows(d.reduced * std::min(d.inner, width)), [&](index_t begin, index_t end) {
    dispatch_for<T, Bound::arithmetic>([&](auto isa) TINYGAN_INLINE_LAMBDA {
      for (index_t task = begin; task < end; ++task) {
        const index_t outer = task / groups, first = task % groups * width;
        const T* const from = x + outer * d.reduced * d.inner;
        std::int32_t* const to = index + outer * d.inner;
        if (d.inner == 1)
          *to = static_cast<std::int32_t>(detail::first_largest<T, decltype(isa)>(sign, d.reduced, from));
        else
          detail::first_largest_of_columns<T, decltype(isa)>(sign, d, first, std::min(d.inner, first + width), from,
                                                             to);
      }
    });
  });
}

}  // namespace tinygan::cpu
