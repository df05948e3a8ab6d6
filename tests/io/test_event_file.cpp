#include <sys/resource.h>

#include <csignal>
#include <cstring>
#include <vector>

#include <tinygan/io/event_file.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using support::contains;
using support::error_of;

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes ascii(std::string_view s) { return {s.begin(), s.end()}; }

template <class Word>
Word word_at(const Bytes& b, std::size_t at) {
  Word w;
  REQUIRE(at + sizeof w <= b.size());
  std::memcpy(&w, b.data() + at, sizeof w);
  return w;
}

/// The data of every record, the lengths' and checksums' own included in the check.
std::vector<Bytes> records(const Bytes& file) {
  std::vector<Bytes> all;
  for (std::size_t at = 0; at < file.size();) {
    const auto length = static_cast<std::size_t>(word_at<std::uint64_t>(file, at));
    CHECK(word_at<std::uint32_t>(file, at + 8) == io::detail::masked(io::crc32c(std::span(file).subspan(at, 8))));
    REQUIRE(at + 16 + length <= file.size());
    const auto data = std::span(file).subspan(at + 12, length);
    CHECK(word_at<std::uint32_t>(file, at + 12 + length) == io::detail::masked(io::crc32c(data)));
    all.emplace_back(data.begin(), data.end());
    at += 16 + length;
  }
  return all;
}

}  // namespace

TEST_CASE("CRC-32C: published check values") {
  CHECK(io::crc32c(ascii("123456789")) == 0xE3069283u);
  CHECK(io::crc32c(Bytes(32, 0x00)) == 0x8A9136AAu);  // RFC 3720, B.4
  CHECK(io::crc32c(Bytes(32, 0xFF)) == 0x62A8AB43u);
  Bytes counting(32);
  for (std::size_t i = 0; i < 32; ++i) counting[i] = static_cast<std::uint8_t>(i);
  CHECK(io::crc32c(counting) == 0x46DD794Eu);
  const Bytes a = ascii("1234"), b = ascii("56789");
  CHECK(io::crc32c(b, io::crc32c(a)) == 0xE3069283u);
  CHECK(io::crc32(ascii("123456789")) == 0xCBF43926u);  // the other polynomial is still the other
}

TEST_CASE("An event file begins with its version, byte for byte") {
  const support::TemporaryFolder folder;
  const io::EventFile file(folder.path(), 1.0);
  const Bytes bytes = io::read_file(file.path());
  const std::vector<Bytes> events = records(bytes);
  REQUIRE(events.size() == 2);
  const Bytes version = {0x09, 0,   0,   0,   0,   0,   0,   0xF0, 0x3F, 0x10, 0x00, 0x1A, 0x0D,
                         'b',  'r', 'a', 'i', 'n', '.', 'E', 'v',  'e',  'n',  't',  ':',  '2'};
  CHECK(events[0] == version);
  CHECK(word_at<std::uint64_t>(bytes, 0) == version.size());
  const Bytes start = {0x09, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0x10, 0x00, 0x3A, 0x02, 0x08, 0x01};
  CHECK(events[1] == start);
}

TEST_CASE("Scalars and pictures in protocol buffer encoding") {
  const support::TemporaryFolder folder;
  io::EventFile file(folder.path(), 1.0);
  const io::EventFile::Scalar scalars[] = {{"loss/D", 0.5}, {"x", -2}};
  file.scalars(300, scalars, 2.0);
  file.image(1, "grid", ascii("PNG"), {3, 200}, 2.0);
  const std::vector<Bytes> events = records(io::read_file(file.path()));
  REQUIRE(events.size() == 4);
  const Bytes two_values = {
      0x09, 0,    0,    0,    0,   0,    0,   0,   0x40, 0x10, 0xAC, 0x02, 0x2A, 0x19,        // 2.0 s, step 300
      0x0A, 0x0D, 0x0A, 0x06, 'l', 'o',  's', 's', '/',  'D',  0x15, 0,    0,    0,    0x3F,  // 0.5
      0x0A, 0x08, 0x0A, 0x01, 'x', 0x15, 0,   0,   0,    0xC0};                               // -2
  CHECK(events[2] == two_values);
  const Bytes picture = {0x09, 0,    0,    0,    0,    0,    0,    0,    0x40, 0x10, 0x01, 0x2A,
                         0x16, 0x0A, 0x14, 0x0A, 0x04, 'g',  'r',  'i',  'd',  0x22, 0x0C, 0x08,
                         0x03, 0x10, 0xC8, 0x01, 0x18, 0x01, 0x22, 0x03, 'P',  'N',  'G'};
  CHECK(events[3] == picture);
}

TEST_CASE("Each event file comes after those that are there, whatever the clock says") {
  const support::TemporaryFolder folder;
  const auto name = [&](double wall_time) {
    return io::EventFile(folder.path(), wall_time).path().filename().string();
  };
  CHECK(name(1700000000.9) == "events.out.tfevents.1700000000.00000.tinygan");
  CHECK(name(1700000000.9) == "events.out.tfevents.1700000000.00001.tinygan");
  CHECK(name(1600000000) == "events.out.tfevents.1700000000.00002.tinygan");
  folder.file("events.out.tfevents.what", ascii("ever"));
  CHECK(name(1800000000) == "events.out.tfevents.1800000000.00003.tinygan");
  CHECK(contains(error_of([&] { io::EventFile(folder.path() / "nowhere", 0); }), "nowhere"));
}

TEST_CASE("A record that does not fit on the disk leaves none of itself behind") {
  const support::TemporaryFolder folder;
  io::EventFile file(folder.path(), 1.0);
  const Bytes before = io::read_file(file.path());
  rlimit limit;  // the size of files stands in for the size of the disk
  REQUIRE(getrlimit(RLIMIT_FSIZE, &limit) == 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{before.size() + 100, limit.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string error = error_of([&] { file.image(1, "grid", Bytes(1000), {1, 1}, 2.0); });
  setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, old_handler);
  CHECK(contains(error, "cannot write"));
  CHECK(io::read_file(file.path()) == before);
  file.image(1, "grid", Bytes(1000), {1, 1}, 2.0);
  CHECK(records(io::read_file(file.path())).size() == 3);
}
