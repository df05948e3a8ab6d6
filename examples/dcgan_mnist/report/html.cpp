#include "report/html.hpp"

#include <algorithm>
#include <cmath>

#include <tinygan/io/json.hpp>

#include "base/numbers.hpp"

namespace dcgan_mnist {

std::string escape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = tinygan::io::detail::utf8_sequence(text.substr(i));
    const char c = text[i];
    const bool control = static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t';
    if (length == 0 || control) out += "\xEF\xBF\xBD";
    else if (length > 1) out += text.substr(i, length);
    else if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '"') out += "&quot;";
    else if (c == '\'') out += "&#39;";
    else out += c;
    i += std::max<std::size_t>(length, 1);
  }
  return out;
}

std::string data_uri(std::string_view media_type, std::span<const std::uint8_t> bytes) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out = "data:" + std::string(media_type) + ";base64,";
  out.reserve(out.size() + (bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k) word = word << 8 | (k < n ? bytes[i + k] : 0u);
    for (std::size_t k = 0; k < 4; ++k) out += k <= n ? letters[word >> (18 - 6 * k) & 63u] : '=';
  }
  return out;
}

std::string number_text(double value, int digits) {
  std::string s = general(value == 0 ? 0.0 : value, digits);  // no -0
  if (std::abs(value) >= 1e15 || !std::isfinite(value)) return s;
  if (s.find('e') != std::string::npos || std::abs(value) >= 10000) {
    if (std::abs(value) < 1) return s;
    s = fixed(value, 0);
  }
  if (std::abs(value) >= 10000)  // thin spaces between thousands
    for (std::size_t i = s.size() - 3; i > (value < 0 ? 1u : 0u) && i < s.size(); i -= 3) s.insert(i, "\xE2\x80\xAF");
  return s;
}

}  // namespace dcgan_mnist
