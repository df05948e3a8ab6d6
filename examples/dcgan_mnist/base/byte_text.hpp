// Escapes for paths, which are bytes, in JSON files and logs, which are UTF-8.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include <tinygan/io/json.hpp>

namespace dcgan_mnist {

namespace detail {

inline constexpr std::string_view hex_digits = "0123456789abcdef";

/// The byte of an escape \xHH at the start of `text`, or -1.
inline int escaped_byte(std::string_view text) {
  if (text.size() < 4 || !text.starts_with("\\x")) return -1;
  const std::size_t high = hex_digits.find(text[2]), low = hex_digits.find(text[3]);
  if (high == std::string_view::npos || low == std::string_view::npos) return -1;
  return static_cast<int>(high * 16 + low);
}

}  // namespace detail

/// A byte as \xHH.
inline std::string escape_byte(char byte) {
  const auto b = static_cast<unsigned char>(byte);
  return {'\\', 'x', detail::hex_digits[b >> 4], detail::hex_digits[b & 15]};
}

/// `text` as UTF-8: \xHH for each byte that is not UTF-8. `reversible`: also for a backslash that begins an escape.
inline std::string escape_bytes(std::string_view text, bool reversible = false) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = tinygan::io::detail::utf8_sequence(text);
    if (length == 0 || (reversible && detail::escaped_byte(text) >= 0)) out += escape_byte(text.front());
    else out += text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

/// A path as it is stored in a JSON file.
inline std::string encode_path(std::string_view path) { return escape_bytes(path, true); }

/// The inverse of encode_path().
inline std::string decode_path(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const int byte = detail::escaped_byte(text);
    out += byte >= 0 ? static_cast<char>(static_cast<unsigned char>(byte)) : text.front();
    text.remove_prefix(byte >= 0 ? 4 : 1);
  }
  return out;
}

}  // namespace dcgan_mnist
