#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <tinygan/io/safetensors.hpp>

#include "support/catch.hpp"
#include "support/paths.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using support::contains;
using support::error_of;

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes file_of(const std::string& header, std::size_t data_bytes, std::uint64_t length) {
  Bytes out;
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<std::uint8_t>(length >> (8 * i)));
  out.insert(out.end(), header.begin(), header.end());
  out.insert(out.end(), data_bytes, 0x5A);
  return out;
}

std::string decode_error(const std::string& header, std::size_t data_bytes = 0) {
  return error_of([&] { io::decode_safetensors(file_of(header, data_bytes, header.size()), "f.st"); });
}

/// A header of one tensor.
std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"w":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
}

io::SafetensorsFile sample() {
  io::SafetensorsFile f;
  f.metadata = {{"format", "tinygan"}, {"quote\"\\\n\x01", "\xE2\x82\xAC"}};
  f.add<float>("w", std::vector<float>{1, -2, 0.5f, std::nanf("")}, {2, 2});
  f.add<double>("d", std::vector<double>{3.25}, {});
  f.add<bfloat16>("b", std::vector<bfloat16>{bfloat16(1.5f), bfloat16(-2)}, {2, 1});
  f.add<std::int64_t>("i", std::vector<std::int64_t>{-1, 1}, {2});
  f.add<std::uint64_t>("u", std::vector<std::uint64_t>{~std::uint64_t{0}}, {1, 1});
  f.add<std::uint8_t>("bytes", std::vector<std::uint8_t>{9, 8, 7}, {3});
  f.add<float>("none", {}, {0, 7});
  return f;
}

}  // namespace

TEST_CASE("a safetensors file comes back as it was written, in whatever order its tensors were added") {
  const support::TemporaryFolder folder;
  const auto path = folder.path() / "f.safetensors";
  io::SafetensorsFile f = sample();
  io::write_safetensors(path, f);
  const io::SafetensorsFile back = io::read_safetensors(path);
  CHECK(back.metadata == f.metadata);
  REQUIRE(back.tensors.size() == f.tensors.size());
  for (const auto& e : f.tensors) {
    INFO(e.name);
    REQUIRE(back.find(e.name) != nullptr);
    CHECK(*back.find(e.name) == e);
  }
  CHECK(back.values<double>("d") == std::vector<double>{3.25});
  CHECK(back.values<std::int64_t>("i") == std::vector<std::int64_t>{-1, 1});

  const Bytes bytes = io::encode_safetensors(f, "f");
  std::reverse(f.tensors.begin(), f.tensors.end());
  CHECK(io::encode_safetensors(f, "f") == bytes);
  CHECK(bytes[0] % 8 == 0);  // the data begins at a multiple of 8
}

TEST_CASE("an empty safetensors file round trips") {
  const Bytes bytes = io::encode_safetensors({}, "f");
  CHECK(bytes == file_of("{}      ", 0, 8));
  CHECK(io::decode_safetensors(bytes, "f") == io::SafetensorsFile{});
}

// tests/golden/python.safetensors was made with safetensors 0.8.0 by
//   save_file({"a.weight": np.arange(6, dtype=np.float32).reshape(2, 3) / 4, "steps": np.array(7, dtype=np.int64),
//              "empty": np.zeros((0, 5), dtype=np.float64), "double": np.array([1.5, -2.5]),
//              "half": np.array([1, -3], dtype=ml_dtypes.bfloat16), "bytes": np.array([[1], [255]], dtype=np.uint8),
//              "count": np.array([2**63], dtype=np.uint64), 'n\u00e4me "\\': np.zeros(1, dtype=np.float32)},
//             "tests/golden/python.safetensors", metadata={"format": "pt \u20ac\n"})
TEST_CASE("a file of the Python package is read, and written again to the same bytes") {
  const std::string path = test_file("golden/python.safetensors");
  const io::SafetensorsFile f = io::read_safetensors(path);
  CHECK(f.tensors.size() == 8);
  CHECK(f.metadata == std::map<std::string, std::string>{{"format", "pt \xE2\x82\xAC\n"}});
  CHECK(f.values<float>("a.weight") == std::vector<float>{0, 0.25f, 0.5f, 0.75f, 1, 1.25f});
  CHECK(f.find("a.weight")->shape == std::vector<index_t>{2, 3});
  CHECK(f.values<std::int64_t>("steps") == std::vector<std::int64_t>{7});
  CHECK(f.find("steps")->shape.empty());
  CHECK(f.find("empty")->shape == std::vector<index_t>{0, 5});
  CHECK(f.values<double>("double") == std::vector<double>{1.5, -2.5});
  const auto half = f.values<bfloat16>("half");
  REQUIRE(half.size() == 2);
  CHECK(float(half[0]) == 1.0f);
  CHECK(float(half[1]) == -3.0f);
  CHECK(f.values<std::uint8_t>("bytes") == Bytes{1, 255});
  CHECK(f.values<std::uint64_t>("count") == std::vector<std::uint64_t>{std::uint64_t{1} << 63});
  CHECK(f.find("n\xC3\xA4me \"\\") != nullptr);
  CHECK(io::encode_safetensors(f, path) == io::read_file(path));
}

