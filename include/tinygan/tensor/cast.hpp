// Tensors from and to their wide element type, where they are: bfloat16 and float. Any other type is as wide as it gets.
#pragma once

#include <tinygan/tensor/tensor.hpp>

namespace tinygan {

/// x rounded to T, to nearest even; x itself where T is wide.
template <class T>
Tensor<T> narrow(const Tensor<wide_t<T>>& x) {
  if constexpr (std::is_same_v<T, wide_t<T>>) {
    return x;
  } else {
    Tensor<T> y(x.shape(), x.device());
    kernels<T>(x.device()).narrow(x.size(), x.data(), y.data(), Stream{});
    return y;
  }
}

/// x in float, exactly; x itself where T is wide.
template <class T>
Tensor<wide_t<T>> widen(const Tensor<T>& x) {
  if constexpr (std::is_same_v<T, wide_t<T>>) {
    return x;
  } else {
    Tensor<wide_t<T>> y(x.shape(), x.device());
    kernels<T>(x.device()).widen(x.size(), x.data(), y.data(), Stream{});
    return y;
  }
}

}  // namespace tinygan
