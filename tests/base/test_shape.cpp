#include <tinygan/base/shape.hpp>

#include <limits>
#include <vector>

#include "support/catch.hpp"

using tinygan::Error;
using tinygan::index_t;
using tinygan::Shape;
using tinygan::text;

TEST_CASE("Shape counts ranks, extents and elements") {
  const Shape s{2, 3, 5, 7};
  CHECK(s.rank() == 4);
  CHECK(s[0] == 2);
  CHECK(s[3] == 7);
  CHECK(s.size() == 210);
  CHECK(s.range_size(1, 3) == 15);
  CHECK(s.range_size(2, 2) == 1);
  CHECK(std::vector<index_t>(s.begin(), s.end()) == std::vector<index_t>{2, 3, 5, 7});
}

TEST_CASE("A scalar's shape has rank 0 and one element") {
  const Shape s;
  CHECK(s.rank() == 0);
  CHECK(s.size() == 1);
  CHECK(s == Shape{});
  CHECK(s.begin() == s.end());
  CHECK_THROWS_AS(s[0], Error);
  CHECK_THROWS_AS(s[-1], Error);
}

TEST_CASE("Shape axes count from the back when negative") {
  const Shape s{2, 3, 5};
  CHECK(s[-1] == 5);
  CHECK(s[-3] == 2);
  CHECK(s.resolve(-2) == 1);
  CHECK(s.resolve(2) == 2);
  CHECK_THROWS_WITH(s[3], "Shape: axis 3 is out of range for (2, 3, 5)");
  CHECK_THROWS_WITH(s[-4], "Shape: axis -4 is out of range for (2, 3, 5)");
}

TEST_CASE("Shapes are equal when rank and extents are") {
  CHECK(Shape{2, 3} == Shape{2, 3});
  CHECK(Shape{2, 3} != Shape{3, 2});
  CHECK(Shape{2, 3} != Shape{2, 3, 1});
  CHECK(Shape{} != Shape{1});
}

TEST_CASE("Shape::with replaces one extent and leaves the original") {
  const Shape s{2, 3, 5};
  CHECK(s.with(1, 8) == Shape{2, 8, 5});
  CHECK(s.with(-1, 1) == Shape{2, 3, 1});
  CHECK(s == Shape{2, 3, 5});
  CHECK_THROWS_AS(s.with(3, 1), Error);
  CHECK_THROWS_AS(s.with(0, 0), Error);
}

TEST_CASE("Shape refuses extents below 1 and ranks above the limit") {
  CHECK_THROWS_WITH((Shape{2, 0, 5}), "Shape: extent 1 of (2, 0, 5) is 0, expected at least 1");
  CHECK_THROWS_WITH((Shape{-3}), "Shape: extent 0 of (-3,) is -3, expected at least 1");
  CHECK_NOTHROW(Shape{1, 2, 3, 4, 5, 6});
  CHECK_THROWS_WITH((Shape{1, 2, 3, 4, 5, 6, 7}), "Shape: rank 7 is above the limit of 6");
}

TEST_CASE("Shape prints as Python's tuples do") {
  CHECK(text(Shape{}) == "()");
  CHECK(text(Shape{4}) == "(4,)");
  CHECK(text(Shape{4, 1}) == "(4, 1)");
}

TEST_CASE("The number of elements never wraps: beyond max_elements it is the largest number") {
  constexpr index_t largest = std::numeric_limits<index_t>::max(), most = largest / 16, half = index_t{1} << 32;
  CHECK(tinygan::max_elements == most);
  CHECK(Shape{most}.size() == most);
  CHECK(Shape{index_t{1} << 29, index_t{1} << 29}.size() == index_t{1} << 58);
  CHECK(Shape{most + 1}.size() == largest);
  for (const Shape& s : {Shape{half, half}, Shape{half, half / 2 * 3}, Shape{65536, 65536, 65536, 65536},
                         Shape{2, 3, largest}, Shape{index_t{1} << 62}, Shape{2, half}.with(0, half)}) {
    CAPTURE(text(s));
    CHECK(s.size() == largest);
    CHECK(s.range_size(0, s.rank()) == largest);
  }
  CHECK((Shape{half, 7, half}.range_size(1, 3)) == 7 * half);
  CHECK_NOTHROW(Shape{most}.check_size("op"));
  CHECK_THROWS_WITH((Shape{half, half}.check_size("op")),
                    "op: (4294967296, 4294967296) has more than 576460752303423487 elements");
}

TEST_CASE("Products of extents name what is too large") {
  constexpr index_t half = index_t{1} << 32;
  CHECK(tinygan::detail::product("op", {2, 3, 5}) == 30);
  CHECK(tinygan::detail::product("op", {}) == 1);
  CHECK_THROWS_WITH(tinygan::detail::product("op", {half, 2, half}),
                    "op: 4294967296 x 2 x 4294967296 elements, more than 576460752303423487");
}