TEST_CASE("values() names the tensor that is missing or of another type") {
  const io::SafetensorsFile f = sample();
  CHECK(contains(error_of([&] { f.values<float>("nope"); }), "no tensor named 'nope'"));
  CHECK(contains(error_of([&] { f.values<float>("d"); }), "tensor 'd' is F64, expected F32"));
}

TEST_CASE("JSON escapes and white space of other writers are understood") {
  const std::string header = "{ \"\\u0041\\n\\/\\u20ac\\ud83d\\ude00\" :\t{ \"data_offsets\" : [ 0 , 1 ] ,\r\n"
                             "\"shape\":[ ], \"dtype\" : \"U8\" } , \"__metadata__\" : { } }  \n";
  const io::SafetensorsFile f = io::decode_safetensors(file_of(header, 1, header.size()), "f");
  REQUIRE(f.tensors.size() == 1);
  CHECK(f.tensors[0].name == "A\n/\xE2\x82\xAC\xF0\x9F\x98\x80");
  CHECK(f.tensors[0].bytes == Bytes{0x5A});
}

TEST_CASE("what the Python package reads is read, whatever is in it that nobody needs") {
  // Names and bits as the package of version 0.8.0 has them; I5 it does not know.
  const std::vector<std::pair<std::string, std::size_t>> types = {
      {"BOOL", 8},    {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6},     {"U8", 8},          {"I8", 8},
      {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},
      {"U16", 16},    {"F16", 16},    {"BF16", 16},   {"I32", 32},        {"U32", 32},        {"F32", 32},
      {"C64", 64},    {"F64", 64},    {"I64", 64},    {"U64", 64},        {"I5", 5}};
  for (const auto& [type, bits] : types) {
    const std::string w = R"({"w":{"dtype":")" + type + R"(","shape":[2,4],"data_offsets":[0,)" + std::to_string(bits) +
                          R"(]},"b":{"dtype":"F32","shape":[],"data_offsets":[)" + std::to_string(bits) + "," +
                          std::to_string(bits + 4) + "]}}";
    INFO(w);
    const io::SafetensorsFile f = io::decode_safetensors(file_of(w, bits + 4, w.size()), "f");
    REQUIRE(f.tensors.size() == 2);
    CHECK(f.tensors[0].dtype_name() == type);
    CHECK(f.tensors[0].bytes.size() == bits);
    CHECK(f.values<float>("b").size() == 1);
    if (type != "I32")
      CHECK(contains(error_of([&] { f.values<std::int32_t>("w"); }), "tensor 'w' is " + type + ", expected I32"));
    const io::SafetensorsFile again = io::decode_safetensors(io::encode_safetensors(f, "f"), "f");
    REQUIRE(again.find("w") != nullptr);
    CHECK(*again.find("w") == f.tensors[0]);
  }

  const auto read = [](const std::string& header, std::size_t data_bytes) {
    return io::decode_safetensors(file_of(header, data_bytes, header.size()), "f");
  };
  CHECK(read(R"({"__metadata__":null})", 0) == io::SafetensorsFile{});
  CHECK(read(R"({"__metadata__" : null , "s":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})", 4).tensors.size() ==
        1);
  CHECK(read(" \t\r\n {} \n", 0) == io::SafetensorsFile{});
  CHECK(read(one("F64", "[0]", "[0,0]"), 0).values<double>("w").empty());
  CHECK(read(one("F64", "[0,9223372036854775807,9223372036854775807]", "[0,0]"), 0).values<double>("w").empty());
  CHECK(read(one("U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]"), 1).tensors[0].shape.size() == 9);
  const std::string more = R"({"w":{"a":[1,-2.5e+3,0,{"b":[[],{}],"c":null},true,false,"]\"}"],"dtype":"U8","b":{},)"
                           R"("shape":[1],"c":-0.5E-1,"data_offsets":[0,1],"dtype2":{"dtype":"F32"}}})";
  CHECK(read(more, 1).values<std::uint8_t>("w") == Bytes{0x5A});
}

