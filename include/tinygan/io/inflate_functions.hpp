// The decoder of io/inflate.hpp.
#pragma once

#include <tinygan/io/inflate.hpp>
#include <tinygan/io/inflate_codes.hpp>

#ifdef TINYGAN_FUNC

namespace tinygan::io::detail {

/// Decodes the DEFLATE streams of one input, among bytes of the format around them, which its errors name.
class Inflater {
 public:
  /// `expected`: a guess of the decoded size. A wrong one only costs time: DEFLATE cannot expand more than 1032-fold,
  /// and the output grows as needed.
  Inflater(std::span<const std::uint8_t> input, std::size_t limit, std::size_t expected, const std::string& name,
           const char* format)
      : in_(input), input_size_(input.size()), name_(name), format_(format),
        limit_(std::min(limit, std::numeric_limits<std::size_t>::max() / 4)) {
    out_.resize(std::min({expected, 1032 * input.size(), limit_}) + slack);
  }

  /// Decodes one stream, up to the byte boundary behind it.
  void stream() {
    begin_ = size_;
    while (block()) {
    }
    if (!in_.align()) truncated();
    make_room(0);  // checks the limit
  }

  /// What the last stream decoded to.
  std::span<const std::uint8_t> decoded() const { return {out_.data() + begin_, size_ - begin_}; }

  /// What all streams decoded to.
  std::vector<std::uint8_t> take_all() {
    out_.resize(size_);
    return std::move(out_);
  }

  /// The input that follows.
  std::span<const std::uint8_t> rest() const { return in_.rest(); }

  /// The next n bytes of the input.
  std::span<const std::uint8_t> bytes(std::size_t n) {
    const auto all = in_.rest();
    if (all.size() < n) truncated();
    in_.skip_bytes(n);
    return all.first(n);
  }

  template <class... What>
  [[noreturn]] void damaged(const What&... what) const {
    if (in_.overrun()) truncated();
    fail(name_, "damaged ", format_, " data near byte ", in_.position(), ": ", what...);
  }
  [[noreturn]] void truncated() const {
    fail(name_, "the ", format_, " data is truncated: it ends after ", input_size_, " bytes (", size_,
         " uncompressed)");
  }

 private:
  static constexpr std::size_t slack = 320;  // a match, the literals before it, the excess of an 8-byte copy

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
    if (distance > size_ - begin_)
      damaged("a match distance of ", distance, ", expected at most ", size_ - begin_, ", the bytes decoded so far");
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
  const char* format_;
  std::size_t limit_;
  std::vector<std::uint8_t> out_;
  std::size_t size_ = 0, begin_ = 0;  // decoded bytes; of them before this stream
  PrefixCode literals_, distances_;
};

/// Decodes the members of one gzip file. Zero bytes after a member are padding, as gzip and Python accept it.
class Gunzip {
 public:
  Gunzip(std::span<const std::uint8_t> input, std::size_t limit, const std::string& name)
      : in_(input, limit, expected_size(input), name, "gzip"), name_(name) {}

  std::vector<std::uint8_t> run() {
    do {
      header();
      in_.stream();
      trailer();
      skip_padding();
      first_ = false;
    } while (!in_.rest().empty());
    return in_.take_all();
  }

 private:
  /// The last four bytes are the size if there is one member.
  static std::size_t expected_size(std::span<const std::uint8_t> input) {
    return input.size() < 18 ? 4 * input.size() : load_little_endian<std::uint32_t>(input.data() + input.size() - 4);
  }

  void header() {
    const auto start = in_.rest();
    constexpr std::uint8_t magic[3] = {0x1f, 0x8b, 8};
    for (std::size_t i = 0; i < 3; ++i) {
      if (i == start.size()) in_.truncated();
      if (start[i] == magic[i]) continue;
      if (i == 2) in_.damaged("compression method ", unsigned{start[2]}, ", expected 8 (deflate)");
      if (!first_) fail(name_, start.size(), " bytes follow the gzip data, expected none");
      fail(name_, "not a gzip file");
    }
    const unsigned flags = in_.bytes(10)[3];
    constexpr unsigned header_crc = 2, extra = 4, file_name = 8, comment = 16;
    if (flags >= 32) in_.damaged("reserved header flags are set");
    if ((flags & extra) != 0) in_.bytes(load_little_endian<std::uint16_t>(in_.bytes(2).data()));
    for (const unsigned text : {file_name, comment})
      if ((flags & text) != 0)
        while (in_.bytes(1)[0] != 0) {
        }
    if ((flags & header_crc) != 0) {
      const auto header = start.first(start.size() - in_.rest().size());
      if (load_little_endian<std::uint16_t>(in_.bytes(2).data()) != (crc32(header) & 0xFFFFu))
        in_.damaged("the header's checksum does not match");
    }
  }

  void trailer() {
    const auto end = in_.bytes(8);
    const auto member = in_.decoded();
    const auto crc = load_little_endian<std::uint32_t>(end.data());
    if (crc != crc32(member)) in_.damaged("the CRC-32 of the data does not match");
    const auto length = load_little_endian<std::uint32_t>(end.data() + 4);
    if (length != static_cast<std::uint32_t>(member.size()))
      in_.damaged(member.size(), " bytes decoded, expected ", length, " (modulo 2^32) by the trailer");
  }

  void skip_padding() {
    const auto rest = in_.rest();
    const auto other = std::find_if(rest.begin(), rest.end(), [](std::uint8_t b) { return b != 0; });
    in_.bytes(static_cast<std::size_t>(other - rest.begin()));
  }

  Inflater in_;
  const std::string& name_;
  bool first_ = true;  // in the first member
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

TINYGAN_FUNC std::vector<std::uint8_t> inflate(std::span<const std::uint8_t> bytes, std::size_t limit,
                                               const std::string& name) {
  detail::Inflater in(bytes, limit, limit, name, "DEFLATE");
  in.stream();
  check(in.rest().empty(), name, in.rest().size(), " bytes follow the DEFLATE data, expected none");
  return in.take_all();
}

}  // namespace tinygan::io

#endif
