// The decoder of io/inflate.hpp.
#pragma once

#include <tinygan/io/inflate.hpp>

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

/// Decodes the members of one gzip file. Zero bytes after a member are padding, as gzip and Python accept it.
class Gunzip {
 public:
  Gunzip(std::span<const std::uint8_t> input, std::size_t limit, const std::string& name)
      : in_(input), input_size_(input.size()), name_(name),
        limit_(std::min(limit, std::numeric_limits<std::size_t>::max() / 4)) {
    // The last four bytes are the size if there is one member. A wrong value only costs time: DEFLATE cannot expand
    // more than 1032-fold, and the output grows as needed.
    std::size_t guess = 4 * input.size();
    if (input.size() >= 18) guess = load_little_endian<std::uint32_t>(input.data() + input.size() - 4);
    out_.resize(std::min({guess, 1032 * input.size(), limit_}) + slack);
  }

  std::vector<std::uint8_t> run() {
    do {
      member_ = size_;
      header();
      while (block()) {
      }
      trailer();
      skip_padding();
      first_ = false;
    } while (!in_.rest().empty());
    out_.resize(size_);
    return std::move(out_);
  }

 private:
  static constexpr std::size_t slack = 320;  // a match, the literals before it, the excess of an 8-byte copy

  template <class... What>
  [[noreturn]] void damaged(const What&... what) const {
    if (in_.overrun()) truncated();
    fail(name_, "damaged gzip data near byte ", in_.position(), ": ", what...);
  }
  [[noreturn]] void truncated() const {
    fail(name_, "the gzip data is truncated: it ends after ", input_size_, " bytes (", size_, " uncompressed)");
  }

  /// The next n bytes.
  std::span<const std::uint8_t> bytes(std::size_t n) {
    const auto all = in_.rest();
    if (all.size() < n) truncated();
    in_.skip_bytes(n);
    return all.first(n);
  }

  void header() {
    const auto start = in_.rest();
    constexpr std::uint8_t magic[3] = {0x1f, 0x8b, 8};
    for (std::size_t i = 0; i < 3; ++i) {
      if (i == start.size()) truncated();
      if (start[i] == magic[i]) continue;
      if (i == 2) damaged("compression method ", unsigned{start[2]}, ", expected 8 (deflate)");
      if (!first_) fail(name_, start.size(), " bytes follow the gzip data, expected none");
      fail(name_, "not a gzip file");
    }
    const unsigned flags = bytes(10)[3];
    constexpr unsigned header_crc = 2, extra = 4, file_name = 8, comment = 16;
    if (flags >= 32) damaged("reserved header flags are set");
    if ((flags & extra) != 0) bytes(load_little_endian<std::uint16_t>(bytes(2).data()));
    for (const unsigned text : {file_name, comment})
      if ((flags & text) != 0)
        while (bytes(1)[0] != 0) {
        }
    if ((flags & header_crc) != 0) {
      const auto header = start.first(start.size() - in_.rest().size());
      if (load_little_endian<std::uint16_t>(bytes(2).data()) != (crc32(header) & 0xFFFFu))
        damaged("the header's checksum does not match");
    }
  }

  void trailer() {
    if (!in_.align()) truncated();
    const auto end = bytes(8);
    const std::span member(out_.data() + member_, size_ - member_);
    const auto crc = load_little_endian<std::uint32_t>(end.data());
    if (crc != crc32(member)) damaged("the CRC-32 of the data does not match");
    const auto length = load_little_endian<std::uint32_t>(end.data() + 4);
    if (length != static_cast<std::uint32_t>(member.size()))
      damaged(member.size(), " bytes decoded, expected ", length, " (modulo 2^32) by the trailer");
  }

  void skip_padding() {
    const auto rest = in_.rest();
    const auto other = std::find_if(rest.begin(), rest.end(), [](std::uint8_t b) { return b != 0; });
    in_.skip_bytes(static_cast<std::size_t>(other - rest.begin()));
  }

  /// One block; false after the last.
  bool block() {
    in_.refill();
    const bool last = in_.read(1) == 1;
    switch (in_.read(2)) {
      case 0: stored(); break;
      case 1: {
        static const FixedCodes fixed;
        coded(fixed.literals, fixed.distances);
        break;
      }
      case 2:
        read_codes();
        coded(literals_, distances_);
        break;
      default: damaged("block type 3");
    }
    return !last;
  }

