// Augmentation: a random translation, rotation and scaling of every image, by one affine resampling; then a random crop
// with padding, a horizontal flip and a change of brightness, which interpolate nothing.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <type_traits>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/base/shape.hpp>
#include <tinygan/cpu/thread_pool.hpp>
#include <tinygan/data/random.hpp>
#include <tinygan/io/extents.hpp>

namespace tinygan::data {

/// Each parameter is drawn per image, of ranges uniformly from [-range, range]; 0 disables it.
struct AugmentOptions {
  float shift = 0;     ///< pixels, along each axis; 0 to 16
  float rotation = 0;  ///< degrees about the centre; 0 to 45 (beyond that a 6 becomes a 9)
  float scale = 0;     ///< 0.1: 0.9 to 1.1 of the size; 0 to 0.5
  float fill = 0;      ///< value of black and outside the image: 0 for bytes, -1 for images in [-1, 1]

  bool horizontal_flip = false;  ///< mirrors every other image, at random
  index_t crop_padding = 0;      ///< a random window of the image padded by so many pixels on each side; 0 to 16
  float brightness = 0;          ///< 0.2: 0.8 to 1.2 times the distance from `fill`, bytes clamped; 0 to 1

  bool any() const { return resamples() || crops(); }
  bool resamples() const { return shift > 0 || rotation > 0 || scale > 0; }
  bool crops() const { return horizontal_flip || crop_padding > 0 || brightness > 0; }
};

namespace detail {

void check_augment(const AugmentOptions& o);

}  // namespace detail

/// A similarity transform: output pixel (x, y), relative to the centre, is sampled at (a x - b y + u, b x + a y + v) of
/// the input.
struct Similarity {
  float a = 1, b = 0, u = 0, v = 0;
};

/// The transform of image `image` in step `step`: a function of (seed, step, image), at any batch size.
Similarity random_similarity(const AugmentOptions& o, std::uint64_t seed, std::uint64_t step, std::uint64_t image);

/// y(H,W,C) from x(H,W,C) by bilinear interpolation; outside x the value is `fill`. Bytes are rounded to nearest.
template <class T>
void resample(const T* x, T* y, index_t H, index_t W, index_t C, const Similarity& m, float fill) {
  static_assert(std::is_same_v<T, std::uint8_t> || std::is_same_v<T, float>, "images are bytes or floats");
  const float cy = static_cast<float>(H - 1) / 2, cx = static_cast<float>(W - 1) / 2;
  const auto pixel = [&](index_t h, index_t w, index_t c) {
    return h >= 0 && h < H && w >= 0 && w < W ? static_cast<float>(x[(h * W + w) * C + c]) : fill;
  };
  for (index_t h = 0; h < H; ++h) {
    for (index_t w = 0; w < W; ++w) {
      const float py = static_cast<float>(h) - cy, px = static_cast<float>(w) - cx;
      const float from_y = m.b * px + m.a * py + m.v + cy, from_x = m.a * px - m.b * py + m.u + cx;
      const float top = std::floor(from_y), left = std::floor(from_x), fy = from_y - top, fx = from_x - left;
      const auto r = static_cast<index_t>(top), s = static_cast<index_t>(left);
      T* const to = y + (h * W + w) * C;
      for (index_t c = 0; c < C; ++c) {
        const float upper = pixel(r, s, c) + fx * (pixel(r, s + 1, c) - pixel(r, s, c));
        const float lower = pixel(r + 1, s, c) + fx * (pixel(r + 1, s + 1, c) - pixel(r + 1, s, c));
        const float value = upper + fy * (lower - upper);
        if constexpr (std::is_same_v<T, float>) to[c] = value;
        else to[c] = static_cast<T>(std::fmin(std::fmax(value, 0.0f), 255.0f) + 0.5f);
      }
    }
  }
}

/// A window of an image padded with `fill`, mirrored or not, with `brightness` times the distance from `fill`: output
/// pixel (h, w) is pixel (h + top, w' + left) of the image, w' being w, or W - 1 - w in a mirrored one.
struct Crop {
  index_t top = 0, left = 0;
  bool mirrored = false;
  float brightness = 1;
};

/// The crop of image `image` in step `step`: a function of (seed, step, image), at any batch size.
Crop random_crop(const AugmentOptions& o, std::uint64_t seed, std::uint64_t step, std::uint64_t image);

/// y(H,W,C) = a crop of x(H,W,C). Bytes are clamped and rounded to nearest.
template <class T>
void crop(const T* x, T* y, index_t H, index_t W, index_t C, const Crop& m, float fill) {
  static_assert(std::is_same_v<T, std::uint8_t> || std::is_same_v<T, float>, "images are bytes or floats");
  const auto store = [](float value) {
    if constexpr (std::is_same_v<T, float>) return value;
    else return static_cast<T>(std::fmin(std::fmax(value, 0.0f), 255.0f) + 0.5f);
  };
  const T outside = store(fill);
  for (index_t h = 0; h < H; ++h) {
    for (index_t w = 0; w < W; ++w, y += C) {
      const index_t from_h = h + m.top, from_w = (m.mirrored ? W - 1 - w : w) + m.left;
      const bool inside = from_h >= 0 && from_h < H && from_w >= 0 && from_w < W;
      const T* const from = x + (from_h * W + from_w) * C;
      for (index_t c = 0; c < C; ++c)
        y[c] = !inside                ? outside
               : m.brightness == 1.0f ? from[c]
                                      : store(fill + m.brightness * (static_cast<float>(from[c]) - fill));
    }
  }
}

/// y(H,W,C) = x(H,W,C) under the transforms of image `image` in step `step`. The options are not checked; x and y must
/// not overlap.
template <class T>
void augment_image(const T* x, T* y, index_t H, index_t W, index_t C, const AugmentOptions& o, std::uint64_t seed,
                   std::uint64_t step, std::uint64_t image) {
  if (!o.crops()) return resample(x, y, H, W, C, random_similarity(o, seed, step, image), o.fill);
  std::vector<T> resampled;
  if (o.resamples()) {
    resampled.resize(static_cast<std::size_t>(H * W * C));
    resample(x, resampled.data(), H, W, C, random_similarity(o, seed, step, image), o.fill);
    x = resampled.data();
  }
  crop(x, y, H, W, C, random_crop(o, seed, step, image), o.fill);
}

/// y(N,H,W,C) = each image of x(N,H,W,C) under its own random transform, a function of (seed, step, n). Throws Error on
/// options out of range and on buffers that do not hold the same number of complete images. x and y must not overlap.
template <class T>
void augment(std::span<const T> x, std::span<T> y, index_t height, index_t width, index_t channels,
             const AugmentOptions& o, std::uint64_t seed, std::uint64_t step) {
  detail::check_augment(o);
  check(height >= 1 && width >= 1 && channels >= 1, "augment", "images of ", height, "x", width, "x", channels,
        ", expected at least 1x1x1");
  const index_t extents[] = {height, width, channels}, pixels = io::product(extents).value_or(0);
  const auto size = static_cast<index_t>(x.size());
  check(pixels > 0 && size % pixels == 0 && x.size() == y.size(), "augment", "buffers of ", x.size(), " and ", y.size(),
        " pixels, expected the same whole number of ", height, "x", width, "x", channels, " images");
  cpu::parallel_for(size / pixels, 16, [&](index_t begin, index_t end) {
    for (index_t n = begin; n < end; ++n)
      augment_image(x.data() + n * pixels, y.data() + n * pixels, height, width, channels, o, seed, step,
                    static_cast<std::uint64_t>(n));
  });
}

}  // namespace tinygan::data

