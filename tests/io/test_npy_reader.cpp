#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tinygan/io/byte_writer.hpp>
#include <tinygan/io/npy_reader.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using support::contains;
using support::error_of;

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes npy(std::string_view header, const Bytes& data, int version = 1) {
  io::detail::ByteWriter out;
  out.raw("\x93NUMPY").u16(static_cast<std::uint16_t>(version));
  if (version == 1) out.u16(static_cast<std::uint16_t>(header.size()));
  else out.u32(static_cast<std::uint32_t>(header.size()));
  out.raw(header).raw(data);
  return std::move(out).bytes();
}

std::string header(const std::string& descr, const std::string& shape, bool fortran_order = false) {
  return "{'descr': " + descr + ", 'fortran_order': " + (fortran_order ? "True" : "False") + ", 'shape': " + shape +
         ", }   \n";
}

io::NpyArray read(const Bytes& file) { return io::decode_npy(file, "f.npy"); }
std::string message(const Bytes& file) {
  return error_of([&] { read(file); });
}
std::string message(std::string_view header, std::size_t bytes = 0) { return message(npy(header, Bytes(bytes))); }

Bytes counted(std::size_t n) {
  Bytes out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<std::uint8_t>(i);
  return out;
}

}  // namespace

TEST_CASE("What encode_npy writes is read again") {
  const std::vector<float> x = {1, -2, 0.5f, 4, 5, 6};
  const io::NpyArray a = read(io::encode_npy<float>(x, {2, 3}));
  CHECK(a.dtype == "<f4");
  CHECK(a.shape == std::vector<index_t>{2, 3});
  CHECK(a.values<float>("x") == x);
  CHECK(read(io::encode_npy<std::int64_t>(std::vector<std::int64_t>{-7}, {})).values<std::int64_t>("x") ==
        std::vector<std::int64_t>{-7});
  CHECK(read(io::encode_npy<double>(std::vector<double>{}, {0, 5})).shape == std::vector<index_t>{0, 5});
  CHECK(read(io::encode_npy<std::uint8_t>(std::vector<std::uint8_t>{3, 4}, {2})).values<std::uint8_t>("x") ==
        Bytes{3, 4});
}

TEST_CASE("An .npy header is read in any version, order of its keys and quotes") {
  for (const int version : {1, 2, 3}) {
    const io::NpyArray a = read(npy(header("'|u1'", "(3,)"), {1, 2, 3}, version));
    CHECK(a.values<std::uint8_t>("x") == Bytes{1, 2, 3});
  }
  const io::NpyArray a = read(npy("{\"shape\":(1,2,) ,'fortran_order':False,'descr':'<i2'}\n", {1, 0, 2, 1}));
  CHECK(a.shape == std::vector<index_t>{1, 2});
  CHECK(a.values<std::int16_t>("x") == std::vector<std::int16_t>{1, 258});
  CHECK(read(npy(header("'<u1'", "(1,)"), {9})).values<std::uint8_t>("x") == Bytes{9});  // as other writers do
}

TEST_CASE("The size of each dtype of NumPy is known, and the values of other dtypes are errors") {
  const std::vector<std::pair<std::string, std::size_t>> sizes = {
      {"|b1", 1}, {"|i1", 1},   {"<i2", 2}, {">u4", 4},  {"<i8", 8}, {"<f2", 2},     {"<f8", 8},       {"<f16", 16},
      {"<c8", 8}, {">c16", 16}, {"|S5", 5}, {"<U3", 12}, {"|V7", 7}, {"<M8[ns]", 8}, {"<m8[25us]", 8}, {"|S0", 0}};
  for (const auto& [dtype, size] : sizes) {
    const io::NpyArray a = read(npy(header("'" + dtype + "'", "(2,)"), counted(2 * size)));
    CHECK(a.dtype == dtype);
    CHECK(a.bytes == counted(2 * size));
    INFO(dtype);
    CHECK(error_of([&] { (void)a.values<float>("the array"); }) ==
          "the array: the dtype is " + dtype + ", expected <f4");
  }
  CHECK(contains(error_of([] { (void)read(npy(header("'>f4'", "(1,)"), counted(4))).values<float>("x"); }), ">f4"));
  CHECK(contains(error_of([] { (void)read(npy(header("'|i1'", "(1,)"), {1})).values<std::uint8_t>("x"); }), "|i1"));
  CHECK(read(npy(header("'|b1'", "(3,)"), {0, 1, 2})).values<bool>("x") == std::vector<bool>{false, true, true});

  for (const char* dtype :
       {"", "f4", "<", "<f", "<f3", "<i16", "|b2", "<x4", "<f4 ", "=f4", "<U1234567890", "<M4", "|S-1"})
    CHECK(contains(message(header("'" + std::string(dtype) + "'", "()"), 4), "f.npy: the dtype '"));
  CHECK(contains(message(header("'|O'", "()"), 4), "whose data are a pickle"));
  CHECK(contains(message(header("[('a', '<i4')]", "()"), 4), "a structured type"));
}

