#include <zlib.h>

#include <string>
#include <string_view>
#include <vector>

#include <tinygan/data/idx.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using support::contains;
using support::error_of;

namespace {

using Bytes = std::vector<std::uint8_t>;

/// An IDX file with the data bytes 0, 1, 2, ...
Bytes idx(const std::vector<std::uint32_t>& dims, std::size_t data_bytes, std::uint8_t type = 8) {
  Bytes b = {0, 0, type, static_cast<std::uint8_t>(dims.size())};
  for (const std::uint32_t d : dims)
    for (const int shift : {24, 16, 8, 0}) b.push_back(static_cast<std::uint8_t>(d >> shift));
  for (std::size_t i = 0; i < data_bytes; ++i) b.push_back(static_cast<std::uint8_t>(i));
  return b;
}

std::filesystem::path gzip(const support::TemporaryFolder& folder, const std::string& name, std::string_view content) {
  const auto path = folder.path() / name;
  const gzFile f = gzopen(path.c_str(), "wb");
  REQUIRE(f != nullptr);
  REQUIRE(gzwrite(f, content.data(), static_cast<unsigned>(content.size())) == static_cast<int>(content.size()));
  REQUIRE(gzclose(f) == Z_OK);
  return path;
}

std::string_view view(const Bytes& b) { return {reinterpret_cast<const char*>(b.data()), b.size()}; }

std::string read_error(const std::filesystem::path& path) {
  const std::string e = error_of([&] { data::read_idx(path); });
  CHECK(contains(e, path.string()));
  return e;
}

}  // namespace

TEST_CASE("IDX files are read plain and gzipped, whatever they are called") {
  const support::TemporaryFolder folder;
  const Bytes file = idx({2, 3, 4}, 24);
  for (const auto& path : {folder.file("plain", file), folder.file("plain.gz", file),
                           gzip(folder, "packed.gz", view(file)), gzip(folder, "packed", view(file))}) {
    INFO(path);
    const data::IdxFile got = data::read_idx(path);
    CHECK(got.dims == std::vector<index_t>{2, 3, 4});
    CHECK(got.bytes == Bytes(file.begin() + 16, file.end()));
  }
}

TEST_CASE("each kind of damage to an IDX file has its own message") {
  const support::TemporaryFolder folder;
  int serial = 0;
  const auto message = [&](const Bytes& file) { return read_error(folder.file(std::to_string(serial++), file)); };
  CHECK(contains(read_error(folder.path() / "none"), "file not found"));
  CHECK(contains(message({}), "the file is empty"));
  CHECK(contains(message({0, 0, 8}), "truncated: 3 bytes, expected at least 8, an IDX header"));
  CHECK(contains(message({0, 0, 8, 3, 0, 0}), "truncated: 6 bytes, expected at least 16, a header of 3 dimensions"));
  CHECK(contains(message(idx({2, 3}, 5)), "truncated: 5 bytes of data, expected 6 (2x3)"));
  CHECK(contains(message(idx({2, 3}, 8)), "2 bytes too many: 8 bytes of data, expected 6 (2x3)"));
  const std::string zip = message({'P', 'K', 3, 4, 5});
  CHECK(contains(zip, "not an IDX file: it begins with 50 4B 03 04, expected 00 00 08"));
  CHECK(contains(zip, "; it seems to be a zip archive"));
  CHECK(contains(message({0xFD, '7', 'z', 'X', 'Z', 0, 0}), "it seems to be an xz file"));
  CHECK(contains(message(idx({1}, 1, 0x0A)), "not an IDX file: it begins with 00 00 0A 01"));
  CHECK(contains(message(idx({1}, 4, 0x0D)), "elements of type 0D (float), expected 08 (unsigned byte)"));
  CHECK(contains(message(idx({1}, 1, 0x09)), "elements of type 09 (signed byte)"));
  CHECK(contains(message({0, 0, 8, 0, 1}), "has 0 dimensions, expected 1 to 6"));
  CHECK(contains(message(idx({1, 1, 1, 1, 1, 1, 1}, 1)), "has 7 dimensions, expected 1 to 6"));
  CHECK(contains(message(idx({3, 0}, 0)), "has the dimensions 3x0, expected at least 1 each"));
  CHECK(contains(message(idx({0xFFFFFFFFu, 28, 28}, 5)), "has the dimensions 4294967295x28x28, expected at most"));
  CHECK(contains(message(idx({0xFFFFFFFFu, 0xFFFFFFFFu, 0xFFFFFFFFu}, 5)), "expected at most"));
  CHECK(contains(message(idx({1u << 31, 1u << 31, 4}, 5)), "expected at most"));  // 0 in 64 bits
  CHECK(contains(message(idx({1u << 16, 1u << 16, 1u << 16, 1u << 16}, 5)), "expected at most"));
}

