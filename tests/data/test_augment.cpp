#include <cmath>
#include <limits>
#include <vector>

#include <tinygan/data/augment.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using data::AugmentOptions;
using data::Similarity;
using support::contains;
using support::error_of;

namespace {

constexpr index_t H = 9, W = 12;

template <class T>
std::vector<T> images(index_t n) {
  std::vector<T> x(static_cast<std::size_t>(n * H * W));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::uint32_t r = philox4x32({static_cast<std::uint32_t>(i), 0, 0, 0}, 1)[0] % 256;
    x[i] = static_cast<T>(std::is_same_v<T, float> ? static_cast<float>(r) / 127.5f - 1 : static_cast<float>(r));
  }
  return x;
}

template <class T>
std::vector<T> augmented(const std::vector<T>& x, const AugmentOptions& o, std::uint64_t seed = 1,
                         std::uint64_t step = 0) {
  std::vector<T> y(x.size(), T(77));
  data::augment(std::span<const T>(x), std::span<T>(y), H, W, 1, o, seed, step);
  return y;
}

}  // namespace

TEMPLATE_TEST_CASE("augmentation with nothing to do copies", "", std::uint8_t, float) {
  const auto x = images<TestType>(40);
  CHECK(augmented(x, {}) == x);
  CHECK(augmented(x, {.fill = 5}) == x);
}

TEMPLATE_TEST_CASE("a whole shift moves pixels exactly and fills in behind them", "", std::uint8_t, float) {
  const auto x = images<TestType>(1);
  for (const index_t down : {-10, -2, 0, 3})
    for (const index_t right : {-1, 0, 4}) {
      // The map reads where an output pixel came from: a shift enters with a minus.
      std::vector<TestType> y(x.size());
      const Similarity m{1, 0, static_cast<float>(-right), static_cast<float>(-down)};
      data::resample(x.data(), y.data(), H, W, 1, m, 1);
      for (index_t h = 0; h < H; ++h)
        for (index_t w = 0; w < W; ++w) {
          const index_t r = h - down, c = w - right;
          const bool inside = r >= 0 && r < H && c >= 0 && c < W;
          CHECK(y[static_cast<std::size_t>(h * W + w)] ==
                (inside ? x[static_cast<std::size_t>(r * W + c)] : TestType(1)));
        }
    }
}

TEST_CASE("resampling a plane gives the mapped plane: bilinear interpolation is exact on it") {
  // x = 2 + 3 col - row; turned, scaled and shifted. Only output pixels whose sources lie inside are compared.
  std::vector<float> x(static_cast<std::size_t>(H * W)), y(x.size());
  for (index_t h = 0; h < H; ++h)
    for (index_t w = 0; w < W; ++w) x[static_cast<std::size_t>(h * W + w)] = static_cast<float>(2 + 3 * w - h);
  const double angle = 0.3, size = 1.2, dx = 0.7, dy = -0.4, cy = (H - 1) / 2.0, cx = (W - 1) / 2.0;
  const double a = std::cos(angle) / size, b = -std::sin(angle) / size;
  const Similarity m{static_cast<float>(a), static_cast<float>(b), static_cast<float>(-(a * dx - b * dy)),
                     static_cast<float>(-(b * dx + a * dy))};
  data::resample(x.data(), y.data(), H, W, 1, m, -100);
  int compared = 0;
  for (index_t h = 0; h < H; ++h)
    for (index_t w = 0; w < W; ++w) {
      // Forwards, the definition: out = turn(size * in) + shift. Solve for in by turning back.
      const double ox = static_cast<double>(w) - cx - dx, oy = static_cast<double>(h) - cy - dy;
      const double in_x = (std::cos(angle) * ox + std::sin(angle) * oy) / size + cx;
      const double in_y = (-std::sin(angle) * ox + std::cos(angle) * oy) / size + cy;
      if (in_x < 0.01 || in_x > W - 1.01 || in_y < 0.01 || in_y > H - 1.01) continue;
      ++compared;
      // A source coordinate, below 12, takes a dozen roundings; the slope is 3 + 1, and values stay below 36.
      const double error = y[static_cast<std::size_t>(h * W + w)] - (2 + 3 * in_x - in_y);
      CHECK(std::fabs(error) < (12 * 12 * 4 + 8 * 36) * 0x1p-24);
    }
  CHECK(compared > 40);
}

