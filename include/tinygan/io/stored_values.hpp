// The values of stored tensors as elements of the program: exact, or widened from half precision.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include <tinygan/io/half.hpp>
#include <tinygan/io/safetensors.hpp>

namespace tinygan::io::detail {

/// Whether every value of type `stored` is one of type T: float also takes the half-precision types.
template <class T>
constexpr bool widens_to(DType stored) {
  return stored == dtype_of<T>() || (std::is_same_v<T, float> && (stored == DType::F16 || stored == DType::BF16));
}

/// The values of an entry whose type widens to T.
template <class T>
std::vector<T> widened(const SafetensorsEntry& e) {
  if (e.dtype == dtype_of<T>()) {
    std::vector<T> values(e.bytes.size() / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), e.bytes.data(), values.size() * sizeof(T));
    return values;
  }
  std::vector<T> values(e.bytes.size() / 2);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto bits = static_cast<std::uint16_t>(e.bytes[2 * i] | e.bytes[2 * i + 1] << 8);
    values[i] = e.dtype == DType::F16 ? static_cast<T>(from_half(bits))
                                      : static_cast<T>(std::bit_cast<float>(std::uint32_t{bits} << 16));
  }
  return values;
}

}  // namespace tinygan::io::detail
