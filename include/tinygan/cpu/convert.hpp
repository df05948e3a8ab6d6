// Elements from and to their wide type, float and bfloat16, and integers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include <tinygan/backend/bfloat16.hpp>
#include <tinygan/base/shape.hpp>
#include <tinygan/base/stream.hpp>

namespace tinygan::cpu {

template <class T>
void narrow(index_t n, const wide_t<T>* x, T* y, Stream) {
  std::transform(x, x + n, y, [](wide_t<T> v) { return static_cast<T>(v); });
}

template <class T>
void widen(index_t n, const T* x, wide_t<T>* y, Stream) {
  std::transform(x, x + n, y, [](T v) { return static_cast<wide_t<T>>(v); });
}

template <class T>
void from_int32(index_t n, const std::int32_t* x, T* y, Stream) {
  std::transform(x, x + n, y, [](std::int32_t v) { return static_cast<T>(v); });
}

/// A NaN becomes 0, as on a GPU; C++ leaves it and what is out of range undefined.
template <class T>
void to_int32(index_t n, const T* x, std::int32_t* y, Stream) {
  using Limits = std::numeric_limits<std::int32_t>;
  std::transform(x, x + n, y, [](T v) {
    const auto value = static_cast<double>(v);
    return value != value ? 0 : static_cast<std::int32_t>(std::clamp<double>(value, Limits::min(), Limits::max()));
  });
}

/// y[i] = value, of a type without vectors.
template <class T>
void fill_narrow(index_t n, wide_t<T> value, T* y, Stream) {
  std::fill_n(y, n, static_cast<T>(value));
}

}  // namespace tinygan::cpu
