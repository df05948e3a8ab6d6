// Mode coverage of stacked images: closed forms, and what perfect sampling reaches by chance.
#include <cmath>

#include <tinygan/data/random.hpp>
#include <tinygan/eval/modes.hpp>

#include "support/catch.hpp"

using namespace tinygan;
using Catch::Matchers::Contains;

TEST_CASE("channels become images of their own, in their order", "[modes]") {
  const std::vector<std::uint8_t> images{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};  // (2,2,3)
  CHECK(eval::split_channels(images, 2, 3) == std::vector<std::uint8_t>{1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12});
  CHECK(eval::split_channels(images, 4, 1) == images);
  CHECK_THROWS_WITH(eval::split_channels(images, 3, 3),
                    Contains("12 bytes, expected images of 3 pixels and 3 channels"));
}

TEST_CASE("the modes are the different combinations, their divergence is from uniform", "[modes]") {
  std::vector<int> all;
  for (int mode = 0; mode < 27; ++mode)
    for (int c = 0, rest = mode; c < 3; ++c, rest /= 3) all.push_back(rest % 3);
  const eval::ModeCoverage uniform = eval::mode_coverage(all, 3, 3);
  CHECK(uniform.modes == 27);
  CHECK(uniform.divergence == Approx(0).margin(1e-15));

  // (0,1) three times and (1,0) once, of four combinations: the order of the channels counts.
  const eval::ModeCoverage two = eval::mode_coverage(std::vector{0, 1, 0, 1, 1, 0, 0, 1}, 2, 2);
  CHECK(two.modes == 2);
  CHECK(two.divergence == Approx(0.75 * std::log(3.0) + 0.25 * std::log(1.0)));

  const eval::ModeCoverage one = eval::mode_coverage(std::vector(300, 7), 3, 10);
  CHECK(one.modes == 1);
  CHECK(one.divergence == Approx(std::log(1000.0)));
}

TEST_CASE("the floor is the mean over perfect samples", "[modes]") {
  SECTION("by enumeration: two images of two classes in one channel are alike in half of the cases") {
    const eval::ModeCoverage f = eval::expected_mode_coverage(std::vector<index_t>{5, 5}, 1, 2);
    CHECK(f.modes == Approx(1.5));
    CHECK(f.divergence == Approx(0.5 * std::log(2.0)));
  }
  SECTION("of many images (K^C - 1) / 2n, and one class that is never drawn") {
    CHECK(eval::expected_mode_coverage(std::vector<index_t>{1, 1, 1}, 2, 100000).divergence ==
          Approx(8 / 200000.0).epsilon(1e-3));
    const eval::ModeCoverage f = eval::expected_mode_coverage(std::vector<index_t>{3, 0}, 2, 50);
    CHECK(f.modes == Approx(1));
    CHECK(f.divergence == Approx(std::log(4.0)));
  }
  SECTION("of MNIST's training labels, as simulated") {
    const std::vector<index_t> mnist{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949};
    const auto divergence = [&](index_t n) { return eval::expected_mode_coverage(mnist, 3, n).divergence; };
    CHECK(divergence(10000) == Approx(0.055).margin(0.0005));
    CHECK(divergence(24000) == Approx(0.0251).margin(0.0002));
    CHECK(divergence(26000) == Approx(0.0236).margin(0.0002));
    CHECK(divergence(100000) == Approx(0.0093).margin(0.0001));
    CHECK(divergence(1000000) == Approx(0.0048).margin(0.0001));
    CHECK(eval::expected_mode_coverage(mnist, 3, 26000).modes == Approx(1000).margin(1e-3));
    CHECK(eval::expected_mode_coverage(mnist, 3, 10000).modes == Approx(999.93).margin(0.03));
  }
  SECTION("of samples drawn here") {
    constexpr index_t n = 2000, draws = 50;
    const std::vector<index_t> prior{1, 2, 3, 4};
    const eval::ModeCoverage expected = eval::expected_mode_coverage(prior, 3, n);
    double modes = 0, divergence = 0;
    for (index_t draw = 0; draw < draws; ++draw) {
      data::RandomStream random(1, data::Purpose::stacked, 0, static_cast<std::uint64_t>(draw));
      std::vector<int> classes;
      for (index_t i = 0; i < 3 * n; ++i) {
        const index_t u = random.below(10);
        classes.push_back(u < 1 ? 0 : u < 3 ? 1 : u < 6 ? 2 : 3);
      }
      const eval::ModeCoverage found = eval::mode_coverage(classes, 3, 4);
      modes += found.modes / draws;
      divergence += found.divergence / draws;
    }
    CHECK(modes == Approx(expected.modes).margin(0.3));
    CHECK(divergence == Approx(expected.divergence).epsilon(0.03));
  }
}

TEST_CASE("what has no modes is refused by name", "[modes]") {
  CHECK_THROWS_WITH(eval::mode_coverage(std::vector<int>{}, 3, 10),
                    Contains("0 classes, expected those of at least one"));
  CHECK_THROWS_WITH(eval::mode_coverage(std::vector{1, 2}, 3, 10), Contains("2 classes, expected"));
  CHECK_THROWS_WITH(eval::mode_coverage(std::vector{1, 2, 10}, 3, 10),
                    Contains("class 10 in image 0, expected 0 to 9"));
  CHECK_THROWS_WITH(eval::mode_coverage(std::vector{1, 2, -1}, 3, 10), Contains("class -1 in image 0"));
  CHECK_THROWS_WITH(eval::mode_coverage(std::vector{1, 2}, 1, 1), Contains("1 classes in 1 channels"));
  CHECK_THROWS_WITH(eval::mode_coverage(std::vector(9, 0), 9, 10), Contains("more than 16777216 combinations"));
  CHECK_THROWS_WITH(eval::expected_mode_coverage(std::vector<index_t>{0, 0}, 3, 10), Contains("from a prior of 0"));
  CHECK_THROWS_WITH(eval::expected_mode_coverage(std::vector<index_t>{1, 1}, 3, 0),
                    Contains("0 images from a prior of 2"));
}
