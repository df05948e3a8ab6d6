// Pieces of HTML.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace dcgan_mnist {

/// Text escaped for HTML, between tags or in a quoted attribute. Bytes that are not UTF-8 become U+FFFD.
std::string escape(std::string_view text);

/// Bytes as a data: address of this media type.
std::string data_uri(std::string_view media_type, std::span<const std::uint8_t> bytes);

/// A number with at most `digits` significant digits, without trailing zeros: 0.000123, 1.4, 128, 60 000.
std::string number_text(double value, int digits = 4);

}  // namespace dcgan_mnist
