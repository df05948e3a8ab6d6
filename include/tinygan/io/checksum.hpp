// Checksums: CRC-32 of gzip, zip and PNG, CRC-32C of event files, and MD5 to compare data files with published sums
// (not for security). CRCs process eight bytes at a time (slicing-by-8).
// Sources: RFC 1952 section 8, RFC 3720 section 12.1, RFC 1321; Kounavis, Berry 2008 for slicing-by-8.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include <tinygan/base/outline.hpp>

namespace tinygan::io {

namespace detail {

/// 1 to 8 bytes as a little-endian number, on a machine of any byte order.
template <class Word>
Word load_little_endian(const std::uint8_t* p) {
  Word w = 0;
  if constexpr (std::endian::native == std::endian::little) std::memcpy(&w, p, sizeof(Word));
  else
    for (std::size_t i = 0; i < sizeof(Word); ++i) w |= static_cast<Word>(static_cast<Word>(p[i]) << (8 * i));
  return w;
}

}  // namespace detail

/// CRC-32 of bytes; `previous` is the CRC of the preceding bytes.
std::uint32_t crc32(std::span<const std::uint8_t> bytes, std::uint32_t previous = 0);

/// CRC-32C of bytes; `previous` is the CRC of the preceding bytes.
std::uint32_t crc32c(std::span<const std::uint8_t> bytes, std::uint32_t previous = 0);

/// The MD5 sum of bytes as 32 hexadecimal digits.
std::string md5(std::span<const std::uint8_t> bytes);

}  // namespace tinygan::io

#ifdef TINYGAN_FUNC

namespace tinygan::io::detail {

/// table[k][b]: the CRC of byte b followed by k zero bytes.
using Crc32Tables = std::array<std::array<std::uint32_t, 256>, 8>;

/// `polynomial` with its bits reversed: the coefficient of x^31 is the lowest bit.
constexpr Crc32Tables make_crc32_tables(std::uint32_t polynomial) {
  Crc32Tables t{};
  for (std::uint32_t b = 0; b < 256; ++b) {
    std::uint32_t c = b;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1u) != 0 ? polynomial ^ (c >> 1) : c >> 1;
    t[0][b] = c;
  }
  for (std::size_t k = 1; k < 8; ++k)
    for (std::size_t b = 0; b < 256; ++b) t[k][b] = (t[k - 1][b] >> 8) ^ t[0][t[k - 1][b] & 0xFFu];
  return t;
}

inline constexpr Crc32Tables crc32_tables = make_crc32_tables(0xEDB88320u);  // IEEE 802.3

inline constexpr Crc32Tables crc32c_tables = make_crc32_tables(0x82F63B78u);  // Castagnoli

TINYGAN_FUNC std::uint32_t crc_by(const Crc32Tables& t, std::span<const std::uint8_t> bytes, std::uint32_t previous) {
  std::uint32_t c = ~previous;
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    const auto w = load_little_endian<std::uint64_t>(bytes.data() + i) ^ c;
    c = t[7][w & 0xFFu] ^ t[6][(w >> 8) & 0xFFu] ^ t[5][(w >> 16) & 0xFFu] ^ t[4][(w >> 24) & 0xFFu] ^
        t[3][(w >> 32) & 0xFFu] ^ t[2][(w >> 40) & 0xFFu] ^ t[1][(w >> 48) & 0xFFu] ^ t[0][w >> 56];
  }
  for (; i < bytes.size(); ++i) c = (c >> 8) ^ t[0][(c ^ bytes[i]) & 0xFFu];
  return ~c;
}

}  // namespace tinygan::io::detail

namespace tinygan::io {

TINYGAN_FUNC std::uint32_t crc32(std::span<const std::uint8_t> bytes, std::uint32_t previous) {
  return detail::crc_by(detail::crc32_tables, bytes, previous);
}

TINYGAN_FUNC std::uint32_t crc32c(std::span<const std::uint8_t> bytes, std::uint32_t previous) {
  return detail::crc_by(detail::crc32c_tables, bytes, previous);
}

}  // namespace tinygan::io

