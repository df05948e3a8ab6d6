// Elements from and to their wide type: float and bfloat16.
#pragma once

#include <algorithm>

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

/// y[i] = value, of a type without vectors.
template <class T>
void fill_narrow(index_t n, wide_t<T> value, T* y, Stream) {
  std::fill_n(y, n, static_cast<T>(value));
}

}  // namespace tinygan::cpu
