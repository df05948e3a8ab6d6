// Casts of tensors between bfloat16 and float, and of integers to and from them, on their device.
#pragma once

#include <cstdint>
#include <type_traits>

#include <tinygan/tensor/tensor.hpp>

namespace tinygan {

/// x with elements of type U; x itself if T is U. bfloat16 to float exactly; float to bfloat16, and std::int32_t to
/// either or to double, rounded to nearest even; to std::int32_t without the fraction, within its range, and a NaN as
/// 0.
template <class U, class T>
Tensor<U> cast(const Tensor<T>& x) {
  if constexpr (std::is_same_v<U, T>) {
    return x;
  } else {
    Tensor<U> y(x.shape(), x.device());
    if constexpr (std::is_same_v<T, std::int32_t>) {
      kernels<U>(x.device()).from_int32(x.size(), x.data(), y.data(), Stream{});
    } else if constexpr (std::is_same_v<U, std::int32_t>) {
      kernels<T>(x.device()).to_int32(x.size(), x.data(), y.data(), Stream{});
    } else if constexpr (std::is_same_v<U, wide_t<T>>) {
      kernels<T>(x.device()).widen(x.size(), x.data(), y.data(), Stream{});
    } else {
      static_assert(std::is_same_v<T, wide_t<U>>, "casts are between bfloat16 and float, and from and to int32");
      kernels<U>(x.device()).narrow(x.size(), x.data(), y.data(), Stream{});
    }
    return y;
  }
}

}  // namespace tinygan