namespace tinygan::io::detail {

/// floor(2^32 |sin(i + 1)|), RFC 1321's table T.
inline constexpr std::array<std::uint32_t, 64> md5_constants = {
    0xd76aa478u, 0xe8c7b756u, 0x242070dbu, 0xc1bdceeeu, 0xf57c0fafu, 0x4787c62au, 0xa8304613u, 0xfd469501u,
    0x698098d8u, 0x8b44f7afu, 0xffff5bb1u, 0x895cd7beu, 0x6b901122u, 0xfd987193u, 0xa679438eu, 0x49b40821u,
    0xf61e2562u, 0xc040b340u, 0x265e5a51u, 0xe9b6c7aau, 0xd62f105du, 0x02441453u, 0xd8a1e681u, 0xe7d3fbc8u,
    0x21e1cde6u, 0xc33707d6u, 0xf4d50d87u, 0x455a14edu, 0xa9e3e905u, 0xfcefa3f8u, 0x676f02d9u, 0x8d2a4c8au,
    0xfffa3942u, 0x8771f681u, 0x6d9d6122u, 0xfde5380cu, 0xa4beea44u, 0x4bdecfa9u, 0xf6bb4b60u, 0xbebfbc70u,
    0x289b7ec6u, 0xeaa127fau, 0xd4ef3085u, 0x04881d05u, 0xd9d4d039u, 0xe6db99e5u, 0x1fa27cf8u, 0xc4ac5665u,
    0xf4292244u, 0x432aff97u, 0xab9423a7u, 0xfc93a039u, 0x655b59c3u, 0x8f0ccc92u, 0xffeff47du, 0x85845dd1u,
    0x6fa87e4fu, 0xfe2ce6e0u, 0xa3014314u, 0x4e0811a1u, 0xf7537e82u, 0xbd3af235u, 0x2ad7d2bbu, 0xeb86d391u};

inline constexpr int md5_rotation[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

/// One step of round `Round` on the 64-byte block m, which rotates the registers of the state.
template <int Round>
void md5_step(std::array<std::uint32_t, 4>& s, const std::array<std::uint32_t, 16>& m, std::size_t i) {
  const auto [a, b, c, d] = s;
  constexpr std::size_t factor[4] = {1, 5, 3, 7}, offset[4] = {0, 1, 5, 0};
  std::uint32_t f = 0;
  if constexpr (Round == 0) f = d ^ (b & (c ^ d));
  if constexpr (Round == 1) f = c ^ (d & (b ^ c));
  if constexpr (Round == 2) f = b ^ c ^ d;
  if constexpr (Round == 3) f = c ^ (b | ~d);
  f += a + md5_constants[16 * Round + i] + m[(factor[Round] * i + offset[Round]) % 16];
  const int n = md5_rotation[Round][i % 4];
  s = {d, b + (f << n | f >> (32 - n)), b, c};
}

TINYGAN_FUNC void md5_block(std::array<std::uint32_t, 4>& state, const std::uint8_t* block) {
  std::array<std::uint32_t, 16> m;
  for (std::size_t i = 0; i < 16; ++i) m[i] = load_little_endian<std::uint32_t>(block + 4 * i);
  std::array<std::uint32_t, 4> s = state;
  for (std::size_t i = 0; i < 16; ++i) md5_step<0>(s, m, i);
  for (std::size_t i = 0; i < 16; ++i) md5_step<1>(s, m, i);
  for (std::size_t i = 0; i < 16; ++i) md5_step<2>(s, m, i);
  for (std::size_t i = 0; i < 16; ++i) md5_step<3>(s, m, i);
  for (std::size_t i = 0; i < 4; ++i) state[i] += s[i];
}

}  // namespace tinygan::io::detail

namespace tinygan::io {

TINYGAN_FUNC std::string md5(std::span<const std::uint8_t> bytes) {
  std::array<std::uint32_t, 4> state = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u};
  const std::size_t whole = bytes.size() / 64 * 64;
  for (std::size_t i = 0; i < whole; i += 64) detail::md5_block(state, bytes.data() + i);

  // The rest, a one bit, zeros, and the length in bits.
  std::array<std::uint8_t, 128> tail{};
  const std::size_t rest = bytes.size() - whole, padded = rest < 56 ? 64 : 128;
  if (rest > 0) std::memcpy(tail.data(), bytes.data() + whole, rest);
  tail[rest] = 0x80;
  const std::uint64_t bits = static_cast<std::uint64_t>(bytes.size()) * 8;
  for (std::size_t i = 0; i < 8; ++i) tail[padded - 8 + i] = static_cast<std::uint8_t>(bits >> (8 * i));
  for (std::size_t i = 0; i < padded; i += 64) detail::md5_block(state, tail.data() + i);

  std::string hex;
  for (const std::uint32_t word : state)
    for (unsigned nibble = 0; nibble < 8; ++nibble)  // little-endian bytes, high nibble first
      hex += "0123456789abcdef"[(word >> (8 * (nibble / 2) + (nibble % 2 == 0 ? 4 : 0))) & 0xFu];
  return hex;
}

}  // namespace tinygan::io

#endif
