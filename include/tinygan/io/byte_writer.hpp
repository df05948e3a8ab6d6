// ByteWriter: appends little-endian numbers and texts to the bytes of a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace tinygan::io::detail {

class ByteWriter {
 public:
  /// An unsigned integer, lowest byte first.
  template <class Word>
  ByteWriter& word(Word w) {
    for (std::size_t i = 0; i < sizeof(Word); ++i) bytes_.push_back(static_cast<std::uint8_t>(w >> (8 * i)));
    return *this;
  }
  ByteWriter& u16(std::uint16_t w) { return word(w); }
  ByteWriter& u32(std::uint32_t w) { return word(w); }
  ByteWriter& u64(std::uint64_t w) { return word(w); }

  ByteWriter& raw(std::span<const std::uint8_t> b) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + b.size());  // g++ 12 warns of insert() where all of this is inlined
    if (!b.empty()) std::memcpy(bytes_.data() + at, b.data(), b.size());
    return *this;
  }
  ByteWriter& raw(std::string_view s) { return raw({reinterpret_cast<const std::uint8_t*>(s.data()), s.size()}); }

  const std::vector<std::uint8_t>& bytes() const& { return bytes_; }
  std::vector<std::uint8_t> bytes() && { return std::move(bytes_); }

 private:
  std::vector<std::uint8_t> bytes_;
};

}  // namespace tinygan::io::detail
