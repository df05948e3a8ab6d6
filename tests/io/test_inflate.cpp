#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string>
#include <vector>

#include <tinygan/backend/philox.hpp>
#include <tinygan/io/inflate.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using support::contains;
using support::error_of;

namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr std::size_t no_limit = std::size_t{1} << 30;

struct Options {
  int level = 6, strategy = Z_DEFAULT_STRATEGY, memory = 8;
  bool full_header = false, raw = false;
};

/// What zlib makes of `data`: one gzip member, or raw DEFLATE data.
Bytes gzip(const Bytes& data, const Options& o = {}) {
  z_stream s{};
  REQUIRE(deflateInit2(&s, o.level, Z_DEFLATED, o.raw ? -15 : 15 + 16, o.memory, o.strategy) == Z_OK);
  Bytes extra = {1, 2, 3, 0, 5}, name = {'n', 'a', 'm', 'e', 0}, comment = {'c', 0};
  gz_header header{};
  if (o.full_header) {
    header.text = 1;
    header.time = 1234;
    header.extra = extra.data();
    header.extra_len = static_cast<uInt>(extra.size());
    header.name = name.data();
    header.comment = comment.data();
    header.hcrc = 1;
    REQUIRE(deflateSetHeader(&s, &header) == Z_OK);
  }
  Bytes out(deflateBound(&s, static_cast<uLong>(data.size())) + 64);
  Bytes in = data;
  s.next_in = in.data();
  s.avail_in = static_cast<uInt>(in.size());
  s.next_out = out.data();
  s.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&s, Z_FINISH) == Z_STREAM_END);
  out.resize(s.total_out);
  deflateEnd(&s);
  return out;
}

/// What zlib makes of a damaged file: true if it takes it as one whole member and no more.
bool zlib_accepts(Bytes file) {
  z_stream s{};
  REQUIRE(inflateInit2(&s, 15 + 16) == Z_OK);
  Bytes out(1 << 16);
  s.next_in = file.data();
  s.avail_in = static_cast<uInt>(file.size());
  s.next_out = out.data();
  s.avail_out = static_cast<uInt>(out.size());
  const bool good = inflate(&s, Z_FINISH) == Z_STREAM_END && s.avail_in == 0;
  inflateEnd(&s);
  return good;
}

Bytes random_bytes(std::size_t n, std::uint64_t seed, unsigned values = 256) {
  Bytes out(n);
  for (std::size_t i = 0; i < n; ++i)
    out[i] = static_cast<std::uint8_t>(philox4x32({static_cast<std::uint32_t>(i), 0, 0, 0}, seed)[0] % values);
  return out;
}

/// Kinds of content that make different blocks: nothing, one byte, long runs, short periods, noise, few symbols, far
/// matches, and skewed frequencies, whose codes are longer than the table.
std::vector<Bytes> contents() {
  std::vector<Bytes> all = {{}, {7}, Bytes(100000, 0), random_bytes(70000, 1), random_bytes(50000, 2, 3)};
  for (std::size_t period = 2; period <= 9; ++period) {
    Bytes b(3000);
    for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<std::uint8_t>(i % period * 31);
    all.push_back(b);
  }
  Bytes far = random_bytes(32768, 3);  // a match at the largest distance there is
  far.insert(far.end(), far.begin(), far.begin() + 5000);
  all.push_back(far);
  Bytes skewed;  // symbol s about 2^(17-s) times, in a random order: codes of up to 15 bits
  for (std::size_t i = 0; i < 200000; ++i) {
    const auto w = philox4x32({static_cast<std::uint32_t>(i), 1, 0, 0}, 4);
    const int zeros = std::min(std::countl_zero(w[0]), 20);
    skewed.push_back(static_cast<std::uint8_t>(w[1] % 2 == 0 ? zeros : 100 + zeros));
  }
  all.push_back(skewed);
  return all;
}

std::string message(const Bytes& file, std::size_t limit = no_limit) {
  return error_of([&] { io::gunzip(file, limit, "file.gz"); });
}

std::string inflate_message(const Bytes& data, std::size_t limit = no_limit) {
  return error_of([&] { io::inflate(data, limit, "f"); });
}

/// A member around hand-made DEFLATE bits, which are given lowest first.
Bytes member(const std::string& bits) {
  Bytes out = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
  std::size_t n = 0;
  for (const char c : bits) {
    if (c == ' ') continue;
    if (n % 8 == 0) out.push_back(0);
    if (c == '1') out.back() = static_cast<std::uint8_t>(out.back() | 1 << n % 8);
    ++n;
  }
  out.insert(out.end(), 24, 0);  // so that nothing here ends too early
  return out;
}

}  // namespace