TEST_CASE("the parameters of an image depend on seed, step and image, and stay in range") {
  const AugmentOptions o{.shift = 2, .rotation = 10, .scale = 0.1f};
  const auto at = [&](std::uint64_t seed, std::uint64_t step, std::uint64_t image) {
    const Similarity m = data::random_similarity(o, seed, step, image);
    return std::array{m.a, m.b, m.u, m.v};
  };
  CHECK(at(1, 2, 3) == at(1, 2, 3));
  CHECK(at(1, 2, 3) != at(2, 2, 3));
  CHECK(at(1, 2, 3) != at(1, 3, 3));
  CHECK(at(1, 2, 3) != at(1, 2, 4));
  double lowest = 9, highest = 0, turn = 0, shift = 0;
  for (std::uint64_t i = 0; i < 5000; ++i) {
    const auto [a, b, u, v] = at(7, 0, i);
    const double size = 1 / std::hypot(a, b), angle = std::atan2(-b, a) * 180 / 3.141592653589793;
    lowest = std::min(lowest, size);
    highest = std::max(highest, size);
    turn = std::max(turn, std::fabs(angle));
    shift = std::max(shift, size * std::hypot(u, v));
  }
  const double slack = 8 * 0x1p-24 * 1.1;  // of float parameters: sine and cosine, scale, and their products
  CHECK(lowest > 0.9 - slack);
  CHECK(lowest < 0.901);  // and the ranges are used
  CHECK(highest < 1.1 + slack);
  CHECK(highest > 1.099);
  CHECK(turn < 10 + slack * 180 / 3.141592653589793);
  CHECK(turn > 9.9);
  CHECK(shift < 2 * std::sqrt(2.0) * (1 + slack));
  CHECK(shift > 2.5);
}

TEMPLATE_TEST_CASE("augmentation gives the same bits in any batch and at any thread count", "", std::uint8_t, float) {
  const AugmentOptions o{.shift = 2, .rotation = 10, .scale = 0.1f, .fill = 0};
  const auto x = images<TestType>(70);
  const int before = cpu::threads();
  cpu::set_threads(1);
  const auto y = augmented(x, o, 3, 4);
  for (const int threads : {2, 3}) {
    cpu::set_threads(threads);
    CHECK(augmented(x, o, 3, 4) == y);
  }
  cpu::set_threads(before);
  CHECK(y != x);
  CHECK(augmented(x, o, 3, 5) != y);
  const std::vector<TestType> part(x.begin(), x.begin() + 5 * H * W);
  CHECK(augmented(part, o, 3, 4) == std::vector<TestType>(y.begin(), y.begin() + 5 * H * W));
}

TEST_CASE("interpolated values stay between the least and the greatest") {
  // A fill beyond 0..255 is clamped, not wrapped.
  const std::vector<std::uint8_t> white(10 * H * W, 255), black(10 * H * W, 0);
  CHECK(augmented(white, {.shift = 16, .rotation = 45, .scale = 0.5f, .fill = 300}) == white);
  CHECK(augmented(black, {.shift = 16, .rotation = 45, .scale = 0.5f, .fill = -300}) == black);
  for (const float p : augmented(images<float>(30), {.shift = 3, .rotation = 45, .scale = 0.5f, .fill = -1})) {
    CHECK(p >= -1 - 4 * 0x1p-23f);
    CHECK(p <= 1 + 4 * 0x1p-23f);
  }
}

TEST_CASE("augmentation out of range is refused") {
  const auto message = [](const AugmentOptions& o) { return error_of([&] { augmented(images<float>(1), o); }); };
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  CHECK(message({.shift = 16, .rotation = 45, .scale = 0.5f}).empty());
  for (const float wrong : {-1.0f, 16.5f, nan, inf}) CHECK(contains(message({.shift = wrong}), "augment: shift of"));
  for (const float wrong : {-1.0f, 46.0f, nan, inf})
    CHECK(contains(message({.rotation = wrong}), "augment: rotation of"));
  for (const float wrong : {-0.1f, 0.6f, nan, inf}) CHECK(contains(message({.scale = wrong}), "augment: scale of"));
  for (const float wrong : {nan, inf}) CHECK(contains(message({.fill = wrong}), "augment: fill value"));
  std::vector<float> x(10), y(10), z(9);
  const auto sizes = [](std::span<const float> in, std::span<float> out, index_t h, index_t w) {
    return error_of([&] { data::augment(in, out, h, w, 1, {}, 0, 0); });
  };
  CHECK(sizes(x, y, 2, 5).empty());
  CHECK(contains(sizes(x, z, 2, 5), "buffers of 10 and 9 pixels, expected the same whole number of 2x5x1 images"));
  CHECK(contains(sizes(x, y, 3, 3), "buffers of 10 and 10 pixels"));
  CHECK(contains(sizes(x, y, 0, 5), "images of 0x5x1"));
  for (const int bits : {32, 62})  // heights whose product with 2^32 is 0 in 64 bits
    CHECK(contains(sizes(x, y, index_t{1} << bits, index_t{1} << 32), "buffers of 10 and 10 pixels"));
}

TEMPLATE_TEST_CASE("each channel of an image gets the transform that it would get alone", "", std::uint8_t, float) {
  const AugmentOptions o{.shift = 2, .rotation = 10, .scale = 0.1f};
  const auto first = images<TestType>(30), second = std::vector<TestType>(first.rbegin(), first.rend());
  std::vector<TestType> both(2 * first.size()), y(both.size());
  for (std::size_t i = 0; i < first.size(); ++i) both[2 * i] = first[i], both[2 * i + 1] = second[i];
  data::augment(std::span<const TestType>(both), std::span<TestType>(y), H, W, 2, o, 3, 4);
  const auto a = augmented(first, o, 3, 4), b = augmented(second, o, 3, 4);
  for (std::size_t i = 0; i < a.size(); ++i) REQUIRE((y[2 * i] == a[i] && y[2 * i + 1] == b[i]));
}
