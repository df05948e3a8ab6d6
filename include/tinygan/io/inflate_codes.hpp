// Codes and bits of DEFLATE, for the decoder of io/inflate.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <tinygan/base/outline.hpp>
#include <tinygan/io/checksum.hpp>

#ifdef TINYGAN_FUNC

namespace tinygan::io::detail {

/// One prefix code: decodes bits to a symbol and its code length.
class PrefixCode {
 public:
  static constexpr int max_length = 15, table_bits = 10;
  enum class Kind { empty, complete, incomplete, oversubscribed };

  /// From the length of every symbol's code, 0 for none (RFC 1951, 3.2.2). The code is usable unless oversubscribed.
  Kind build(std::span<const std::uint8_t> lengths) {
    count_.fill(0);
    table_.fill(0);
    for (const std::uint8_t length : lengths) ++count_[length];
    count_[0] = 0;
    int room = 1;  // codes still free at this length
    std::array<std::uint16_t, max_length + 1> offset{}, code{};
    for (std::size_t length = 1; length <= max_length; ++length) {
      room = 2 * room - count_[length];
      if (room < 0) return Kind::oversubscribed;
      offset[length] = static_cast<std::uint16_t>(offset[length - 1] + count_[length - 1]);
      code[length] = static_cast<std::uint16_t>(2 * (code[length - 1] + count_[length - 1]));
    }
    for (std::size_t symbol = 0; symbol < lengths.size(); ++symbol) {
      const std::size_t length = lengths[symbol];
      if (length == 0) continue;
      sorted_[offset[length]++] = static_cast<std::uint16_t>(symbol);
      const unsigned c = code[length]++;
      if (length > table_bits) continue;
      const auto entry = static_cast<std::uint16_t>(symbol << 4 | length);
      for (std::size_t i = reversed(c, length); i < table_.size(); i += std::size_t{1} << length) table_[i] = entry;
    }
    return room == 0 ? Kind::complete : room == 1 << max_length ? Kind::empty : Kind::incomplete;
  }

  /// True if there is a single code, of one bit: the one incomplete code that encoders use.
  bool single() const { return count_[1] == 1 && std::count(count_.begin(), count_.end(), 0) == max_length; }

  /// symbol << 4 | length of the code at the low end of `bits`; 0 if there is none.
  unsigned decode(std::uint64_t bits) const {
    const unsigned entry = table_[bits & (table_.size() - 1)];
    return entry != 0 ? entry : walk(bits);
  }

 private:
  static std::size_t reversed(unsigned code, std::size_t length) {
    std::size_t r = 0;
    for (std::size_t i = 0; i < length; ++i) r |= static_cast<std::size_t>(code >> i & 1u) << (length - 1 - i);
    return r;
  }

  unsigned walk(std::uint64_t bits) const {
    int code = 0, first = 0, index = 0;  // the codes of one length are first, first + 1, ...
    for (int length = 1; length <= max_length; ++length) {
      code = code << 1 | static_cast<int>(bits & 1u);
      bits >>= 1;
      const int count = count_[static_cast<std::size_t>(length)];
      if (code - first < count)
        return static_cast<unsigned>(sorted_[static_cast<std::size_t>(index + code - first)] << 4 | length);
      index += count;
      first = (first + count) << 1;
    }
    return 0;
  }

  std::array<std::uint16_t, max_length + 1> count_{};  // codes of each length
  std::array<std::uint16_t, 288> sorted_{};            // symbols by code
  std::array<std::uint16_t, 1 << table_bits> table_{};
};

/// Bits of a byte sequence, lowest first. Past the end it returns zeros, and overrun() is true.
class BitReader {
 public:
  explicit BitReader(std::span<const std::uint8_t> bytes)
      : begin_(bytes.data()), next_(begin_), end_(begin_ + bytes.size()) {}

  /// Makes at least 56 bits available.
  void refill() {
    if (end_ - next_ >= 8) [[likely]] {
      buffer_ |= load_little_endian<std::uint64_t>(next_) << count_;
      next_ += (63 - count_) >> 3;
      count_ |= 56;
    } else {
      for (; count_ <= 56; count_ += 8) {
        if (next_ < end_) buffer_ |= static_cast<std::uint64_t>(*next_++) << count_;
        else ++padding_;
      }
    }
  }
  std::uint64_t peek() const { return buffer_; }
  int available() const { return count_; }
  void skip(unsigned n) {
    buffer_ >>= n;
    count_ -= static_cast<int>(n);
  }
  unsigned read(unsigned n) {
    const auto bits = static_cast<unsigned>(buffer_ & ((std::uint64_t{1} << n) - 1));
    skip(n);
    return bits;
  }

  /// True if bits past the end were read, or would be after `ahead` more bits.
  bool overrun(int ahead = 0) const { return count_ - ahead < 8 * padding_; }

  /// Skips to the next byte boundary; false if that is past the end.
  bool align() {
    if (overrun()) return false;
    next_ -= count_ / 8 - padding_;
    buffer_ = 0;
    count_ = padding_ = 0;
    return true;
  }

  // Bytes, after align().
  std::span<const std::uint8_t> rest() const { return {next_, static_cast<std::size_t>(end_ - next_)}; }
  void skip_bytes(std::size_t n) { next_ += n; }

  std::size_t position() const { return static_cast<std::size_t>(next_ - begin_); }

 private:
  const std::uint8_t *begin_, *next_, *end_;
  std::uint64_t buffer_ = 0;
  int count_ = 0;    // bits in the buffer
  int padding_ = 0;  // zero bytes in the buffer, past the end of the input
};

/// Base value and number of extra bits of the length and distance symbols (RFC 1951, 3.2.5).
struct ExtraBits {
  std::uint16_t base;
  std::uint8_t bits;
};

inline constexpr std::array<ExtraBits, 29> match_lengths = {
    {{3, 0},  {4, 0},  {5, 0},  {6, 0},   {7, 0},   {8, 0},   {9, 0},   {10, 0},  {11, 1}, {13, 1},
     {15, 1}, {17, 1}, {19, 2}, {23, 2},  {27, 2},  {31, 2},  {35, 3},  {43, 3},  {51, 3}, {59, 3},
     {67, 4}, {83, 4}, {99, 4}, {115, 4}, {131, 5}, {163, 5}, {195, 5}, {227, 5}, {258, 0}}};

inline constexpr std::array<ExtraBits, 30> match_distances = {
    {{1, 0},     {2, 0},     {3, 0},     {4, 0},      {5, 1},      {7, 1},     {9, 2},     {13, 2},
     {17, 3},    {25, 3},    {33, 4},    {49, 4},     {65, 5},     {97, 5},    {129, 6},   {193, 6},
     {257, 7},   {385, 7},   {513, 8},   {769, 8},    {1025, 9},   {1537, 9},  {2049, 10}, {3073, 10},
     {4097, 11}, {6145, 11}, {8193, 12}, {12289, 12}, {16385, 13}, {24577, 13}}};

}  // namespace tinygan::io::detail

#endif
