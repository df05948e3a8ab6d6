// Epilogue: bias and activation, applied to finished rows of a product while they are in the first-level cache.
//
//   c(i, j) = activation(c(i, j) + bias[j])    for `rows` rows of `columns` contiguous elements
#pragma once

#include <cstring>

#include <tinygan/backend/activation.hpp>
#include <tinygan/base/shape.hpp>
#include <tinygan/cpu/math.hpp>
#include <tinygan/cpu/simd.hpp>

namespace tinygan::cpu {

namespace detail {

template <class T, class Arch>
TINYGAN_INLINE void activate(const KernelActivation<T>& f, Vec<T, Arch>& v) {
  const Vec<T, Arch> zero{};
  const Vec<T, Arch> x = v;
  switch (f.kind) {
    case Activation::Kind::none: break;
    case Activation::Kind::relu: v = x < zero ? zero : x; break;  // NaN stays NaN
    case Activation::Kind::leaky_relu: v = x > zero ? x : x * f.slope; break;
    case Activation::Kind::sigmoid: math::sigmoid<T, Arch>(x, v); break;
    case Activation::Kind::tanh: math::tanh<T, Arch>(x, v); break;
  }
}

/// `bias` is that of the first column; it may be null.
template <class T>
__attribute__((noinline)) void apply_epilogue(const Epilogue<T>& e, const T* bias, T* c, const index_t* c_rows,
                                              int rows, index_t columns) {
  dispatch([&]<class Arch>(Arch) TINYGAN_INLINE_LAMBDA {
    constexpr index_t W = lanes<T, Arch>;
    for (int i = 0; i < rows; ++i) {
      T* row = c + c_rows[i];
      for (index_t j = 0; j < columns; j += W) {
        const index_t n = columns - j < W ? columns - j : W;
        const auto bytes = static_cast<std::size_t>(n) * sizeof(T);
        Vec<T, Arch> v{}, b{};
        if (n == W) {
          v = *vec<T, Arch>(row + j);
          if (bias) b = *vec<T, Arch>(bias + j);
        } else {
          std::memcpy(&v, row + j, bytes);
          if (bias) std::memcpy(&b, bias + j, bytes);
        }
        v += b;
        activate<T, Arch>(e.activation, v);
        if (n == W) *vec<T, Arch>(row + j) = v;
        else std::memcpy(row + j, &v, bytes);
      }
    }
  });
}

}  // namespace detail

/// Finishes `rows` rows at c + c_rows[i] whose first element is column `column` of the result.
template <class T>
void finish_rows(const Epilogue<T>& e, index_t column, T* c, const index_t* c_rows, int rows, index_t columns) {
  if (!e.bias && e.activation.kind == Activation::Kind::none) return;
  detail::apply_epilogue(e, e.bias ? e.bias + column : nullptr, c, c_rows, rows, columns);
}

}  // namespace tinygan::cpu
