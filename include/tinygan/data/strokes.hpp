// The built-in stroke digits: rendered images that replace MNIST where its files are missing.
//
// Digit i of seed s is a function of (s, i) alone. One of three pen paths of the digit is distorted (random offsets of
// its points and a low-frequency wave), sheared, rotated, scaled in x, and drawn with a pen of varying width. As in
// MNIST it is then fitted into a box of about 20x20 pixels and centred in 28x28 by its centre of mass. A pixel's value
// is a function of its distance to the nearest line segment. Cost: about 50 segments of 50 pixels each, some 20 us per
// digit on one core.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/cpu/thread_pool.hpp>
#include <tinygan/data/dataset.hpp>
#include <tinygan/data/random.hpp>
#include <tinygan/data/stroke_shapes.hpp>

namespace tinygan::data {

/// The `source` of rendered data sets.
inline constexpr const char* stroke_digits_source = "built-in stroke digits";

namespace detail {

inline constexpr int stroke_extent = 28;

}  // namespace detail

/// `count` digits of 28x28 pixels in a handwritten style and their labels, with statistics near MNIST's. Image i is a
/// function of (seed, i). Throws Error unless 1 <= count < 2^31.
ImageDataset stroke_digits(index_t count, std::uint64_t seed);

}  // namespace tinygan::data

#ifdef TINYGAN_FUNC

namespace tinygan::data::detail {

struct Point {
  float x = 0, y = 0;
};

/// A point of the pen's path, the relative width of the line there, and whether a line leads to it.
struct Dot {
  Point at;
  float width = 1;
  bool drawn = false;
};

/// One rendered digit. Lengths are in units of the box (height about 1) until fit() scales them to pixels.
class Handwriting {
 public:
  Handwriting(int digit, RandomStream& random) : random_(random) {
    const auto variant = static_cast<std::size_t>(random_.below(shapes_per_digit));
    const DigitShape& shape = digit_shapes[digit][variant];
    std::array<Point, std::size(DigitShape{}.points)> stroke;
    const float wobble = random_.uniform(0.012f, 0.042f);
    std::size_t n = 0;
    Point moved{};
    for (std::size_t i = 0; i < std::size(shape.points); ++i) {
      const PenPoint p = shape.points[i];
      if (p.down()) {
        const bool corner = i > 0 && shape.points[i - 1].x == p.x && shape.points[i - 1].y == p.y;
        if (!corner)  // both points of a corner have the same offset
          moved = {static_cast<float>(p.x) / 100 + wobble * bell(), static_cast<float>(p.y) / 100 + wobble * bell()};
        stroke[n++] = moved;
      } else if (n > 0) {
        draw(stroke.data(), n);
        n = 0;
      }
    }
    bend();
    fit();
  }

  /// y(28,28), 0 to 255.
  void render(std::uint8_t* y) const {
    std::array<float, stroke_extent * stroke_extent> outside;  // distance from the inked area, negative in it
    outside.fill(edge_);
    for (std::size_t i = 1; i < dots_.size(); ++i)
      if (dots_[i].drawn) piece(dots_[i - 1], dots_[i], outside.data());
    for (std::size_t i = 0; i < outside.size(); ++i) {
      const float ink = std::clamp(0.5f - outside[i] / edge_, 0.0f, 1.0f);
      y[i] = static_cast<std::uint8_t>(255 * ink + 0.5f);
    }
  }

 private:
  static constexpr std::size_t steps = 5;  // line segments between two points of a path

  float bell() { return random_.bell(); }

  /// A smooth line through n points (Catmull-Rom) of varying width, thinner at its ends.
  void draw(Point* p, std::size_t n) {
    // Handwriting varies most at the ends: they are made longer or shorter.
    const auto stretch = [&](Point& end, const Point& before) {
      const float by = 0.12f * bell();
      end = {end.x + by * (end.x - before.x), end.y + by * (end.y - before.y)};
    };
    stretch(p[0], p[1]);
    stretch(p[n - 1], p[n - 2]);
    const float phase = random_.uniform(0, 2 * std::numbers::pi_v<float>), waves = random_.uniform(0.5f, 1.6f);
    const float press = 0.12f * std::fabs(bell()), light_start = random_.uniform(0.75f, 1.05f),
                light_end = random_.uniform(0.6f, 1);
    for (std::size_t i = 0; i + 1 < n; ++i) {
      const Point &a = p[i > 0 ? i - 1 : 0], &b = p[i], &c = p[i + 1], &d = p[i + 2 < n ? i + 2 : i + 1];
      for (std::size_t s = i > 0 ? 1 : 0; s <= steps; ++s) {
        const float t = static_cast<float>(s) / steps;
        const auto along = [t](float w, float x, float y, float z) {
          return x + 0.5f * t * (y - w + t * (2 * w - 5 * x + 4 * y - z + t * (3 * (x - y) + z - w)));
        };
        const float position = (static_cast<float>(i) + t) / static_cast<float>(n - 1);
        float width = 1 + press * std::sin(phase + 2 * std::numbers::pi_v<float> * waves * position);
        width *= std::min({1.0f, light_start + 3 * position, light_end + 3 * (1 - position)});
        dots_.push_back({{along(a.x, b.x, c.x, d.x), along(a.y, b.y, c.y, d.y)}, width, i + s > 0});
      }
    }
  }

