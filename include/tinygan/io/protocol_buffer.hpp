// Message: protocol buffer encoding. A message is a sequence of fields of (number << 3 | wire type) and value, where
// the wire type is 0 for a varint, 1 for 8 bytes, 2 for a length and bytes, 5 for 4 bytes.
// Source: https://protobuf.dev/programming-guides/encoding.
#pragma once

#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include <tinygan/io/byte_writer.hpp>

namespace tinygan::io::detail {

/// A message in protocol buffer encoding, field by field.
class Message {
 public:
  Message& integer(unsigned field, std::int64_t v) { return varint(field << 3).varint(static_cast<std::uint64_t>(v)); }
  Message& real(unsigned field, double v) {
    varint(field << 3 | 1).out_.u64(std::bit_cast<std::uint64_t>(v));
    return *this;
  }
  Message& real(unsigned field, float v) {
    varint(field << 3 | 5).out_.u32(std::bit_cast<std::uint32_t>(v));
    return *this;
  }
  /// Bytes, a text or an inner message.
  template <class Bytes>
  Message& bytes(unsigned field, const Bytes& b) {
    varint(field << 3 | 2).varint(b.size()).out_.raw(b);
    return *this;
  }
  Message& message(unsigned field, const Message& m) { return bytes(field, m.out_.bytes()); }

  const std::vector<std::uint8_t>& encoded() const& { return out_.bytes(); }
  std::vector<std::uint8_t> encoded() && { return std::move(out_).bytes(); }

 private:
  Message& varint(std::uint64_t v) {
    for (; v >= 0x80; v >>= 7) out_.word(static_cast<std::uint8_t>(v | 0x80));
    out_.word(static_cast<std::uint8_t>(v));
    return *this;
  }

  ByteWriter out_;
};

}  // namespace tinygan::io::detail
