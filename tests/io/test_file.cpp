#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <vector>

#include <tinygan/io/checksum.hpp>
#include <tinygan/io/file.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using support::contains;
using support::error_of;

namespace {

std::vector<std::uint8_t> ascii(std::string_view s) { return {s.begin(), s.end()}; }

std::size_t entries(const std::filesystem::path& folder) {
  const std::filesystem::directory_iterator all(folder);
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

}  // namespace

TEST_CASE("write_file and read_file round trip, and replace what was there") {
  const support::TemporaryFolder folder;
  const auto path = folder.path() / "f.bin";
  std::vector<std::uint8_t> bytes(100001);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * i >> 3);
  io::write_file(path, bytes);
  CHECK(io::read_file(path) == bytes);
  io::write_file(path, ascii("short"));
  CHECK(io::read_file(path) == ascii("short"));
  CHECK(entries(folder.path()) == 1);  // no temporary is left behind
}

TEST_CASE("write_file gets by temporaries that a killed process left behind") {
  const support::TemporaryFolder folder;
  const auto path = folder.path() / "f.bin";
  for (int serial = 0; serial < 500; ++serial) folder.file(text("f.bin.tmp-", ::getpid(), '-', serial), ascii("left"));
  io::write_file(path, ascii("new"));
  CHECK(io::read_file(path) == ascii("new"));
  CHECK(entries(folder.path()) == 501);
}

TEST_CASE("write_file works in the working directory and on an empty content") {
  const support::TemporaryFolder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  io::write_file("plain.bin", {});
  std::filesystem::current_path(before);
  CHECK(std::filesystem::file_size(folder.path() / "plain.bin") == 0);
}

TEST_CASE("read_file says what is wrong and with which file") {
  const support::TemporaryFolder folder;
  const auto message = [](const std::filesystem::path& path) {
    const std::string e = error_of([&] { io::read_file(path); });
    CHECK(contains(e, path.string()));
    return e;
  };
  CHECK(contains(message(folder.path() / "none"), "not found"));
  CHECK(contains(message(folder.path()), "a directory"));
  CHECK(contains(message(folder.file("empty", std::string_view())), "empty"));
  const auto plain = folder.file("plain", std::string_view("x"));
  CHECK(contains(message(plain / "below"), "Not a directory"));
  CHECK(contains(message("/dev/zero"), "a device"));
  const auto pipe = folder.path() / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(contains(message(pipe), "a pipe"));  // and does not wait for somebody to write to it
  if (::geteuid() == 0) {
    WARN("running as root, who may read everything: an unreadable file is not checked");
  } else {
    std::filesystem::permissions(plain, std::filesystem::perms::none);
    CHECK(contains(message(plain), "Permission denied"));
  }
}

TEST_CASE("write_file says what is wrong and with which file") {
  const support::TemporaryFolder folder;
  const auto message = [](const std::filesystem::path& path) {
    const std::string e = error_of([&] { io::write_file(path, ascii("new")); });
    CHECK(contains(e, path.string()));
    return e;
  };
  CHECK(contains(message(folder.path() / "none" / "f"), "No such file"));
  CHECK(contains(message(folder.path()), "a directory"));
  CHECK(contains(message("/dev/null"), "a device"));  // a rename would have destroyed it
  struct stat info {};
  REQUIRE(::stat("/dev/null", &info) == 0);
  CHECK(S_ISCHR(info.st_mode));
}

TEST_CASE("write_file leaves the old file and no temporary when the disk takes no more") {
  const support::TemporaryFolder folder;
  const auto path = folder.file("f.bin", std::string_view("old"));
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);  // so that write() fails instead
  rlimit small = before;
  small.rlim_cur = 4096;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string e = error_of([&] { io::write_file(path, std::vector<std::uint8_t>(10000)); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(contains(e, path.string()));
  CHECK(contains(e, "cannot write: File too large"));
  CHECK(io::read_file(path) == ascii("old"));
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("crc32 and md5 against published values and across every length") {
  CHECK(io::crc32(ascii("123456789")) == 0xCBF43926u);  // the "check" value of CRC-32/ISO-HDLC
  CHECK(io::crc32({}) == 0);
  // RFC 1321, A.5
  CHECK(io::md5({}) == "d41d8cd98f00b204e9800998ecf8427e");
  CHECK(io::md5(ascii("a")) == "0cc175b9c0f1b6a831c399e269772661");
  CHECK(io::md5(ascii("abc")) == "900150983cd24fb0d6963f7d28e17f72");
  CHECK(io::md5(ascii("message digest")) == "f96b697d7cb7938d525a2f31aaf161d0");
  CHECK(io::md5(ascii("abcdefghijklmnopqrstuvwxyz")) == "c3fcd3d76192e4007dfb496cca67e13b");
  CHECK(io::md5(ascii("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")) ==
        "d174ab98d277d9f5a5611c2c9f419d9f");
  CHECK(io::md5(ascii("12345678901234567890123456789012345678901234567890123456789012345678901234567890")) ==
        "57edf4a22be3c955ac49da2e2107b67a");

  // Byte at a time, as the polynomial is defined.
  const auto slow = [](std::span<const std::uint8_t> bytes) {
    std::uint32_t c = 0xFFFFFFFFu;
    for (const std::uint8_t b : bytes) {
      c ^= b;
      for (int i = 0; i < 8; ++i) c = (c & 1u) != 0 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
    }
    return ~c;
  };
  std::vector<std::uint8_t> bytes(70);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(37 * i + 11);
  for (std::size_t n = 0; n <= bytes.size(); ++n) {
    const auto part = std::span<const std::uint8_t>(bytes).first(n);
    CHECK(io::crc32(part) == slow(part));
    CHECK(io::crc32(part.subspan(n / 3), io::crc32(part.first(n / 3))) == slow(part));
  }
}
