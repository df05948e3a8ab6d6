// Half precision in files: IEEE 754 binary16 and float, for weights that are stored in half the space.
#pragma once

#include <bit>
#include <cstdint>

namespace tinygan::io {

/// The value of a binary16 number, exactly.
constexpr float from_half(std::uint16_t half) {
  const std::uint32_t sign = std::uint32_t{half & 0x8000u} << 16, exponent = (half >> 10) & 0x1Fu;
  const std::uint32_t fraction = half & 0x3FFu;
  if (exponent == 0) {  // zero or subnormal: fraction * 2^-24
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) | sign);
  }
  const std::uint32_t wide = exponent == 0x1F ? 0xFFu : exponent + 112;  // biases 15 and 127; infinity and NaN stay
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

/// `x` rounded to the nearest binary16 number, ties to even; beyond 65504 infinity, NaN stays NaN.
constexpr std::uint16_t to_half(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
  const std::uint32_t magnitude = bits & 0x7FFFFFFFu;
  const auto with_sign = [&](std::uint32_t half) { return static_cast<std::uint16_t>(sign | half); };
  if (magnitude > 0x7F800000u) return with_sign(0x7E00u);
  if (magnitude >= 0x47800000u) return with_sign(0x7C00u);        // 2^16 and above
  if (magnitude < 0x38800000u) {                                  // below 2^-14: a multiple of 2^-24
    const float scaled = std::bit_cast<float>(magnitude) + 0.5f;  // 0.5 has a unit of 2^-24: the sum rounds
    return with_sign(std::bit_cast<std::uint32_t>(scaled) - std::bit_cast<std::uint32_t>(0.5f));
  }
  const std::uint32_t rounded = magnitude + 0xFFFu + ((magnitude >> 13) & 1u);
  return with_sign((rounded >> 13) - (112u << 10));
}

}  // namespace tinygan::io