#ifdef TINYGAN_FUNC

namespace tinygan::data::detail {

TINYGAN_FUNC void check_augment(const AugmentOptions& o) {
  const auto in = [](float x, float max) { return x >= 0 && x <= max; };  // false for NaN
  check(in(o.shift, 16), "augment", "shift of ", o.shift, " pixels, expected 0 to 16");
  check(in(o.rotation, 45), "augment", "rotation of ", o.rotation, " degrees, expected 0 to 45");
  check(in(o.scale, 0.5f), "augment", "scale of ", o.scale, ", expected 0 to 0.5");
  check(o.crop_padding >= 0 && o.crop_padding <= 16, "augment", "crop padding of ", o.crop_padding,
        " pixels, expected 0 to 16");
  check(in(o.brightness, 1), "augment", "brightness of ", o.brightness, ", expected 0 to 1");
  check(std::isfinite(o.fill), "augment", "fill value ", o.fill, ", expected a finite number");
}

}  // namespace tinygan::data::detail

namespace tinygan::data {

TINYGAN_FUNC Similarity random_similarity(const AugmentOptions& o, std::uint64_t seed, std::uint64_t step,
                                          std::uint64_t image) {
  RandomStream random(seed, Purpose::augment, step, image);
  const float dx = random.uniform(-1, 1) * o.shift, dy = random.uniform(-1, 1) * o.shift;
  const float angle = random.uniform(-1, 1) * o.rotation * std::numbers::pi_v<float> / 180;
  const float size = 1 + random.uniform(-1, 1) * o.scale;
  const float a = std::cos(angle) / size, b = -std::sin(angle) / size;  // the inverse of rotation and scaling
  return {a, b, -(a * dx - b * dy), -(b * dx + a * dy)};
}

/// Draws of a stream of its own: images under a similarity alone are those of versions without crops.
TINYGAN_FUNC Crop random_crop(const AugmentOptions& o, std::uint64_t seed, std::uint64_t step, std::uint64_t image) {
  RandomStream random(seed, Purpose::crop, step, image);
  Crop m;
  m.top = random.below(2 * o.crop_padding + 1) - o.crop_padding;
  m.left = random.below(2 * o.crop_padding + 1) - o.crop_padding;
  m.mirrored = o.horizontal_flip && random.below(2) == 1;
  if (o.brightness > 0) m.brightness = 1 + random.uniform(-1, 1) * o.brightness;
  return m;
}

}  // namespace tinygan::data

#endif