TEST_CASE("An array in Fortran order is transposed") {
  // Element (i, j, k) of shape (2, 3, 4) is 100 i + 10 j + k, in the file with i fastest.
  io::detail::ByteWriter data;
  std::vector<std::uint16_t> expected;
  for (std::uint16_t k = 0; k < 4; ++k)
    for (std::uint16_t j = 0; j < 3; ++j)
      for (std::uint16_t i = 0; i < 2; ++i) data.u16(static_cast<std::uint16_t>(100 * i + 10 * j + k));
  for (std::uint16_t i = 0; i < 2; ++i)
    for (std::uint16_t j = 0; j < 3; ++j)
      for (std::uint16_t k = 0; k < 4; ++k) expected.push_back(static_cast<std::uint16_t>(100 * i + 10 * j + k));
  CHECK(read(npy(header("'<u2'", "(2, 3, 4)", true), data.bytes())).values<std::uint16_t>("x") == expected);
  CHECK(read(npy(header("'|u1'", "()", true), {5})).bytes == Bytes{5});
  CHECK(read(npy(header("'|u1'", "(3,)", true), {5, 6, 7})).bytes == Bytes{5, 6, 7});
  CHECK(read(npy(header("'|u1'", "(3, 0, 4611686018427387904)", true), {})).bytes.empty());
  CHECK(read(npy(header("'|S0'", "(2, 2)", true), {})).bytes.empty());
}

TEST_CASE("An .npy file that is cut anywhere is an error") {
  for (const int version : {1, 2}) {
    const Bytes file = npy(header("'<f4'", "(2,)"), counted(8), version);
    for (std::size_t n = 0; n < file.size(); ++n) {
      const Bytes cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(n));
      INFO("cut to " << n << ": " << message(cut));
      CHECK(message(cut).starts_with("f.npy: "));
    }
    Bytes longer = file;
    longer.push_back(0);
    CHECK(message(longer) == "f.npy: 9 bytes of data, expected 8 by its shape (2,) and dtype <f4");
  }
}

TEST_CASE("Each kind of damage of an .npy file has its error") {
  CHECK(message(Bytes{}) == "f.npy: not a NumPy array");
  CHECK(message(Bytes{'P', 'K', 3, 4}).starts_with("f.npy: not a NumPy array: it seems to be a zip archive"));
  for (const int version : {0, 4, 0x0101})
    CHECK(contains(message(npy(header("'|u1'", "()"), {1}, version)), ", expected 1.0, 2.0 or 3.0"));
  CHECK(message(npy(std::string(70, ' '), {}, 2)).starts_with("f.npy: invalid header at its byte 70: found the end"));

  const auto wrong = [](const std::string& h) { return message(h, 1); };
  const std::string end = ", }\n", u1 = "{'descr': '|u1', ", order = "'fortran_order': False, ";
  CHECK(wrong(u1 + order + "'shape': ()" + end) == "");
  CHECK(wrong("[]\n") == "f.npy: invalid header at its byte 0: found '[]?', expected '{'");
  CHECK(wrong("{}\n") == "f.npy: the header has no descr");
  CHECK(wrong(u1 + "'shape': ()" + end) == "f.npy: the header has no fortran_order");
  CHECK(wrong(u1 + order + "}\n") == "f.npy: the header has no shape");
  CHECK(contains(wrong(u1 + u1.substr(1) + order + "'shape': ()" + end), "has the key descr twice"));
  CHECK(contains(wrong(u1 + order + "'size': ()" + end), "has the key 'size', expected descr"));
  CHECK(contains(wrong(u1 + order + "'shape' ()" + end), "expected ':'"));
  CHECK(contains(wrong(u1 + "'fortran_order': false, 'shape': ()" + end), "expected True or False"));
  CHECK(contains(wrong("{descr: '|u1', " + order + "'shape': ()" + end), "expected a key"));
  CHECK(contains(wrong("{'descr': |u1, " + order + "'shape': ()" + end), "expected the dtype"));
  CHECK(contains(wrong("{'descr': '\\x75', " + order + "'shape': ()" + end), "expected the dtype"));
  CHECK(contains(wrong("{'descr': '|u1"), "expected the dtype"));
  CHECK(contains(wrong(u1 + order + "'shape': ()}"), "does not end with spaces and a newline"));
  CHECK(contains(wrong(u1 + order + "'shape': ()} x\n"), "does not end with spaces and a newline"));
  CHECK(contains(wrong(u1 + order + "'shape': ()}\n\n"), "does not end with spaces and a newline"));
  CHECK(contains(wrong(u1 + order + "'shape': ()"), "expected '}'"));

  CHECK(contains(wrong(header("'|u1'", "(1)")), "the shape is 1, expected a tuple"));
  CHECK(contains(wrong(header("'|u1'", "1")), "expected '('"));
  CHECK(contains(wrong(header("'|u1'", "[1]")), "expected '('"));
  CHECK(contains(wrong(header("'|u1'", "(1 1)")), "expected ','"));
  CHECK(contains(wrong(header("'|u1'", "(1L,)")), "expected ','"));
  for (const char* shape : {"(,)", "(-1,)", "(01,)", "(1,,)", "(x,)", "(1.0,)"})
    CHECK(contains(wrong(header("'|u1'", shape)), "f.npy: invalid header at its byte "));
  CHECK(contains(wrong(header("'|u1'", "(9223372036854775808,)")), "an extent of 2^63 or more"));
  CHECK(contains(wrong(header("'|u1'", "(99999999999999999999,)")), "an extent of 2^63 or more"));
  CHECK(contains(wrong(header("'<f8'", "(9223372036854775807,)")), "overflows 64 bits"));
  CHECK(contains(wrong(header("'|u1'", "(4294967296, 4294967296)")), "overflows 64 bits"));
  CHECK(contains(wrong(header("'|u1'", "(2,)")), "1 bytes of data, expected 2"));
}