TEST_CASE("gunzip gives back what zlib compressed, at every level and strategy") {
  for (const Bytes& data : contents()) {
    for (int level = 0; level <= 9; ++level) CHECK(io::gunzip(gzip(data, {.level = level}), no_limit, "f") == data);
    for (const int strategy : {Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED})
      CHECK(io::gunzip(gzip(data, {.strategy = strategy}), no_limit, "f") == data);
    CHECK(io::gunzip(gzip(data, {.memory = 1}), no_limit, "f") == data);  // many small blocks
  }
}

TEST_CASE("gunzip takes every header field, and several members as one") {
  const Bytes a = random_bytes(1000, 5, 20), b = random_bytes(70, 6);
  CHECK(io::gunzip(gzip(a, {.full_header = true}), no_limit, "f") == a);
  Bytes both = gzip(a), whole = a;
  for (const Bytes& part : {gzip({}), gzip(b, {.full_header = true}), gzip(a, {.level = 0})})
    both.insert(both.end(), part.begin(), part.end());
  whole.insert(whole.end(), b.begin(), b.end());
  whole.insert(whole.end(), a.begin(), a.end());
  CHECK(io::gunzip(both, no_limit, "f") == whole);
}

TEST_CASE("gunzip takes zero bytes behind every member as padding, and nothing else") {
  const Bytes a = random_bytes(1000, 5, 20), b = random_bytes(70, 6);
  Bytes whole = a;
  whole.insert(whole.end(), b.begin(), b.end());
  for (const std::size_t zeros : {1u, 2u, 3u, 7u, 8u, 9u, 17u, 512u, 100000u}) {
    const Bytes padding(zeros, 0);
    Bytes file = gzip(a);
    const auto append = [&](const Bytes& more) { file.insert(file.end(), more.begin(), more.end()); };
    append(padding);
    INFO(zeros << " zero bytes");
    CHECK(io::gunzip(file, a.size(), "f") == a);
    append(gzip(b, {.full_header = true}));
    CHECK(io::gunzip(file, no_limit, "f") == whole);
    append(padding);
    CHECK(io::gunzip(file, no_limit, "f") == whole);
    append({0x1f});  // the beginning of a member
    CHECK(contains(message(file), "file.gz: the gzip data is truncated"));
    file.back() = ' ';
    CHECK(message(file) == "file.gz: 1 bytes follow the gzip data, expected none");
    append({0, 0});
    CHECK(message(file) == "file.gz: 3 bytes follow the gzip data, expected none");
  }
  CHECK(message({0, 0, 0}) == "file.gz: not a gzip file");  // padding of nothing
  const Bytes empty = gzip({});
  Bytes padded = empty;
  padded.insert(padded.end(), 20, 0);
  CHECK(io::gunzip(padded, no_limit, "f").empty());
}

TEST_CASE("gunzip respects its limit to the byte") {
  for (const int level : {0, 6}) {
    const Bytes file = gzip(Bytes(5000, 1), {.level = level});
    CHECK(io::gunzip(file, 5000, "f").size() == 5000);
    CHECK(message(file, 4999) == "file.gz: expands to more than the limit of 4999 bytes");
    CHECK(contains(message(file, 0), "limit of 0"));
  }
  CHECK(contains(message(gzip(random_bytes(300, 7, 12)), 299), "limit of 299"));  // one block of literals
  const Bytes bomb = gzip(Bytes(20'000'000, 0), {.level = 9});
  CHECK(contains(message(bomb, 1000), "limit of 1000"));
}

TEST_CASE("gunzip calls a file truncated wherever it is cut") {
  const Bytes data = random_bytes(300, 7, 12);
  for (const Options& o :
       {Options{.level = 0}, Options{.level = 9}, Options{.strategy = Z_FIXED}, Options{.full_header = true}}) {
    const Bytes file = gzip(data, o);
    for (std::size_t n = 0; n < file.size(); ++n) {
      const std::string e = message(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(n)));
      INFO("cut to " << n << " of " << file.size() << ": " << e);
      CHECK(contains(e, "file.gz: the gzip data is truncated"));
    }
  }
}

TEST_CASE("gunzip agrees with zlib on every single flipped bit") {
  const Bytes data = random_bytes(120, 8, 9);
  for (const Options& o :
       {Options{.level = 0}, Options{.level = 9}, Options{.strategy = Z_FIXED}, Options{.full_header = true}}) {
    const Bytes file = gzip(data, o);
    for (std::size_t bit = 0; bit < 8 * file.size(); ++bit) {
      Bytes damaged = file;
      damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ 1u << bit % 8);
      INFO("bit " << bit << ": " << message(damaged));
      CHECK(message(damaged).empty() == zlib_accepts(damaged));
    }
  }
}

