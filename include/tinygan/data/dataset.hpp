// ImageDataset: images of 8 bits per channel, and their labels, in host memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/base/shape.hpp>
#include <tinygan/io/extents.hpp>

namespace tinygan::data {

/// The two parts of a data set.
enum class Split { train, test };
/// "train" or "test".
constexpr const char* split_name(Split s) { return s == Split::train ? "train" : "test"; }

/// Images of one size with their labels, in host memory, a byte for each pixel and channel.
struct ImageDataset {
  std::string source;  ///< the directory it was read from, or "built-in stroke digits"
  Split split = Split::train;
  index_t count = 0, height = 0, width = 0, channels = 1;
  std::vector<std::uint8_t> images;    ///< (count, height, width, channels), 0 black to 255 white
  std::vector<std::uint8_t> labels;    ///< (count), 0 to 9 in MNIST; empty if they were not read
  std::string images_md5, labels_md5;  ///< of the uncompressed files; empty if the data is not from files

  /// Numbers in one image, height x width x channels. Throws Error if the number does not fit into 63 bits.
  index_t pixels() const { return size_of({height, width, channels}); }
  /// The extents of an image: "28x28", or "32x32x3" of several channels.
  std::string extents() const;

  /// Image i, (height, width, channels). Throws Error if i is out of range.
  std::span<const std::uint8_t> image(index_t i) const;

  /// Throws Error unless there are count x height x width x channels bytes.
  void check_size() const;

  /// Keeps the first n images, and their labels if any, and clears the MD5 sums. Throws Error unless 0 <= n <= count.
  void keep_first(index_t n);

 private:
  static index_t size_of(std::initializer_list<index_t> extents);
};

/// Mean and variance of pixels, scaled to 0..1. MNIST's training images have 0.1307 and 0.3081^2.
struct PixelStatistics {
  double mean = 0, variance = 0;
};

/// Exact up to the last division: the sums are integers. Throws Error if there are no pixels.
PixelStatistics pixel_statistics(std::span<const std::uint8_t> pixels);
/// Of all images of a data set.
inline PixelStatistics pixel_statistics(const ImageDataset& d) { return pixel_statistics(std::span(d.images)); }

/// Number of images of each label, from 0 to the highest label, at least to 9.
std::vector<index_t> class_counts(const ImageDataset& d);

}  // namespace tinygan::data

#ifdef TINYGAN_FUNC

namespace tinygan::data {

TINYGAN_FUNC std::string ImageDataset::extents() const {
  return channels == 1 ? text(height, 'x', width) : text(height, 'x', width, 'x', channels);
}

TINYGAN_FUNC std::span<const std::uint8_t> ImageDataset::image(index_t i) const {
  check(i >= 0 && i < count, "ImageDataset", "image ", i, ", expected 0 to ", count - 1);
  check_size();
  return std::span(images).subspan(static_cast<std::size_t>(i * pixels()), static_cast<std::size_t>(pixels()));
}

TINYGAN_FUNC void ImageDataset::check_size() const {
  const index_t expected = size_of({count, height, width, channels});
  check(static_cast<std::size_t>(expected) == images.size(), "ImageDataset", images.size(), " bytes for ", count,
        " images of ", extents(), ", expected ", expected);
}

TINYGAN_FUNC void ImageDataset::keep_first(index_t n) {
  check(n >= 0 && n <= count, "ImageDataset", n, " images, expected 0 to ", count, ", the number in ", source);
  check_size();
  if (n == count) return;
  images.resize(static_cast<std::size_t>(n * pixels()));
  if (!labels.empty()) labels.resize(static_cast<std::size_t>(n));
  images_md5.clear();
  labels_md5.clear();
  count = n;
}

TINYGAN_FUNC index_t ImageDataset::size_of(std::initializer_list<index_t> extents) {
  const std::span<const index_t> all(extents.begin(), extents.size());
  const bool valid = std::none_of(all.begin(), all.end(), [](index_t e) { return e < 0; });
  const auto n = valid ? io::product(all) : std::nullopt;
  check(n.has_value(), "ImageDataset", "extents ", io::shape_text(all),
        ", expected at least 0 and a product below 2^63");
  return *n;
}

TINYGAN_FUNC PixelStatistics pixel_statistics(std::span<const std::uint8_t> pixels) {
  check(!pixels.empty(), "pixel_statistics", "no pixels");
  std::uint64_t sum = 0, squares = 0;  // enough for 2^48 pixels
  for (const std::uint8_t p : pixels) {
    sum += p;
    squares += std::uint64_t{p} * p;
  }
  const auto n = static_cast<double>(pixels.size());
  const double mean = static_cast<double>(sum) / n;
  return {mean / 255, (static_cast<double>(squares) / n - mean * mean) / (255.0 * 255.0)};
}

TINYGAN_FUNC std::vector<index_t> class_counts(const ImageDataset& d) {
  std::vector<index_t> counts(10);
  for (const std::uint8_t label : d.labels) {
    if (label >= counts.size()) counts.resize(label + std::size_t{1});
    ++counts[label];
  }
  return counts;
}

}  // namespace tinygan::data

#endif