  void stored() {
    if (!in_.align()) truncated();
    const auto lengths = bytes(4);
    const std::size_t n = load_little_endian<std::uint16_t>(lengths.data());
    if ((n ^ load_little_endian<std::uint16_t>(lengths.data() + 2)) != 0xFFFFu)
      damaged("the length of a stored block does not match its complement");
    const auto data = bytes(n);
    make_room(n);
    std::copy(data.begin(), data.end(), out_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += n;
    make_room(slack);  // also checks the limit
  }

  struct FixedCodes {
    PrefixCode literals, distances;
    FixedCodes() {
      std::array<std::uint8_t, 288> lengths{};
      for (std::size_t i = 0; i < lengths.size(); ++i) lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
      literals.build(lengths);
      std::array<std::uint8_t, 32> fives{};
      fives.fill(5);
      distances.build(fives);
    }
  };

  /// The two codes of a dynamic block, themselves coded (RFC 1951, 3.2.7).
  void read_codes() {
    using Kind = PrefixCode::Kind;
    constexpr std::array<std::uint8_t, 19> order = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    in_.refill();
    const std::size_t n_literals = in_.read(5) + 257, n_distances = in_.read(5) + 1, n_lengths = in_.read(4) + 4;
    if (n_literals > 286) damaged(n_literals, " literal and length codes, expected at most 286");
    if (n_distances > 30) damaged(n_distances, " distance codes, expected at most 30");
    std::array<std::uint8_t, 19> length_lengths{};
    for (std::size_t i = 0; i < n_lengths; ++i) {
      in_.refill();
      length_lengths[order[i]] = static_cast<std::uint8_t>(in_.read(3));
    }
    if (literals_.build(length_lengths) != Kind::complete) damaged("the code of the code lengths is not a prefix code");

    std::array<std::uint8_t, 286 + 30> lengths{};
    const std::size_t n = n_literals + n_distances;
    for (std::size_t i = 0; i < n;) {
      in_.refill();
      const unsigned entry = literals_.decode(in_.peek());
      in_.skip(entry & 15u);
      const unsigned symbol = entry >> 4;
      if (symbol < 16) {
        lengths[i++] = static_cast<std::uint8_t>(symbol);
        continue;
      }
      if (symbol == 16 && i == 0) damaged("a repeat of the previous code length, but there is no previous one");
      const std::uint8_t value = symbol == 16 ? lengths[i - 1] : std::uint8_t{0};
      const std::size_t times = symbol == 16 ? 3 + in_.read(2) : symbol == 17 ? 3 + in_.read(3) : 11 + in_.read(7);
      if (times > n - i) damaged("more code lengths than codes");
      std::fill_n(lengths.begin() + static_cast<std::ptrdiff_t>(i), times, value);
      i += times;
    }
    if (in_.overrun()) truncated();
    if (lengths[256] == 0) damaged("no code for the end of the block");
    const std::span all(lengths);
    const auto usable = [](const PrefixCode& code, Kind kind) {
      return kind == Kind::complete || (kind == Kind::incomplete && code.single());
    };
    if (!usable(literals_, literals_.build(all.first(n_literals))))
      damaged("the literal and length codes are not a prefix code");
    const Kind kind = distances_.build(all.subspan(n_literals, n_distances));
    if (kind != Kind::empty && !usable(distances_, kind)) damaged("the distance codes are not a prefix code");
  }

  void coded(const PrefixCode& literals, const PrefixCode& distances) {
    for (;;) {
      if (out_.size() - size_ < slack) make_room(slack);
      in_.refill();
      unsigned entry = literals.decode(in_.peek());
      while (is_literal(entry) && in_.available() >= static_cast<int>(entry & 15u) + 48) {  // 48: a whole match
        put(entry);
        entry = literals.decode(in_.peek());
      }
      if (entry == 0) no_code();
      if (is_literal(entry)) {
        put(entry);
      } else {
        in_.skip(entry & 15u);
        const std::size_t symbol = (entry >> 4) - 257;
        if (entry >> 4 == 256) {
          if (in_.overrun()) truncated();
          return;
        }
        if (symbol >= match_lengths.size()) damaged("an unused length code");
        const std::size_t length = match_lengths[symbol].base + in_.read(match_lengths[symbol].bits);
        const unsigned far = distances.decode(in_.peek());
        if (far == 0) no_code();
        in_.skip(far & 15u);
        if (far >> 4 >= match_distances.size()) damaged("an unused distance code");
        const ExtraBits& d = match_distances[far >> 4];
        copy_match(d.base + in_.read(d.bits), length);
      }
      if (in_.overrun()) truncated();
    }
  }

  [[noreturn]] void no_code() const {
    if (in_.overrun(PrefixCode::max_length)) truncated();
    damaged("an invalid code");
  }

  static bool is_literal(unsigned entry) { return entry - 1 < (256u << 4) - 1; }  // not 0, an invalid code

  void put(unsigned entry) {
    in_.skip(entry & 15u);
    out_[size_++] = static_cast<std::uint8_t>(entry >> 4);
  }

  void copy_match(std::size_t distance, std::size_t length) {
    if (distance > size_ - member_)
      damaged("a match distance of ", distance, ", expected at most ", size_ - member_, ", the bytes decoded so far");
    std::uint8_t* to = out_.data() + size_;
    const std::uint8_t* from = to - distance;
    size_ += length;
    if (distance >= 8) {
      for (const std::uint8_t* end = to + length; to < end; to += 8, from += 8) std::memcpy(to, from, 8);
    } else if (distance == 1) {
      std::memset(to, *from, length);
    } else {
      for (std::size_t i = 0; i < length; ++i) to[i] = from[i];
    }
  }

  /// Ensures room for n more bytes. Throws Error if more bytes than the limit were decoded.
  void make_room(std::size_t n) {
    if (size_ > limit_) fail(name_, "expands to more than the limit of ", limit_, " bytes");
    if (out_.size() - size_ < n) out_.resize(std::min(2 * (size_ + n), limit_ + n) + slack);
  }

  BitReader in_;
  std::size_t input_size_;
  const std::string& name_;
  std::size_t limit_;
  std::vector<std::uint8_t> out_;
  std::size_t size_ = 0, member_ = 0;  // decoded bytes; of them before this member
  bool first_ = true;                  // in the first member
  PrefixCode literals_, distances_;
};

}  // namespace tinygan::io::detail

namespace tinygan::io {

TINYGAN_FUNC bool is_gzip(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

TINYGAN_FUNC std::vector<std::uint8_t> gunzip(std::span<const std::uint8_t> bytes, std::size_t limit,
                                              const std::string& name) {
  return detail::Gunzip(bytes, limit, name).run();
}

}  // namespace tinygan::io

#endif