TEST_CASE("gunzip names each kind of damage") {
  const Bytes file = gzip(random_bytes(200, 9, 10));
  const auto changed = [&](std::size_t at, std::uint8_t value) {
    Bytes f = file;
    f[at] = value;
    return f;
  };
  CHECK(message({'P', 'K', 3, 4}) == "file.gz: not a gzip file");
  CHECK(contains(message(changed(2, 7)), "compression method 7, expected 8"));
  CHECK(contains(message(changed(3, 0x40)), "reserved header flags"));
  CHECK(contains(message(changed(file.size() - 8, static_cast<std::uint8_t>(file[file.size() - 8] ^ 1u))), "CRC-32"));
  CHECK(contains(message(changed(file.size() - 4, 7)), "200 bytes decoded, expected 7"));
  Bytes longer = file;
  longer.insert(longer.end(), {1, 0, 0});
  CHECK(message(longer) == "file.gz: 3 bytes follow the gzip data, expected none");
  Bytes header = gzip({1}, {.full_header = true});
  header[4] = static_cast<std::uint8_t>(header[4] ^ 1u);  // the time
  CHECK(contains(message(header), "the header's checksum"));
  Bytes stored = gzip({1, 2, 3}, {.level = 0});
  stored[13] = static_cast<std::uint8_t>(stored[13] ^ 1u);
  CHECK(contains(message(stored), "complement"));

  // Bits lowest first; Huffman codes highest first. A dynamic block: last, type 2, HLIT-257, HDIST-1, HCLEN-4.
  CHECK(contains(message(member("1 11")), "block type 3"));
  CHECK(contains(message(member("1 10 11000110")), "an unused length code"));         // fixed code of symbol 286
  CHECK(contains(message(member("1 10 0000001 11110")), "an unused distance code"));  // length 3, distance symbol 30
  CHECK(contains(message(member("1 10 0000001 00000")), "a match distance of 1, expected at most 0"));
  CHECK(contains(message(member("1 01 01111 00000 0000")), "287 literal and length codes"));
  CHECK(contains(message(member("1 01 00000 01111 0000")), "31 distance codes"));
  CHECK(contains(message(member("1 01 00000 00000 0000 100 000 000 000")), "code lengths is not a prefix code"));
  CHECK(contains(message(member("1 01 00000 00000 0000 100 100 100 000")), "code lengths is not a prefix code"));
  // The order of these lengths is 16, 17, 18, 0. 16 and 17 have the codes 0 and 1: a repeat right away.
  CHECK(contains(message(member("1 01 00000 00000 0000 100 100 000 000 0")), "no previous one"));
  // 0 and 18 have the codes 0 and 1: 258 zeros (138 + 120), which is all there is; and two runs of 138, too many.
  const std::string zeros = "1 01 00000 00000 0000 000 000 100 100 1 1111111 ";
  CHECK(contains(message(member(zeros + "1 1011011")), "no code for the end of the block"));
  CHECK(contains(message(member(zeros + "1 1111111")), "more code lengths than codes"));
}

TEST_CASE("inflate decodes DEFLATE data without a header, and nothing behind it") {
  for (const Bytes& data : contents()) {
    for (const int level : {0, 1, 6, 9}) {
      const Bytes raw = gzip(data, {.level = level, .raw = true});
      CHECK(io::inflate(raw, data.size(), "f") == data);
      CHECK(io::inflate(raw, no_limit, "f") == data);
    }
  }
  const Bytes data = random_bytes(300, 7, 12);
  for (const Options& o : {Options{.level = 0, .raw = true}, Options{.level = 9, .raw = true}}) {
    Bytes raw = gzip(data, o);
    for (std::size_t n = 0; n < raw.size(); ++n)
      CHECK(contains(inflate_message({raw.begin(), raw.begin() + static_cast<std::ptrdiff_t>(n)}),
                     "f: the DEFLATE data is truncated: it ends after"));
    CHECK(inflate_message(raw, 299) == "f: expands to more than the limit of 299 bytes");
    raw.push_back(0);
    CHECK(inflate_message(raw, 300) == "f: 1 bytes follow the DEFLATE data, expected none");
  }
  CHECK(contains(inflate_message({7, 0, 0}), "f: damaged DEFLATE data near byte"));
}
