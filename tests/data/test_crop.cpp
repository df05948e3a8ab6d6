// Random crops with padding, flips and brightness of images with channels.
#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include <tinygan/data/augment.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using data::AugmentOptions;
using data::Crop;
using support::error_of;

namespace {

constexpr index_t H = 4, W = 5, C = 3;

/// Every pixel and channel another byte.
std::vector<std::uint8_t> image() {
  std::vector<std::uint8_t> x(H * W * C);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<std::uint8_t>(4 * i + 3);
  return x;
}

template <class T>
std::vector<T> augmented(const std::vector<T>& x, const AugmentOptions& o, std::uint64_t seed = 1,
                         std::uint64_t step = 0) {
  std::vector<T> y(x.size(), T(77));
  data::augment(std::span<const T>(x), std::span<T>(y), H, W, C, o, seed, step);
  return y;
}

}  // namespace

TEST_CASE("a crop moves whole pixels, mirrors and fills") {
  const std::vector<std::uint8_t> x = image();
  for (const bool mirrored : {false, true})
    for (const index_t top : {-3, 0, 1})
      for (const index_t left : {-1, 0, 6}) {
        std::vector<std::uint8_t> y(x.size());
        data::crop(x.data(), y.data(), H, W, C, {top, left, mirrored}, 9);
        for (index_t h = 0; h < H; ++h)
          for (index_t w = 0; w < W; ++w)
            for (index_t c = 0; c < C; ++c) {
              const index_t r = h + top, s = (mirrored ? W - 1 - w : w) + left;
              const bool inside = r >= 0 && r < H && s >= 0 && s < W;
              CHECK(y[static_cast<std::size_t>((h * W + w) * C + c)] ==
                    (inside ? x[static_cast<std::size_t>((r * W + s) * C + c)] : 9));
            }
      }
}

TEST_CASE("brightness scales the distance from black and clamps bytes") {
  const std::vector<std::uint8_t> x(H * W * C, 200), dark(H * W * C, 51);
  std::vector<std::uint8_t> y(x.size());
  data::crop(x.data(), y.data(), H, W, C, {.brightness = 1.5f}, 0);
  CHECK(y[0] == 255);
  data::crop(dark.data(), y.data(), H, W, C, {.brightness = 0.5f}, 0);
  CHECK(y[0] == 26);  // 25.5 rounds up
  const std::vector<float> black(H * W * C, -1.0f), grey(H * W * C, 0.0f);
  std::vector<float> z(black.size());
  data::crop(black.data(), z.data(), H, W, C, {.brightness = 1.5f}, -1);
  CHECK(z[0] == -1);
  data::crop(grey.data(), z.data(), H, W, C, {.brightness = 1.5f}, -1);
  CHECK(z[0] == 0.5f);
}

TEST_CASE("the crops of images cover their range, evenly") {
  const AugmentOptions o{.horizontal_flip = true, .crop_padding = 2, .brightness = 0.25f};
  std::set<std::pair<index_t, index_t>> windows;
  constexpr int count = 10000;
  int mirrored = 0;
  float low = 2, high = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const Crop m = data::random_crop(o, 7, 0, i);
    windows.insert({m.top, m.left});
    CHECK(std::max(std::abs(m.top), std::abs(m.left)) <= 2);
    mirrored += m.mirrored;
    low = std::min(low, m.brightness), high = std::max(high, m.brightness);
  }
  CHECK(windows.size() == 25);
  CHECK(std::abs(mirrored - count / 2) < 5 * 50);  // five standard deviations of a binomial, sqrt(count) / 2 each
  CHECK(low >= 0.75f);
  CHECK(high <= 1.25f);
  // All 10000 draws miss a fiftieth of the range with a probability of 0.98^10000 < 1e-87.
  CHECK(low < 0.76f);
  CHECK(high > 1.24f);
  const Crop none = data::random_crop({}, 7, 0, 1);
  CHECK((none.top == 0 && none.left == 0 && !none.mirrored && none.brightness == 1));
}

TEMPLATE_TEST_CASE("an image's crop depends on seed, step and image, not on batch or threads", "", std::uint8_t,
                   float) {
  std::vector<TestType> x;
  for (int n = 0; n < 70; ++n)
    for (const std::uint8_t p : image()) x.push_back(static_cast<TestType>(p));
  const AugmentOptions o{.shift = 1, .horizontal_flip = true, .crop_padding = 3, .brightness = 0.5f};
  const int before = cpu::threads();
  cpu::set_threads(1);
  const auto y = augmented(x, o, 3, 4);
  cpu::set_threads(3);
  CHECK(augmented(x, o, 3, 4) == y);
  cpu::set_threads(before);
  CHECK(augmented(x, o, 3, 5) != y);
  CHECK(augmented(x, o, 4, 4) != y);
  const auto n = static_cast<std::ptrdiff_t>(5 * H * W * C);
  CHECK(augmented(std::vector<TestType>(x.begin(), x.begin() + n), o, 3, 4) ==
        std::vector<TestType>(y.begin(), y.begin() + n));
}

TEST_CASE("a crop follows the resampling, whose draws stay those without a crop") {
  const std::vector<std::uint8_t> x = image();
  const AugmentOptions plain{.shift = 1};
  AugmentOptions both = plain;
  both.crop_padding = 2;
  std::vector<std::uint8_t> expected(x.size());
  const std::vector<std::uint8_t> resampled = augmented(x, plain, 3, 4);
  data::crop(resampled.data(), expected.data(), H, W, C, data::random_crop(both, 3, 4, 0), 0);
  CHECK(augmented(x, both, 3, 4) == expected);
}

TEST_CASE("crops out of range are refused") {
  const auto message = [](const AugmentOptions& o) { return error_of([&] { augmented(image(), o); }); };
  CHECK(message({.crop_padding = 16, .brightness = 1}).empty());
  CHECK(message({.crop_padding = -1}) == "augment: crop padding of -1 pixels, expected 0 to 16");
  CHECK(message({.crop_padding = 17}) == "augment: crop padding of 17 pixels, expected 0 to 16");
  CHECK(message({.brightness = -0.5f}) == "augment: brightness of -0.5, expected 0 to 1");
  CHECK(message({.brightness = 1.5f}) == "augment: brightness of 1.5, expected 0 to 1");
  CHECK(message({.brightness = std::numeric_limits<float>::quiet_NaN()}) ==
        "augment: brightness of nan, expected 0 to 1");
}
