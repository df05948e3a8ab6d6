// Generated images as bytes, and as a grid in a file that every viewer opens.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <tinygan/base/outline.hpp>
#include <tinygan/io/file.hpp>
#include <tinygan/tensor/tensor.hpp>

namespace tinygan::data {

/// Images (N,H,W) of one channel, `low` mapped to byte 0 and `high` to 255, rounded and clamped: what `dcgan_mnist
/// evaluate` reads as the array "images" of an .npz file. x is (N,H,W,1) or (N,H,W). Throws Error on another shape,
/// unless low < high, and on a NaN.
Tensor<std::uint8_t> image_bytes(const Tensor<float>& x, float low = 0, float high = 1);

/// The images in rows of `columns`, as a PGM file (P5); places after the last image are black. Throws Error as
/// image_bytes and io::write_file do, and unless columns >= 1.
void write_pgm(const std::filesystem::path& path, const Tensor<float>& x, index_t columns, float low = 0,
               float high = 1);

}  // namespace tinygan::data

#ifdef TINYGAN_FUNC

namespace tinygan::data {

TINYGAN_FUNC Tensor<std::uint8_t> image_bytes(const Tensor<float>& x, float low, float high) {
  check(x.defined(), "image_bytes", "the images are empty, expected a tensor of them");
  const Shape& s = x.shape();
  check(s.rank() == 3 || (s.rank() == 4 && s[3] == 1), "image_bytes", "images ", s,
        ", expected (N, H, W, 1) or (N, H, W)");
  check(low < high, "image_bytes", "low ", low, " is not below high ", high);
  const std::vector<float> values = x.to_vector();
  std::vector<std::uint8_t> bytes(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    check(!std::isnan(values[i]), "image_bytes", "a pixel of image ", static_cast<index_t>(i) / (s[1] * s[2]),
          " is NaN");
    const float byte = 255 * (values[i] - low) / (high - low);
    bytes[i] = static_cast<std::uint8_t>(std::lround(std::clamp(byte, 0.0f, 255.0f)));
  }
  return Tensor<std::uint8_t>::from(bytes, {s[0], s[1], s[2]});
}

TINYGAN_FUNC void write_pgm(const std::filesystem::path& path, const Tensor<float>& x, index_t columns, float low,
                            float high) {
  check(columns >= 1, "write_pgm", columns, " columns, expected at least 1");
  const Tensor<std::uint8_t> images = image_bytes(x, low, high);
  const index_t N = images.shape()[0], H = images.shape()[1], W = images.shape()[2];
  const index_t width = columns * W, height = (N + columns - 1) / columns * H;
  const std::string head = text("P5 ", width, ' ', height, " 255\n");
  std::vector<std::uint8_t> file(head.begin(), head.end());
  file.resize(head.size() + static_cast<std::size_t>(width * height));
  const std::span<const std::uint8_t> pixels = images.host();
  for (index_t row = 0; row < N * H; ++row) {
    const index_t n = row / H, at = (n / columns * H + row % H) * width + n % columns * W;
    std::copy_n(pixels.begin() + row * W, W, file.begin() + static_cast<index_t>(head.size()) + at);
  }
  io::write_file(path, file);
}

}  // namespace tinygan::data

#endif