TEST_CASE("a file of another kind is called what it seems to be") {
  const auto message = [](std::string_view content) {
    const Bytes bytes(content.begin(), content.end());
    return error_of([&] { io::decode_safetensors(bytes, "w.st"); });
  };
  using namespace std::string_view_literals;
  const std::string what = "w.st: not a safetensors file: it seems to be ";
  CHECK(message("loss 0.25 at step 100\n") == what + "text (it begins with 'loss 0.25 at step 100?')");
  CHECK(message("abc") == what + "text (it begins with 'abc')");
  CHECK(message("{\"format\": 1, \"step\": 20}") == what + "text (it begins with '{\"format\": 1, \"step\": 20...')");
  CHECK(message("\xC3\xA9t\xC3\xA9 2026, Z\xC3\xBCrich") ==
        what + "text (it begins with '\xC3\xA9t\xC3\xA9 2026, Z\xC3\xBCrich')");
  CHECK(contains(message("\r\n<!DOCTYPE html><html>404</html>"), what + "an HTML page (it begins with '<!DOCTYPE')"));
  CHECK(contains(message("version https://git-lfs.github.com/spec/v1\noid sha256:0"), what + "a Git LFS pointer"));
  CHECK(message("\x1F\x8B\x08\0\0\0\0\0\0\x03\x01\0"sv) ==
        what + "a gzip file");  // its length would be one of a header
  CHECK(contains(message("PK\x03\x04\x14\0\0\0\0\0\0\0"sv), what + "a zip archive"));
  CHECK(contains(message("\x93NUMPY\x01\0v\0{"sv), what + "a NumPy array"));
  CHECK(contains(message("\x89HDF\r\n\x1A\n\0\0"sv), what + "an HDF5 file"));
  CHECK(contains(message("\x80\x02\x8A\x0Al\xFC\x9C"
                         "F"sv),
                 what + "a Python pickle"));
  CHECK(contains(message("\0\0\x08\x03\0\0\xEA\x60\0\0\0\x1C"sv), what + "an IDX file"));
  CHECK(message(std::string(4096, '\0')) == what + "zero bytes only");
  CHECK(contains(message("\xFF\xFE\xFD\xFC\xFB\xFA\xF9\xF8\xF7"), "w.st: not a safetensors file: a header of 17"));

  // A file of the right kind that is cut: each length of it says so.
  const Bytes whole = io::encode_safetensors(sample(), "f");
  for (std::size_t n = 8; n < whole.size(); ++n) {
    const std::string e = error_of([&] { io::decode_safetensors(std::span(whole).first(n), "w.st"); });
    INFO(n << ": " << e);
    CHECK(contains(e, "w.st: truncated: "));
  }
  CHECK(contains(error_of([&] { io::decode_safetensors(std::span(whole).first(5), "w.st"); }),
                 "not a safetensors file: 5 bytes"));
}

