#include <cstring>
#include <vector>

#include <tinygan/io/npz.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using support::contains;
using support::error_of;

namespace {

using Bytes = std::vector<std::uint8_t>;

std::string header_of(const Bytes& npy) {
  REQUIRE(npy.size() > 10);
  CHECK(std::memcmp(npy.data(), "\x93NUMPY\x01\x00", 8) == 0);
  const std::size_t length = npy[8] + 256u * npy[9];
  REQUIRE(10 + length <= npy.size());
  CHECK((10 + length) % 64 == 0);
  CHECK(npy[10 + length - 1] == '\n');
  const std::string header(npy.begin() + 10, npy.begin() + 10 + static_cast<std::ptrdiff_t>(length));
  return header.substr(0, header.find('}') + 1);
}

template <class T>
Bytes npy(const std::vector<T>& values, const std::vector<index_t>& shape) {
  return io::encode_npy<T>(values, shape);
}

}  // namespace

TEST_CASE("An .npy file names type and shape as NumPy does, and holds the values") {
  const Bytes file = npy<float>({1, 2, 3, 4, 5, 6}, {2, 3});
  CHECK(header_of(file) == "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
  const std::vector<float> expected = {1, 2, 3, 4, 5, 6};
  REQUIRE(file.size() == 128 + 24);
  CHECK(std::memcmp(file.data() + 128, expected.data(), 24) == 0);

  CHECK(header_of(npy<std::uint8_t>({7}, {1})) == "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }");
  CHECK(header_of(npy<double>({7}, {})) == "{'descr': '<f8', 'fortran_order': False, 'shape': (), }");
  CHECK(header_of(npy<std::int64_t>({}, {0, 5})) == "{'descr': '<i8', 'fortran_order': False, 'shape': (0, 5), }");
  CHECK(contains(error_of([] { npy<float>({1, 2, 3}, {2, 2}); }), "3 values"));
  CHECK(contains(error_of([] { npy<float>({}, {-1}); }), "-1"));
  constexpr index_t half = index_t{1} << 32;  // its square is 0 in 64 bits
  CHECK(error_of([] {
          npy<float>({}, {half, half});
        }) == "npy: the size of the shape (4294967296, 4294967296) overflows 64 bits");
  CHECK(contains(error_of([] { npy<float>({1}, {1, index_t{1} << 62, 4, 1}); }), "overflows 64 bits"));
  CHECK(header_of(npy<float>({}, {half, half, 0})).ends_with("'shape': (4294967296, 4294967296, 0), }"));
  CHECK(contains(error_of([] { npy<float>({1}, std::vector<index_t>(30000, 1)); }), "for 30000 dimensions"));
}

TEST_CASE("An .npz file is an uncompressed zip archive, byte for byte") {
  io::NpzFile file;
  file.add<std::uint8_t>("a", std::vector<std::uint8_t>{1, 2, 3}, {3});
  const Bytes array = npy<std::uint8_t>({1, 2, 3}, {3});
  const Bytes zip = file.encode("test");
  const auto size = static_cast<std::uint8_t>(array.size());
  const std::uint32_t crc = io::crc32(array);
  const auto crc_byte = [&](int i) { return static_cast<std::uint8_t>(crc >> (8 * i)); };
  const Bytes common = {20,          0,    0, 8, 0, 0,    0, 0, 0x21, 0, crc_byte(0), crc_byte(1), crc_byte(2),
                        crc_byte(3), size, 0, 0, 0, size, 0, 0, 0,    5, 0,           0,           0};
  Bytes expected = {'P', 'K', 3, 4};
  const auto append = [&](const Bytes& b) { expected.insert(expected.end(), b.begin(), b.end()); };
  append(common);
  append({'a', '.', 'n', 'p', 'y'});
  append(array);
  const auto at = static_cast<std::uint8_t>(expected.size());
  append({'P', 'K', 1, 2, 20, 0});
  append(common);
  append({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'a', '.', 'n', 'p', 'y'});
  append({'P', 'K', 5, 6, 0, 0, 0, 0, 1, 0, 1, 0, 51, 0, 0, 0, at, 0, 0, 0, 0, 0});
  CHECK(zip == expected);

  io::NpzFile long_name;
  long_name.add<std::uint8_t>(std::string(70000, 'a'), std::vector<std::uint8_t>{1}, {1});
  CHECK(contains(error_of([&] { long_name.encode("test"); }), "test: an array's name of 70004 bytes"));

  const support::TemporaryFolder folder;
  io::write_npz(folder.path() / "a.npz", file);
  CHECK(io::read_file(folder.path() / "a.npz") == zip);
}
