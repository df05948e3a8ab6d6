// bfloat16: the upper half of a float, layout-compatible with CUDA's __nv_bfloat16.
#pragma once

#include <bit>
#include <cstdint>

namespace tinygan {

/// 1 sign, 8 exponent and 7 mantissa bits; conversion from float rounds to nearest even, NaN stays NaN. Widening is
/// exact, and implicit: arithmetic happens in float.
struct bfloat16 {
  std::uint16_t bits = 0;

  constexpr bfloat16() = default;
  explicit constexpr bfloat16(float f) {
    const auto u = std::bit_cast<std::uint32_t>(f);
    const bool nan = (u & 0x7fffffffu) > 0x7f800000u;
    const std::uint32_t rounded = u + 0x7fffu + ((u >> 16) & 1u);
    bits = static_cast<std::uint16_t>(nan ? (u >> 16) | 0x40u : rounded >> 16);
  }
  constexpr operator float() const { return std::bit_cast<float>(std::uint32_t{bits} << 16); }
};

static_assert(sizeof(bfloat16) == 2);

namespace detail {

template <class T>
struct Wide {
  using type = T;
};
template <>
struct Wide<bfloat16> {
  using type = float;
};

}  // namespace detail

/// What sums, statistics, scalars and master weights are kept in where elements are T: float for bfloat16, else T
/// itself.
template <class T>
using wide_t = typename detail::Wide<T>::type;

/// x in the type of scalar arguments of kernels for elements T.
template <class T>
constexpr wide_t<T> kernel_scalar(double x) {
  return static_cast<wide_t<T>>(x);
}

}  // namespace tinygan
