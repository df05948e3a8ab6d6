#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tinygan/io/npz.hpp>
#include <tinygan/io/npz_reader.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using support::contains;
using support::error_of;

namespace {

using Bytes = std::vector<std::uint8_t>;

// NumPy 2.4.6: savez_compressed(f, features=asfortranarray(arange(6, dtype=float32).reshape(2, 3)),
//   labels=array([7, -1]), none=zeros((0, 4), uint8), flag=array(True))
constexpr std::string_view compressed_by_numpy =
    "504b03042d000000080000002100ce2ce0d3ffffffffffffffff0c00140066656174757265732e6e707901001000980000000000000056"
    "000000000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9366a2aea3a09e965f54529498179f5f94920a120f292a4d050a"
    "17672416a402b91a463a0ac69a3a0ab50ae4032e06307070606068b007620710878161810300504b03042d000000080000002100e092ce"
    "bcffffffffffffffff0a0014006c6162656c732e6e70790100100090000000000000004a000000000000009bec17ea1b10c9c850c650ad"
    "9e925a9c5ca46ea5a06e9369a1aea3a09e965f54529498179f5f94920a12774bcc294e058a17672416a402f91a463a9a3a0ab50a14002e"
    "760608f80f0500504b03042d000000080000002100073da70effffffffffffffff080014006e6f6e652e6e707901001000800000000000"
    "000046000000000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a05e536aa8aea3a09e965f54529498179f5f94920a12774bcc"
    "294e058a17672416a402f91a063a0a269a3a0ab50a64032e00504b03042d000000080000002100822df8d3ffffffffffffffff08001400"
    "666c61672e6e707901001000810000000000000043000000000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a05e9364a8aea3"
    "a09e965f54529498179f5f94920a12774bcc294e058a17672416a402f91a9a3a0ab50a14012e4600504b01022d032d0000000800000021"
    "00ce2ce0d356000000980000000c000000000000000000000080010000000066656174757265732e6e7079504b01022d032d0000000800"
    "00002100e092cebc4a000000900000000a00000000000000000000008001940000006c6162656c732e6e7079504b01022d032d00000008"
    "0000002100073da70e460000008000000008000000000000000000000080011a0100006e6f6e652e6e7079504b01022d032d0000000800"
    "00002100822df8d3430000008100000008000000000000000000000080019a010000666c61672e6e7079504b05060000000004000400de"
    "000000170200000000";

// NumPy 2.4.6: savez(f, x=array([0.5, -2.0]))
constexpr std::string_view stored_by_numpy =
    "504b03042d000000000000002100ac59bc75ffffffffffffffff05001400782e6e70790100100090000000000000009000000000000000"
    "934e554d5059010076007b276465736372273a20273c6638272c2027666f727472616e5f6f72646572273a2046616c73652c2027736861"
    "7065273a2028322c292c207d20202020202020202020202020202020202020202020202020202020202020202020202020202020202020"
    "20202020202020202020202020202020200a000000000000e03f00000000000000c0504b01022d032d000000000000002100ac59bc7590"
    "00000090000000050000000000000000000000800100000000782e6e7079504b0506000000000100010033000000c70000000000";

Bytes from_hex(std::string_view hex) {
  Bytes out;
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (std::size_t i = 0; i < hex.size(); i += 2)
    out.push_back(static_cast<std::uint8_t>(16 * digit(hex[i]) + digit(hex[i + 1])));
  return out;
}

}  // namespace

TEST_CASE("Arrays that NumPy stored or compressed are read") {
  const io::NpzArrays a = io::decode_npz(from_hex(compressed_by_numpy), "a.npz");
  CHECK(a.all().size() == 4);
  CHECK(a.at("features").dtype == "<f4");
  CHECK(a.at("features").shape == std::vector<index_t>{2, 3});
  CHECK(a.values<float>("features") == std::vector<float>{0, 1, 2, 3, 4, 5});  // in Fortran order in the file
  CHECK(a.values<std::int64_t>("labels") == std::vector<std::int64_t>{7, -1});
  CHECK(a.at("none").shape == std::vector<index_t>{0, 4});
  CHECK(a.values<std::uint8_t>("none").empty());
  CHECK(a.at("flag").shape.empty());
  CHECK(a.values<bool>("flag") == std::vector<bool>{true});

  CHECK(error_of([&] { a.at("label"); }) ==
        "a.npz: no array 'label', expected one of: 'features', 'flag', 'labels', 'none'");
  CHECK(error_of([&] { a.values<float>("labels"); }) == "a.npz: array 'labels': the dtype is <i8, expected <f4");

  const io::NpzArrays b = io::decode_npz(from_hex(stored_by_numpy), "b.npz");
  CHECK(b.values<double>("x") == std::vector<double>{0.5, -2.0});
}

TEST_CASE("What write_npz writes is read again") {
  io::NpzFile file;
  const std::vector<float> x = {1.5f, -0.0f, 3};
  file.add<float>("x", x, {3, 1});
  file.add<std::uint8_t>("a/b \u00e9", Bytes{1, 2}, {2});
  file.add<double>("", std::vector<double>{0.25}, {});
  const support::TemporaryFolder folder;
  const auto path = folder.path() / "a.npz";
  io::write_npz(path, file);
  const io::NpzArrays read = io::read_npz(path);
  CHECK(read.all().size() == 3);
  CHECK(read.values<float>("x") == x);
  CHECK(read.at("x").shape == std::vector<index_t>{3, 1});
  CHECK(read.values<std::uint8_t>("a/b \u00e9") == Bytes{1, 2});
  CHECK(read.values<double>("") == std::vector<double>{0.25});

  io::write_npz(path, io::NpzFile{});
  CHECK(contains(error_of([&] { io::read_npz(path).at("x"); }), "a.npz: no array 'x', expected one of: (none)"));
  CHECK(contains(error_of([&] { io::read_npz(folder.path() / "none.npz"); }), "none.npz: file not found"));
}

TEST_CASE("Errors of an .npz file name the file and the array") {
  Bytes zip = from_hex(stored_by_numpy);
  const std::size_t limit = 128 + 16;  // header and two doubles
  CHECK(io::decode_npz(zip, "b.npz", limit).all().size() == 1);
  CHECK(contains(error_of([&] { io::decode_npz(zip, "b.npz", limit - 1); }), "b.npz: member 'x.npy' of 144 bytes"));

  const auto renamed = [&](char last) {  // the name's last letter, in both headers
    Bytes z = zip;
    for (std::size_t i = 0; i + 5 <= z.size(); ++i)
      if (std::string_view(reinterpret_cast<const char*>(z.data()) + i, 5) == "x.npy")
        z[i + 4] = static_cast<std::uint8_t>(last);
    return z;
  };
  CHECK(error_of([&] { io::decode_npz(renamed('z'), "b.npz"); }) ==
        "b.npz: member 'x.npz' is not an array, whose name ends in .npy");

  const auto one = io::encode_npy<float>(std::vector<float>{1}, {1});
  Bytes cut = from_hex(stored_by_numpy);
  cut.resize(100);
  CHECK(contains(error_of([&] { io::decode_npz(cut, "b.npz"); }), "b.npz: the zip archive is truncated"));
  CHECK(contains(error_of([&] { io::decode_npz(one, "b.npz"); }), "b.npz: not a zip archive: it seems to be a NumPy"));
}
