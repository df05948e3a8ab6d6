// ImageDataset: labelled grey images in memory, eight bits a pixel, as they are kept on every device.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/shape.hpp>

namespace tinygan::data {

enum class Split { train, test };
constexpr const char* split_name(Split s) { return s == Split::train ? "train" : "test"; }

struct ImageDataset {
  std::string source;  ///< the directory it was read from, or "built-in stroke digits"
  Split split = Split::train;
  index_t count = 0, height = 0, width = 0;
  std::vector<std::uint8_t> images;  ///< (count, height, width), 0 black to 255 white
  std::vector<std::uint8_t> labels;  ///< (count), 0 to 9
  std::string images_md5, labels_md5;  ///< of the uncompressed files; empty where there are none

  index_t pixels() const { return height * width; }

  /// Image i, (height, width). Throws Error if there is none.
  std::span<const std::uint8_t> image(index_t i) const {
    check(i >= 0 && i < count, "ImageDataset", "no image ", i, " among ", count);
    return std::span(images).subspan(static_cast<std::size_t>(i * pixels()), static_cast<std::size_t>(pixels()));
  }
};

/// Mean and variance of pixels, scaled to 0..1. MNIST's training images have 0.1307 and 0.3081^2.
struct PixelStatistics {
  double mean = 0, variance = 0;
};

/// Exact: the sums are of whole numbers. Throws Error if there are no pixels.
inline PixelStatistics pixel_statistics(std::span<const std::uint8_t> pixels) {
  check(!pixels.empty(), "pixel_statistics", "no pixels");
  std::uint64_t sum = 0, squares = 0;  // enough for 2^48 pixels
  for (const std::uint8_t p : pixels) {
    sum += p;
    squares += std::uint32_t{p} * p;
  }
  const auto n = static_cast<double>(pixels.size());
  const double mean = static_cast<double>(sum) / n;
  return {mean / 255, (static_cast<double>(squares) / n - mean * mean) / (255.0 * 255.0)};
}
inline PixelStatistics pixel_statistics(const ImageDataset& d) { return pixel_statistics(std::span(d.images)); }

/// How many images carry each label 0..9. Throws Error on another label.
inline std::array<index_t, 10> class_counts(const ImageDataset& d) {
  std::array<index_t, 10> counts{};
  for (const std::uint8_t label : d.labels) {
    check(label < counts.size(), "class_counts", "label ", int{label}, ", expected 0 to 9");
    ++counts[label];
  }
  return counts;
}

}  // namespace tinygan::data
