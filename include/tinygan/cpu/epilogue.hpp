// Epilogue: bias and activation, or the activation's derivative, applied to finished rows of a product while they are in the
// first-level cache.
//
//   c(i, j) = activation(c(i, j) + bias[j])           for `rows` rows of `columns` contiguous elements,
//   c(i, j) = c(i, j) activation'(of output(i, j))    where the epilogue has an output
#pragma once

#include <cstring>

#include <tinygan/backend/activation.hpp>
#include <tinygan/base/shape.hpp>
#include <tinygan/cpu/math.hpp>
#include <tinygan/cpu/simd.hpp>

namespace tinygan::cpu {

namespace detail {

template <class T, class Arch>
TINYGAN_INLINE void activate(Activation activation, T slope, Vec<T, Arch>& v) {
  const Vec<T, Arch> zero{};
  const Vec<T, Arch> x = v;
  switch (activation) {
    case Activation::none: break;
    case Activation::relu: v = x < zero ? zero : x; break;  // NaN stays NaN
    case Activation::leaky_relu: v = x > zero ? x : x * slope; break;
    case Activation::sigmoid: math::sigmoid<T, Arch>(x, v); break;
    case Activation::tanh: math::tanh<T, Arch>(x, v); break;
  }
}

/// v *= activation'(.) as a function of the activation's output y.
template <class T, class Arch>
TINYGAN_INLINE void activate_back(Activation activation, T slope, const Vec<T, Arch>& y, Vec<T, Arch>& v) {
  const Vec<T, Arch> zero{};
  switch (activation) {
    case Activation::none: break;
    case Activation::relu: v = y > zero ? v : T(0) * v; break;
    case Activation::leaky_relu: v = y > zero ? v : slope * v; break;
    case Activation::sigmoid: v = v * y * (T(1) - y); break;
    case Activation::tanh: v = v * (T(1) - y * y); break;
  }
}

/// `other` is the bias of the first column, or the output of the first element; it may be null.
template <class T>
__attribute__((noinline)) void apply_epilogue(const Epilogue<T>& e, const T* other, T* c, const index_t* c_rows,
                                              int rows, index_t columns) {
  dispatch([&]<class Arch>(Arch) TINYGAN_INLINE_LAMBDA {
    constexpr index_t W = lanes<T, Arch>;
    for (int i = 0; i < rows; ++i) {
      T* row = c + c_rows[i];
      const T* beside = e.output ? other + c_rows[i] : other;
      for (index_t j = 0; j < columns; j += W) {
        const index_t n = columns - j < W ? columns - j : W;
        const auto bytes = static_cast<std::size_t>(n) * sizeof(T);
        Vec<T, Arch> v{}, b{};
        if (n == W) {
          v = *vec<T, Arch>(row + j);
          if (beside) b = *vec<T, Arch>(beside + j);
        } else {
          std::memcpy(&v, row + j, bytes);
          if (beside) std::memcpy(&b, beside + j, bytes);
        }
        if (e.output) {
          activate_back<T, Arch>(e.activation, e.slope, b, v);
        } else {
          v += b;
          activate<T, Arch>(e.activation, e.slope, v);
        }
        if (n == W)
          *vec<T, Arch>(row + j) = v;
        else
          std::memcpy(row + j, &v, bytes);
      }
    }
  });
}

}  // namespace detail

/// Finishes `rows` rows at result + at + c_rows[i] whose first element is column `column` of the result.
template <class T>
void finish_rows(const Epilogue<T>& e, index_t column, T* result, index_t at, const index_t* c_rows, int rows,
                 index_t columns) {
  if (!e.bias && e.activation == Activation::none) return;
  const T* other = e.output ? e.output + at : e.bias ? e.bias + column : nullptr;
  detail::apply_epilogue(e, other, result + at, c_rows, rows, columns);
}

}  // namespace tinygan::cpu
