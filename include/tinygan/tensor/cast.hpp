// Casts of tensors between bfloat16 and float, on their device.
#pragma once

#include <type_traits>

#include <tinygan/tensor/tensor.hpp>

namespace tinygan {

/// x with elements of type U: bfloat16 to float exactly, float to bfloat16 rounded to nearest even; x itself if T is U.
template <class U, class T>
Tensor<U> cast(const Tensor<T>& x) {
  if constexpr (std::is_same_v<U, T>) {
    return x;
  } else {
    Tensor<U> y(x.shape(), x.device());
    if constexpr (std::is_same_v<U, wide_t<T>>) {
      kernels<T>(x.device()).widen(x.size(), x.data(), y.data(), Stream{});
    } else {
      static_assert(std::is_same_v<T, wide_t<U>>, "casts are between bfloat16 and float");
      kernels<U>(x.device()).narrow(x.size(), x.data(), y.data(), Stream{});
    }
    return y;
  }
}

}  // namespace tinygan
