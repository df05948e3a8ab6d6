#include <array>
#include <set>

#include <tinygan/data/stacked.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using support::error_of;

namespace {

/// Images of 2x3 whose bytes are 10 times their number, and 0 to 5.
data::ImageDataset ten() {
  data::ImageDataset d;
  d.source = "test";
  d.count = 10;
  d.height = 2;
  d.width = 3;
  for (int i = 0; i < 10; ++i)
    for (int p = 0; p < 6; ++p) d.images.push_back(static_cast<std::uint8_t>(10 * i + p));
  return d;
}

}  // namespace

TEST_CASE("stacked digits: each channel is a whole image, every triple about equally often") {
  constexpr index_t count = 100000;
  const data::ImageDataset d = data::stack_digits(ten(), count, 1);
  CHECK(d.source == "stacked test");
  CHECK(d.extents() == "2x3x3");
  REQUIRE(d.images.size() == static_cast<std::size_t>(count * 18));
  std::vector<int> kinds(1000);
  for (index_t i = 0; i < count; ++i) {
    const auto image = d.image(i);
    for (std::size_t p = 0; p < 6; ++p)
      for (std::size_t c = 0; c < 3; ++c) REQUIRE(image[3 * p + c] == image[c] + p);
    ++kinds[image[0] * 10u + image[1] + image[2] / 10u];
  }
  for (const int n : kinds) CHECK((n > 40 && n < 160));  // 100 expected, six standard deviations
}

TEST_CASE("a stacked image is a function of seed and number") {
  const data::ImageDataset d = data::stack_digits(ten(), 50, 3), fewer = data::stack_digits(ten(), 20, 3);
  CHECK(std::equal(fewer.images.begin(), fewer.images.end(), d.images.begin()));
  CHECK(data::stack_digits(ten(), 50, 4).images != d.images);
  CHECK(d.labels.empty());
}

TEST_CASE("what cannot be stacked is an error") {
  data::ImageDataset rgb = ten();
  rgb.channels = 3;
  CHECK(error_of([&] { data::stack_digits(rgb, 5, 0); }) ==
        "stack_digits: 10 images of 3 channels, expected at least 1 of 1");
  CHECK(error_of([] { data::stack_digits(ten(), 0, 0); }) == "stack_digits: 0 images, expected 1 to 2^31 - 1");
}
