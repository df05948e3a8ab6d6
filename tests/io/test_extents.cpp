#include <limits>
#include <optional>
#include <vector>

#include <tinygan/io/extents.hpp>

#include "support/catch.hpp"

using namespace tinygan;

TEST_CASE("a product of extents is exact or none") {
  const auto product = [](const std::vector<index_t>& extents, index_t first = 1) {
    return io::product(extents, first);
  };
  constexpr index_t half = index_t{1} << 32, most = std::numeric_limits<index_t>::max();
  CHECK(product({}) == 1);
  CHECK(product({2, 3}, 4) == 24);
  CHECK(product({most}) == most);
  CHECK(product({most}, 2) == std::nullopt);
  CHECK(product({half, half / 2 - 1}) == half * (half / 2 - 1));
  CHECK(product({half, half / 2}) == std::nullopt);  // 2^63
  CHECK(product({half, half}) == std::nullopt);      // 0 in 64 bits
  CHECK(product({65536, 65536, 65536, 65536, 3}) == std::nullopt);
  CHECK(product({most, most, 0}) == 0);
}

TEST_CASE("extents are printed as a Shape is") {
  CHECK(io::shape_text(std::vector<index_t>{}) == text(Shape{}));
  CHECK(io::shape_text(std::vector<index_t>{3}) == text(Shape{3}));
  CHECK(io::shape_text(std::vector<index_t>{3, 1500}) == text(Shape{3, 1500}));
  CHECK(io::shape_text(std::vector<index_t>{0, 2, 3}) == "(0, 2, 3)");
}