TEST_CASE("hostile safetensors files are rejected, each with its own message") {
  const std::string good = one("F32", "[2,3]", "[0,24]");
  REQUIRE(decode_error(good, 24).empty());

  const auto raw = [](const Bytes& b) { return error_of([&] { io::decode_safetensors(b, "f.st"); }); };
  CHECK(contains(raw({}), "f.st: not a safetensors file: 0 bytes"));
  CHECK(contains(raw(file_of("{}", 0, 3)), "truncated: a header of 3 bytes in a file of 10"));
  CHECK(contains(raw(file_of("{}", 0, ~std::uint64_t{0})), "at most 100000000"));
  CHECK(contains(raw(file_of("{}", 0, ~std::uint64_t{7})), "at most 100000000"));
  CHECK(contains(raw(file_of("", 5, 0)), "does not begin with '{'"));

  struct Case {
    std::string header;
    std::size_t data;
    const char* message;
  };
  const std::string u8 = R"("dtype":"U8","shape":[4])";
  const auto two = [&](const std::string& a, const std::string& b) {
    return R"({"a":{)" + u8 + R"(,"data_offsets":)" + a + R"(},"b":{)" + u8 + R"(,"data_offsets":)" + b + "}}";
  };
  const std::string deep = "{\"w\":{\"shape\":" + std::string(100000, '[');
  const std::vector<Case> cases = {
      {"  ", 0, "does not begin with '{'"},
      {"null", 0, "does not begin with '{'"},
      {"[]", 0, "does not begin with '{'"},
      {"{", 0, "found the end at byte 1, expected a tensor's name"},
      {"{}}", 0, "found '}' at byte 2, expected the end"},
      {std::string("{}\0", 3), 0, "found '?' at byte 2, expected the end"},
      {"{\"w\"}", 0, "expected ':'"},
      {"{\"w\":1}", 0, "expected '{'"},
      {"{\"w\":{}}", 0, "tensor 'w' has no dtype"},
      {"{\"w\":{\"dtype\":\"U8\",\"shape\":[0]}}", 0, "tensor 'w' has no data_offsets"},
      {"{\"w\":{\"dtype\":\"U8\",\"data_offsets\":[0,0]}}", 0, "tensor 'w' has no shape"},
      {"{\"w\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}}", 0, "tensor 'w' has the key 'dtype' twice"},
      {"{\"w\":{\"stride\":}}", 0, "found '}}' at byte 15, expected a value"},
      {"{\"w\":{\"stride\":-}}", 0, "expected a value"},
      {"{\"w\":{\"stride\":1.}}", 0, "expected a value"},
      {"{\"w\":{\"stride\":1e}}", 0, "expected a value"},
      {"{\"w\":{\"stride\":truex}}", 0, "found 'x}}' at byte 19, expected '}'"},
      {"{\"w\":{\"stride\":[1,]}}", 0, "expected a value"},
      {"{\"w\":{\"stride\":[1}}}", 0, "expected ']'"},
      {"{\"w\":{\"stride\":{\"a\":1]}}", 0, "expected '}'"},
      {"{\"w\":{\"stride\":{1:1}}}", 0, "expected a key (a string)"},
      {"{\"w\":{\"stride\":{\"a\":1,}}}", 0, "expected a key (a string)"},
      {"{\"w\":{\"stride\":" + std::string(100000, '['), 0, "found the end at byte 100015"},
      {"{\"w\":{\"stride\":1,\"shape\":[]}}", 0, "tensor 'w' has no dtype"},
      {"{\"w\":{\"dtype\":\"U8\",}}", 0, "expected a key"},
      {"{\"__metadata__\":{\"a\":1}}", 0, "expected a metadata value (a string)"},
      {"{\"__metadata__\":{\"a\":{\"b\":\"c\"}}}", 0, "expected a metadata value (a string)"},
      {"{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", 0, "the metadata key 'a' appears twice"},
      {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "the name '__metadata__' appears twice"},
      {"{\"a\\", 0, "expected an escape sequence"},
      {"{\"a\\x\"", 0, "expected an escape sequence"},
      {"{\"\\u12g4\"", 0, "expected four hexadecimal digits"},
      {"{\"\\ud800\"", 0, "expected the second half of a surrogate pair"},
      {"{\"\\ud800\\u0041\"", 0, "expected the second half of a surrogate pair"},
      {"{\"\\udc00\"", 0, "expected the first half of a surrogate pair"},
      {"{\"a\nb\":1}", 0, "a control character inside a string"},
      {"{\"abc", 0, "found the end at byte 5"},
      {"{\"\xC0\x80\":1}", 0, "not UTF-8 at byte 2"},          // overlong
      {"{\"\xED\xA0\x80\":1}", 0, "not UTF-8 at byte 2"},      // a surrogate
      {"{\"\xF4\x90\x80\x80\":1}", 0, "not UTF-8 at byte 2"},  // beyond U+10FFFF
      {"{\"\xE2\x82", 0, "not UTF-8 at byte 2"},               // cut
      {deep, 0, "expected an extent (a whole number, not negative)"},
      {std::string(100000, '{'), 0, "expected a tensor's name"},
      {one("F33", "[1]", "[4,0]"), 4, "tensor 'w' has the data offsets 4 to 0"},
      {one("F33", "[1]", "[0,3]"), 4, "1 bytes follow the last tensor"},
      {one("F33", "[1]", "[0,5]"), 4, "truncated: tensor 'w' ends at byte 5"},
      {one("F4", "[3]", "[0,1]"), 1, "tensor 'w' has 12 bits by its shape (3,) and dtype F4, expected whole bytes"},
      {one("F6_E3M2", "[2,1]", "[0,2]"), 2, "tensor 'w' has 12 bits by its shape (2, 1) and dtype F6_E3M2"},
      {one("F8_E4M3", "[9223372036854775807]", "[0,4]"), 4, "tensor 'w' has a shape whose size overflows"},
      {one("F4", "[4294967296,4294967296]", "[0,0]"), 0, "tensor 'w' has a shape whose size overflows"},
      {one("F32", "[-1]", "[0,4]"), 4, "expected an extent"},
      {one("F32", "[1.0]", "[0,4]"), 4, "expected an extent"},
      {one("F32", "[1e0]", "[0,4]"), 4, "expected an extent"},
      {one("F32", "[01]", "[0,4]"), 4, "expected an extent"},
      {one("F32", "[\"1\"]", "[0,4]"), 4, "expected an extent"},
      {one("F32", "[1,]", "[0,4]"), 4, "expected an extent"},
      {one("F32", "[18446744073709551616]", "[0,4]"), 4, "an extent too large"},
      {one("F32", "[18446744073709551615]", "[0,4]"), 4, "tensor 'w' has extent 18446744073709551615"},
      {one("F32", "[4294967296,4294967296]", "[0,0]"), 0, "tensor 'w' has a shape whose size overflows"},
      {one("F32", "[9223372036854775807]", "[0,4]"), 4, "tensor 'w' has a shape whose size overflows"},
      {one("F32", "[2,3]", "[0,23]"), 23, "tensor 'w' has the data offsets 0 to 23, expected 24 bytes"},
      {one("F32", "[2,3]", "[24,0]"), 24, "tensor 'w' has the data offsets 24 to 0"},
      {one("F32", "[2,3]", "[0]"), 24, "expected ','"},
      {one("F32", "[2,3]", "[0,24,48]"), 24, "expected ']'"},
      {one("F32", "[2,3]", "[8,32]"), 32, "tensor 'w' begins at byte 8 of the data, expected 0 (gap)"},
      {one("U8", "[1]", "[18446744073709551615,0]"), 1, "expected 1 bytes"},
      {good, 23, "truncated: tensor 'w' ends at byte 24 of the data, which has 23"},
      {good, 25, "1 bytes follow the last tensor"},
      {"{}", 1, "1 bytes follow the last tensor"},
      {two("[0,4]", "[0,4]"), 4, "tensor 'b' begins at byte 0 of the data, expected 4 (overlap)"},
      {two("[0,4]", "[2,6]"), 6, "tensor 'b' begins at byte 2 of the data, expected 4 (overlap)"},
      {two("[0,4]", "[5,9]"), 9, "tensor 'b' begins at byte 5 of the data, expected 4 (gap)"},
      {two("[4,8]", "[0,4]"), 8, ""},
      {R"({"w":{)" + u8 + R"(,"data_offsets":[0,4]},"w":{)" + u8 + R"(,"data_offsets":[4,8]}})", 8,
       "the name 'w' appears twice"},
  };
  for (const Case& c : cases) {
    const std::string e = decode_error(c.header, c.data);
    INFO(c.header.substr(0, 200) << "\n" << e);
    CHECK(e.empty() == (*c.message == '\0'));
    CHECK(contains(e, c.message));
    CHECK((e.empty() || contains(e, "f.st: ")));
  }
}