  /// A low-frequency wave, then scaling in x, shear and rotation.
  void bend() {
    const float depth_x = 0.035f * bell(), depth_y = 0.03f * bell();
    const float phase_x = random_.uniform(0, 7), phase_y = random_.uniform(0, 7);
    const float proportion = std::clamp(0.94f + 0.16f * bell(), 0.55f, 1.4f);
    const float lean = 0.16f + 0.24f * bell(), turn = 0.08f * bell();
    const float c = std::cos(turn), s = std::sin(turn);
    for (Dot& dot : dots_) {
      auto [x, y] = dot.at;
      const float bent_x = x + depth_x * std::sin(4.5f * y + phase_x);
      const float bent_y = y + depth_y * std::sin(4.5f * x + phase_y);
      x = proportion * (bent_x - 0.5f) - lean * (bent_y - 0.5f);
      y = bent_y - 0.5f;
      dot.at = {c * x - s * y, s * x + c * y};
    }
  }

  /// Size, pen radius and position in pixels: a box of about 20x20, the centre of mass near the middle, nothing
  /// clipped.
  void fit() {
    const float box = random_.uniform(18.4f, 20.0f);
    radius_ = std::clamp(1.29f + 0.36f * bell(), 0.75f, 2.4f);
    edge_ = random_.uniform(1.0f, 1.4f);
    constexpr float far = std::numeric_limits<float>::max();
    Point low{far, far}, high{-far, -far};
    float widest = 0;
    for (const Dot& dot : dots_) {
      widest = std::max(widest, dot.width);
      low = {std::min(low.x, dot.at.x), std::min(low.y, dot.at.y)};
      high = {std::max(high.x, dot.at.x), std::max(high.y, dot.at.y)};
    }
    const float scale = (box - 2 * radius_) / std::max({high.x - low.x, high.y - low.y, 0.1f});
    Point sum{};
    float mass = 0;
    for (std::size_t i = 1; i < dots_.size(); ++i) {
      if (!dots_[i].drawn) continue;
      const Point &a = dots_[i - 1].at, &b = dots_[i].at;
      const float m = std::hypot(b.x - a.x, b.y - a.y) * (dots_[i - 1].width + dots_[i].width);
      sum = {sum.x + m * (a.x + b.x) / 2, sum.y + m * (a.y + b.y) / 2};
      mass += m;
    }
    // Pixel (h, w) has its centre at (h, w). MNIST's centres of mass are near (14, 14), not the middle (13.5, 13.5).
    const float margin = radius_ * widest + edge_ / 2, last = stroke_extent - 1;
    const auto place = [&](float mean, float lowest, float highest) {
      const float wanted = 14 + 0.3f * bell() - scale * mean;
      return std::clamp(wanted, margin - scale * lowest, last - margin - scale * highest);
    };
    const Point move{place(sum.x / mass, low.x, high.x), place(sum.y / mass, low.y, high.y)};
    for (Dot& dot : dots_) dot.at = {scale * dot.at.x + move.x, scale * dot.at.y + move.y};
  }

  /// outside(28,28) = min(outside, distance to the segment a-b minus its width), for the pixels within reach.
  // NOLINTNEXTLINE(readability-non-const-parameter): a reference is bound to its elements
  void piece(const Dot& a, const Dot& b, float* outside) const {
    const float reach = radius_ * std::max(a.width, b.width) + edge_;
    const auto first = [](float x) { return std::max(static_cast<int>(std::ceil(x)), 0); };
    const auto last = [](float x) { return std::min(static_cast<int>(std::floor(x)), stroke_extent - 1); };
    const int top = first(std::min(a.at.y, b.at.y) - reach), bottom = last(std::max(a.at.y, b.at.y) + reach);
    const int left = first(std::min(a.at.x, b.at.x) - reach), right = last(std::max(a.at.x, b.at.x) + reach);
    const float dx = b.at.x - a.at.x, dy = b.at.y - a.at.y, square = std::max(dx * dx + dy * dy, 1e-12f);
    for (int h = top; h <= bottom; ++h) {
      for (int w = left; w <= right; ++w) {
        const float px = static_cast<float>(w) - a.at.x, py = static_cast<float>(h) - a.at.y;
        const float t = std::clamp((px * dx + py * dy) / square, 0.0f, 1.0f);
        const float ex = px - t * dx, ey = py - t * dy;
        float& o = outside[h * stroke_extent + w];
        o = std::min(o, std::sqrt(ex * ex + ey * ey) - radius_ * (a.width + t * (b.width - a.width)));
      }
    }
  }

  RandomStream& random_;
  std::vector<Dot> dots_;
  float radius_ = 1, edge_ = 1;  // half the width of the pen, and the width of its soft edge, in pixels
};

}  // namespace tinygan::data::detail

namespace tinygan::data {

TINYGAN_FUNC ImageDataset stroke_digits(index_t count, std::uint64_t seed) {
  check(count >= 1 && count <= std::numeric_limits<std::int32_t>::max(), "stroke_digits", count,
        " images, expected 1 to 2^31 - 1");
  ImageDataset d;
  d.source = stroke_digits_source;
  d.count = count;
  d.height = d.width = detail::stroke_extent;
  d.images.resize(static_cast<std::size_t>(count * d.pixels()));
  d.labels.resize(static_cast<std::size_t>(count));
  cpu::parallel_for(count, 64, [&](index_t begin, index_t end) {
    for (index_t i = begin; i < end; ++i) {
      RandomStream random(seed, Purpose::strokes, 0, static_cast<std::uint64_t>(i));
      const auto digit = static_cast<int>(random.below(10));
      d.labels[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(digit);
      detail::Handwriting(digit, random).render(d.images.data() + i * d.pixels());
    }
  });
  return d;
}

}  // namespace tinygan::data

#endif
