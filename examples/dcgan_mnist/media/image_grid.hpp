// Pictures, grey or RGB: grids of a network's images, PNG in memory and in files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <tinygan/tensor/tensor.hpp>

namespace dcgan_mnist {

/// A picture (height, width, channels): grey, 0 black and 255 white, or red, green and blue.
struct Picture {
  tinygan::index_t width = 0, height = 0, channels = 1;
  std::vector<std::uint8_t> pixels;
};

/// The bytes of a network's pixels: 0 for `low`, 255 for `high`, rounded to the nearest and clamped. In the order of
/// the tensor.
std::vector<std::uint8_t> to_bytes(const tinygan::Tensor<float>& images, float low, float high);

struct GridSize {
  tinygan::index_t width = 0, height = 0;
};

/// The size of make_grid()'s picture of `count` images (H,W).
GridSize grid_size(tinygan::index_t count, tinygan::index_t columns, tinygan::index_t H, tinygan::index_t W);

/// Pixels a side that libpng writes and reads at most.
tinygan::index_t most_png_pixels();

/// Images (N,H,W,C) in rows of `columns` with a dark line around each. Throws Error unless C is 1 or 3.
Picture make_grid(const tinygan::Tensor<float>& images, int columns, float low, float high);

/// A picture as the bytes of a PNG file. Throws Error if it has more than most_png_pixels() a side or libpng fails.
std::vector<std::uint8_t> encode_png(const Picture& picture);

/// The picture in the bytes of a PNG file, grey or RGB as the file is, 8 bits a channel, on black where it is
/// transparent. Throws Error naming `name` if they are none.
Picture decode_png(std::span<const std::uint8_t> bytes, const std::string& name);

/// make_grid in a PNG file. Throws Error if the file cannot be written.
void write_grid(const std::filesystem::path& path, const tinygan::Tensor<float>& images, int columns, float low,
                float high);

}  // namespace dcgan_mnist
