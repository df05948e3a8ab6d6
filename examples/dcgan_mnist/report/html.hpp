// Pieces of HTML.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace dcgan_mnist {

/// Text as it may stand in HTML, between tags or in a quoted attribute. What is not UTF-8 becomes U+FFFD, so that
/// hostile text cannot leave its place.
std::string escape(std::string_view text);

/// Bytes as a data: address of this media type.
std::string data_uri(std::string_view media_type, std::span<const std::uint8_t> bytes);

/// A number with at most `digits` significant digits, without needless zeros: 0.000123, 1.4, 128, 60 000.
std::string number_text(double value, int digits = 4);

}  // namespace dcgan_mnist
