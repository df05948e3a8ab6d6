#include "media/image_grid.hpp"

#include <png.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include <tinygan/io/file.hpp>

namespace dcgan_mnist {

using tinygan::index_t;

namespace {

constexpr std::uint8_t line_grey = 40;
constexpr png_uint_32 max_pixels_a_side = 1 << 14;  // above any image of a run; limits hostile files to 256 MiB

}  // namespace

std::vector<std::uint8_t> to_bytes(const tinygan::Tensor<float>& images, float low, float high) {
  const std::vector<float> values = images.to_vector();
  std::vector<std::uint8_t> bytes(values.size());
  std::transform(values.begin(), values.end(), bytes.begin(), [&](float v) {
    return static_cast<std::uint8_t>(std::lround(std::clamp((v - low) / (high - low) * 255, 0.f, 255.f)));
  });
  return bytes;
}

GridSize grid_size(index_t count, index_t columns, index_t H, index_t W) {
  const index_t rows = (count + columns - 1) / columns;
  return {columns * (W + 1) + 1, rows * (H + 1) + 1};
}

index_t most_png_pixels() { return std::min<index_t>(PNG_USER_WIDTH_MAX, PNG_USER_HEIGHT_MAX); }

Picture make_grid(const tinygan::Tensor<float>& images, int columns, float low, float high) {
  const index_t count = images.extent(0), H = images.extent(1), W = images.extent(2), C = images.extent(3);
  tinygan::check(C == 1 || C == 3, "grid", "images ", images.shape(), " of ", C, " channels, expected 1 or 3");
  const GridSize size = grid_size(count, columns, H, W);
  Picture grid{size.width, size.height, C, {}};
  grid.pixels.assign(static_cast<std::size_t>(grid.width * grid.height * C), line_grey);
  const std::vector<std::uint8_t> bytes = to_bytes(images, low, high);
  for (index_t n = 0; n < count; ++n)
    for (index_t h = 0; h < H; ++h) {
      const index_t y = n / columns * (H + 1) + 1 + h, x = n % columns * (W + 1) + 1;
      std::copy_n(bytes.data() + (n * H + h) * W * C, W * C, grid.pixels.data() + (y * grid.width + x) * C);
    }
  return grid;
}

std::vector<std::uint8_t> encode_png(const Picture& picture) {
  tinygan::check(std::max(picture.width, picture.height) <= most_png_pixels(), "png", "cannot encode a picture of ",
                 picture.width, 'x', picture.height, ", at most ", most_png_pixels(), " pixels a side");
  png_image image;
  std::memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.width);
  image.height = static_cast<png_uint_32>(picture.height);
  image.format = picture.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::vector<std::uint8_t> bytes(size);
  tinygan::check(png_image_write_to_memory(&image, bytes.data(), &size, 0, picture.pixels.data(), 0, nullptr) != 0,
                 "png", "cannot encode a picture of ", picture.width, 'x', picture.height, ": ", image.message);
  bytes.resize(size);
  return bytes;
}

Picture decode_png(std::span<const std::uint8_t> bytes, const std::string& name) {
  png_image image;
  std::memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  tinygan::check(png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) != 0, name,
                 "not a PNG file: ", image.message);
  if (image.width > max_pixels_a_side || image.height > max_pixels_a_side) {
    png_image_free(&image);
    tinygan::fail(name, "is an image of ", image.width, 'x', image.height, " pixels, expected at most ",
                  max_pixels_a_side, " a side");
  }
  const bool color = (image.format & PNG_FORMAT_FLAG_COLOR) != 0;
  image.format = color ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  Picture picture{image.width, image.height, color ? 3 : 1, std::vector<std::uint8_t>(PNG_IMAGE_SIZE(image))};
  tinygan::check(png_image_finish_read(&image, nullptr, picture.pixels.data(), 0, nullptr) != 0, name,
                 "a damaged PNG file: ", image.message);
  return picture;
}

void write_grid(const std::filesystem::path& path, const tinygan::Tensor<float>& images, int columns, float low,
                float high) {
  tinygan::io::write_file(path, encode_png(make_grid(images, columns, low, high)));
}

}  // namespace dcgan_mnist
