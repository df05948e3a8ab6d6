// gunzip: a strict decoder of gzip files; inflate, of the DEFLATE data in them and in zip archives.
//
// DEFLATE is a sequence of blocks, each stored or coded with two prefix codes: one for literals and match lengths, one
// for match distances (up to 32768 back). Bits are read from a 64-bit buffer that always holds at least 56: enough for
// one match (15 + 5 + 15 + 13). Codes of up to 10 bits are decoded by one table look-up; longer codes, rare by
// construction, by a walk of the canonical code. For any input no byte outside it is read and at most `limit` bytes are
// written; every kind of damage has its own error text.
// Cost: one pass, about 20 cycles per symbol. Sources: RFC 1951, RFC 1952.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/io/checksum.hpp>

namespace tinygan::io {

/// True if the bytes begin as a gzip file does.
bool is_gzip(std::span<const std::uint8_t> bytes);

/// The uncompressed content of a gzip file: of all its members; zero bytes after a member are ignored. Throws Error
/// naming `name` if the data is damaged, truncated, followed by other bytes, or larger than `limit` when uncompressed.
std::vector<std::uint8_t> gunzip(std::span<const std::uint8_t> bytes, std::size_t limit, const std::string& name);

/// The uncompressed content of one DEFLATE stream without a header or checksum. Throws Error as gunzip does. Memory of
/// `limit` bytes is reserved at once, unless that is more than the stream can expand to.
std::vector<std::uint8_t> inflate(std::span<const std::uint8_t> bytes, std::size_t limit, const std::string& name);

}  // namespace tinygan::io

#ifdef TINYGAN_FUNC
#include <tinygan/io/inflate_functions.hpp>
#endif
