// Numbers from and to text. The program's locale has no influence: files and command lines mean the same everywhere.
#pragma once

#include <array>
#include <charconv>
#include <cmath>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace dcgan_mnist {

namespace detail {

inline std::string number(double value, std::chars_format format, int digits) {
  std::array<char, 512> text;  // the largest double has 309 digits before the point
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value, format, digits);
  return error == std::errc{} ? std::string(text.data(), end) : std::string();
}

}  // namespace detail

/// With `digits` digits after the decimal point, up to 100: printf's %.*f.
inline std::string fixed(double value, int digits) { return detail::number(value, std::chars_format::fixed, digits); }

/// With `digits` significant digits, up to 100, without zeros at the end: printf's %.*g.
inline std::string general(double value, int digits) {
  return detail::number(value, std::chars_format::general, digits);
}

/// The value of decimal digits, leading zeros allowed, or of a minus and digits that do not begin with 0. Nullopt for
/// any other text (-0, +5, 0x10, 1e3, 1_000, spaces) and for a value out of T's range.
template <std::integral T>
std::optional<T> read_number(std::string_view text) {
  if (text.starts_with("-0")) return {};
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return value;
}

/// The value of a decimal number such as 0.5 or 5e-1. Nullopt for any other text (nan, inf, +5, 0,5, 0x10, spaces) and
/// on overflow or underflow.
template <std::floating_point T>
std::optional<T> read_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return {};
  const std::string_view digits = text.substr(0, text.find_first_of("eE"));
  if (value == 0 && digits.find_first_of("123456789") != std::string_view::npos) return {};
  return value + 0;  // no -0
}

}  // namespace dcgan_mnist
