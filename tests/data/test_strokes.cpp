#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <tinygan/data/strokes.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using support::contains;
using support::error_of;

namespace {

struct Ink {
  double mean = 0, x = 0, y = 0;  // intensity 0..1, centre of mass
  int width = 0, height = 0;      // of the box around what is at least a tenth white
  bool at_border = false;
};

Ink ink_of(std::span<const std::uint8_t> image) {
  Ink ink;
  double sum = 0;
  int left = 28, right = -1, top = 28, bottom = -1;
  for (int h = 0; h < 28; ++h)
    for (int w = 0; w < 28; ++w) {
      const int v = image[static_cast<std::size_t>(h * 28 + w)];
      sum += v;
      ink.x += v * w;
      ink.y += v * h;
      if (v > 0 && (h == 0 || w == 0 || h == 27 || w == 27)) ink.at_border = true;
      if (v < 26) continue;
      left = std::min(left, w), right = std::max(right, w), top = std::min(top, h), bottom = std::max(bottom, h);
    }
  ink.x /= sum;
  ink.y /= sum;
  ink.mean = sum / (255 * 784);
  ink.width = right - left + 1;
  ink.height = bottom - top + 1;
  return ink;
}

}  // namespace

TEST_CASE("stroke digit i of seed s is the same in any set and at any thread count") {
  const int before = cpu::threads();
  cpu::set_threads(1);
  const data::ImageDataset d = data::stroke_digits(500, 11);
  for (const int threads : {2, 3}) {
    cpu::set_threads(threads);
    const data::ImageDataset again = data::stroke_digits(500, 11);
    CHECK(again.images == d.images);
    CHECK(again.labels == d.labels);
  }
  cpu::set_threads(before);
  const data::ImageDataset fewer = data::stroke_digits(77, 11);
  CHECK(std::equal(fewer.images.begin(), fewer.images.end(), d.images.begin()));
  CHECK(std::equal(fewer.labels.begin(), fewer.labels.end(), d.labels.begin()));
  CHECK(data::stroke_digits(77, 12).images != fewer.images);
  CHECK(data::stroke_digits(77, 11 + (std::uint64_t{1} << 32)).images != fewer.images);
}

TEST_CASE("stroke digits have the statistics of MNIST") {
  const data::ImageDataset d = data::stroke_digits(6000, 1);
  CHECK(d.source == data::stroke_digits_source);
  CHECK(d.count == 6000);
  CHECK(d.height == 28);
  CHECK(d.width == 28);
  REQUIRE(d.images.size() == 6000u * 784);
  REQUIRE(d.labels.size() == 6000);

  // MNIST: mean 0.1307, standard deviation 0.3081. These are goals of the rendering, to a twentieth.
  const data::PixelStatistics s = data::pixel_statistics(d);
  CHECK(std::fabs(s.mean / 0.1307 - 1) < 0.05);
  CHECK(std::fabs(std::sqrt(s.variance) / 0.3081 - 1) < 0.05);
  // Uniform labels: binomial, mean 600, standard deviation 23.2; five of those.
  for (const index_t n : data::class_counts(d)) CHECK(std::abs(n - 600) < 117);

  std::array<double, 10> mean{}, count{};
  for (index_t i = 0; i < d.count; ++i) {
    const Ink ink = ink_of(d.image(i));
    INFO("image " << i << ", label " << int{d.labels[static_cast<std::size_t>(i)]});
    CHECK(ink.mean > 0.02);  // no blank, no blot
    CHECK(ink.mean < 0.4);
    CHECK_FALSE(ink.at_border);
    CHECK(std::max(ink.width, ink.height) >= 17);  // the box of 20, less its variation and faint edges
    CHECK(std::max(ink.width, ink.height) <= 22);
    // Centred by mass, but for a random shift and pen widths; a long stroke may have pushed an image inwards.
    CHECK(std::fabs(ink.x - 14) < 3);
    CHECK(std::fabs(ink.y - 14) < 3);
    const auto label = static_cast<std::size_t>(d.labels[static_cast<std::size_t>(i)]);
    mean[label] += ink.mean;
    count[label] += 1;
  }
  for (std::size_t k = 0; k < 10; ++k) {  // a 1 has the least ink, as in MNIST
    if (k != 1) CHECK(mean[1] / count[1] < 0.8 * mean[k] / count[k]);
  }
}

TEST_CASE("stroke digits of a class differ from each other, and classes can be told apart") {
  const data::ImageDataset d = data::stroke_digits(3000, 2), test = data::stroke_digits(1000, 3);
  // The nearest class mean in pixel distance: a plain linear rule. On MNIST it gets 82 % of the test images right.
  std::array<std::array<double, 784>, 10> mean{};
  const auto counts = data::class_counts(d);
  for (index_t i = 0; i < d.count; ++i) {
    const auto label = static_cast<std::size_t>(d.labels[static_cast<std::size_t>(i)]);
    for (std::size_t p = 0; p < 784; ++p)
      mean[label][p] += static_cast<double>(d.image(i)[p]) / static_cast<double>(counts[label]);
  }
  int right = 0;
  for (index_t i = 0; i < test.count; ++i) {
    const auto image = test.image(i);
    std::array<double, 10> distance{};
    for (std::size_t k = 0; k < 10; ++k)
      for (std::size_t p = 0; p < 784; ++p) distance[k] += std::pow(image[p] - mean[k][p], 2);
    const auto nearest = std::min_element(distance.begin(), distance.end()) - distance.begin();
    right += nearest == test.labels[static_cast<std::size_t>(i)];
  }
  CHECK(right > 750);
  std::vector<std::vector<std::uint8_t>> all;
  for (index_t i = 0; i < d.count; ++i) all.emplace_back(d.image(i).begin(), d.image(i).end());
  std::sort(all.begin(), all.end());
  CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());  // no two alike
}

TEST_CASE("an impossible number of stroke digits is refused") {
  for (const index_t count : {index_t{0}, index_t{-1}, index_t{1} << 31}) {
    const std::string e = error_of([&] { data::stroke_digits(count, 0); });
    CHECK(contains(e, "stroke_digits: " + std::to_string(count) + " images"));
  }
}