TEST_CASE("labels are bytes, 32-bit integers, or the first column of a table of those") {
  const auto labels = [](const Bytes& file) { return data::parse_idx_labels(file, "labels"); };
  const auto table = [](const std::vector<std::uint32_t>& dims, const std::vector<std::uint32_t>& numbers) {
    Bytes b = idx(dims, 0, 0x0C);
    for (const std::uint32_t n : numbers)
      for (const int shift : {24, 16, 8, 0}) b.push_back(static_cast<std::uint8_t>(n >> shift));
    return b;
  };
  CHECK(labels(idx({5}, 5)) == Bytes{0, 1, 2, 3, 4});
  CHECK(labels(table({4}, {7, 0, 255, 3})) == Bytes{7, 0, 255, 3});
  CHECK(labels(table({3, 2}, {7, 1000, 0, 70000, 9, 0xFFFFFFFFu})) == Bytes{7, 0, 9});
  CHECK(labels(table({2, 8}, {5, 0, 1, 2, 3, 4, 0, 0, 6, 1, 3, 9, 27, 11, 0, 0})) ==
        Bytes{5, 6});  // as QMNIST has them

  const auto message = [&](const Bytes& file) { return error_of([&] { labels(file); }); };
  CHECK(message(table({2}, {1, 256})) == "labels: label 1 is 256, expected 0 to 255");
  CHECK(message(table({2, 1}, {0xFFFFFFFFu, 1})) == "labels: label 0 is -1, expected 0 to 255");
  CHECK(message(table({2, 2}, {1, 2, 3})) == "labels: truncated: 12 bytes of data, expected 16 (2x2)");
  CHECK(message(table({1u << 30, 1}, {})) ==
        "labels: has the dimensions 1073741824x1, expected at most 2147483648 bytes");
  CHECK(message(table({2, 2, 1}, {1, 2, 3, 4})) == "labels: has the dimensions 2x2x1, expected N or NxK");
  CHECK(message(idx({2, 2}, 4)) == "labels: has the dimensions 2x2, expected N");
  CHECK(message(idx({2}, 4, 0x0B)) ==
        "labels: has elements of type 0B (16-bit integer), expected 08 (unsigned byte) or 0C (32-bit integer)");
}

TEST_CASE("a web page saved as a data file is called one, packed or not") {
  const support::TemporaryFolder folder;
  const std::string_view html = "<html><body>404</body></html>", doctype = "\xEF\xBB\xBF \r\n<!DocType HTML>\n<html>";
  CHECK(contains(read_error(folder.file("a.gz", html)), "an HTML page (it begins with '<html')"));
  CHECK(contains(read_error(folder.file("a.idx", doctype)), "an HTML page (it begins with '<!DocType')"));
  CHECK(contains(read_error(gzip(folder, "b.gz", doctype)), "an HTML page (it begins with '<!DocType')"));
}

TEST_CASE("damaged gzip data around an IDX file is reported as such") {
  const support::TemporaryFolder folder;
  const auto whole = io::read_file(gzip(folder, "whole.gz", view(idx({100}, 100))));
  Bytes cut(whole.begin(), whole.end() - 9), flipped = whole;
  flipped[flipped.size() - 5] = static_cast<std::uint8_t>(flipped[flipped.size() - 5] ^ 4u);
  CHECK(contains(read_error(folder.file("cut.gz", cut)), "the gzip data is truncated"));
  CHECK(contains(read_error(folder.file("flipped.gz", flipped)), "CRC-32"));
  CHECK(contains(read_error(gzip(folder, "nothing.gz", "")), "the content of the gzip file is empty"));
}
