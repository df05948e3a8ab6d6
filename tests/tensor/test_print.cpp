// Printed tensors: the form, elision, and that neither locale nor the stream's format matters.
#include <tinygan/tensor/print.hpp>

#include <cmath>
#include <iomanip>
#include <limits>
#include <locale>
#include <sstream>

#include "support/catch.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;

namespace {

Tensor<float> iota(const Shape& shape, Device device = Device::cpu()) {
  Array values(static_cast<std::size_t>(shape.size()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i);
  return tensor<float>(values, shape, device);
}

/// A comma after each three digits, and a comma for the point.
struct Grouping : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

}  // namespace

TEST_CASE("a tensor prints its type, shape, device and values") {
  CHECK(text(Tensor<float>::from({1, -2.5, 0.1f, 1e10f}, {2, 2})) == "Tensor float (2, 2) on cpu\n"
                                                                     "[[    1,  -2.5],\n"
                                                                     " [  0.1, 1e+10]]");
  CHECK(text(Tensor<float>::from({1, 20}, {2})) == "Tensor float (2,) on cpu\n[ 1, 20]");
  CHECK(text(Tensor<double>::scalar(1.0 / 3)) == "Tensor double () on cpu\n0.333333");
  CHECK(text(Tensor<bfloat16>::full({1}, bfloat16(1.5f))) == "Tensor bfloat16 (1,) on cpu\n[1.5]");
  CHECK(text(iota({2, 1, 2})) == "Tensor float (2, 1, 2) on cpu\n"
                                 "[[[0, 1]],\n"
                                 "\n"
                                 " [[2, 3]]]");
}

TEST_CASE("integers print as numbers, of any width") {
  CHECK(text(Tensor<std::uint8_t>::from({65, 255}, {2})) == "Tensor uint8 (2,) on cpu\n[ 65, 255]");
  CHECK(text(Tensor<std::int8_t>::from({-128}, {1})) == "Tensor int8 (1,) on cpu\n[-128]");
  CHECK(text(Tensor<std::int64_t>::from({std::numeric_limits<std::int64_t>::min()}, {1})) ==
        "Tensor int64 (1,) on cpu\n[-9223372036854775808]");
  CHECK(text(Tensor<std::uint64_t>::from({std::numeric_limits<std::uint64_t>::max()}, {1})) ==
        "Tensor uint64 (1,) on cpu\n[18446744073709551615]");
}

TEST_CASE("values that are not finite print without their sign of NaN") {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(text(Tensor<float>::from({inf, -inf, nan, std::copysign(nan, -1.0f)}, {4})) ==
        "Tensor float (4,) on cpu\n[ inf, -inf,  nan,  nan]");
}

TEST_CASE("a large tensor shows the first and last three of each long axis") {
  CHECK(text(iota({1001})) == "Tensor float (1001,) on cpu\n[   0,    1,    2, ...,  998,  999, 1000]");
  CHECK(text(iota({1000})).size() > 4000);  // in full
  CHECK(text(iota({7, 2, 200})) == "Tensor float (7, 2, 200) on cpu\n"
                                   "[[[   0,    1,    2, ...,  197,  198,  199],\n"
                                   "  [ 200,  201,  202, ...,  397,  398,  399]],\n"
                                   "\n"
                                   " [[ 400,  401,  402, ...,  597,  598,  599],\n"
                                   "  [ 600,  601,  602, ...,  797,  798,  799]],\n"
                                   "\n"
                                   " [[ 800,  801,  802, ...,  997,  998,  999],\n"
                                   "  [1000, 1001, 1002, ..., 1197, 1198, 1199]],\n"
                                   "\n"
                                   " ...,\n"
                                   "\n"
                                   " [[1600, 1601, 1602, ..., 1797, 1798, 1799],\n"
                                   "  [1800, 1801, 1802, ..., 1997, 1998, 1999]],\n"
                                   "\n"
                                   " [[2000, 2001, 2002, ..., 2197, 2198, 2199],\n"
                                   "  [2200, 2201, 2202, ..., 2397, 2398, 2399]],\n"
                                   "\n"
                                   " [[2400, 2401, 2402, ..., 2597, 2598, 2599],\n"
                                   "  [2600, 2601, 2602, ..., 2797, 2798, 2799]]]");
  CHECK(text(iota({1001, 2})) == "Tensor float (1001, 2) on cpu\n"
                                 "[[   0,    1],\n"
                                 " [   2,    3],\n"
                                 " [   4,    5],\n"
                                 " ...,\n"
                                 " [1996, 1997],\n"
                                 " [1998, 1999],\n"
                                 " [2000, 2001]]");
}

TEST_CASE("tensors print from any device, also views") {
  CHECK(text(iota({2, 2}, Device::emulated())) == "Tensor float (2, 2) on emulated\n[[0, 1],\n [2, 3]]");
  CHECK(text(iota({1001}, Device::emulated()).rows(1, 1001)[999]) == "Tensor float () on emulated\n1000");
  CHECK(text(iota({2000}, Device::emulated()).rows(10, 1900)) ==
        "Tensor float (1890,) on emulated\n[  10,   11,   12, ..., 1897, 1898, 1899]");
}

TEST_CASE("an empty tensor says so") { CHECK(text(Tensor<float>{}) == "Tensor float (empty)"); }

TEST_CASE("neither the locale nor the stream's format changes what is printed, nor are they changed") {
  const auto x = Tensor<double>::from({1234.5, 1e5, 255}, {3});
  std::ostringstream out;
  out.imbue(std::locale(std::locale::classic(), new Grouping));
  out << std::hex << std::fixed << std::setprecision(1) << std::showpos << std::setfill('*');
  const auto flags = out.flags();
  out << x;
  CHECK(out.str() == "Tensor double (3,) on cpu\n[1234.5, 100000,    255]");
  CHECK(out.flags() == flags);
  CHECK(out.precision() == 1);
  CHECK(out.fill() == '*');
  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new Grouping));
  const std::string found = text(x);
  std::locale::global(before);
  CHECK(found == out.str());
}