TEST_CASE("every cut and every flipped bit of a safetensors file is survived") {
  const Bytes file = io::encode_safetensors(sample(), "f");
  for (std::size_t n = 0; n < file.size(); ++n)
    CHECK_FALSE(error_of([&] { io::decode_safetensors(std::span(file).first(n), "f"); }).empty());
  for (std::size_t bit = 0; bit < 8 * file.size(); ++bit) {
    Bytes damaged = file;
    damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ 1u << bit % 8);
    io::SafetensorsFile f;
    if (error_of([&] { f = io::decode_safetensors(damaged, "f"); }).empty())  // then it is another well-formed file
      CHECK(io::decode_safetensors(io::encode_safetensors(f, "f"), "f").tensors.size() == f.tensors.size());
  }
}

TEST_CASE("what cannot be written as safetensors is refused") {
  const auto message = [](auto&& change) {
    io::SafetensorsFile f = sample();
    change(f);
    return error_of([&] { io::encode_safetensors(f, "out.st"); });
  };
  CHECK(message([](auto&) {}).empty());
  CHECK(contains(message([](auto& f) { f.tensors.push_back(f.tensors[0]); }), "out.st: two tensors are named 'w'"));
  CHECK(contains(message([](auto& f) { f.tensors[0].name = "__metadata__"; }), "may not be named __metadata__"));
  CHECK(contains(message([](auto& f) { f.tensors[0].name = "a\xFF"; }), "the text 'a?' is not UTF-8"));
  CHECK(contains(message([](auto& f) { f.metadata["k"] = "\x80"; }), "is not UTF-8"));
  CHECK(contains(message([](auto& f) { f.tensors[0].shape = {2, 3}; }), "tensor 'w' has 16 bytes, expected 24"));
  CHECK(contains(message([](auto& f) { f.tensors[0].shape = {-4}; }), "tensor 'w' has extent -4"));
  CHECK(contains(message([](auto& f) { f.tensors[0].shape = {index_t{1} << 40, index_t{1} << 40}; }), "overflows"));
}
