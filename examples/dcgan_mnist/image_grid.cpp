#include "image_grid.hpp"

#include <png.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include <tinygan/io/file.hpp>

namespace dcgan_mnist {

using tinygan::index_t;

void write_grid(const std::filesystem::path& path, const tinygan::Tensor<float>& images, int columns, float low, float high) {
  const index_t count = images.extent(0), H = images.extent(1), W = images.extent(2);
  const index_t rows = (count + columns - 1) / columns;
  const index_t height = rows * (H + 1) + 1, width = columns * (W + 1) + 1;
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(height * width), 40);
  const std::vector<float> values = images.to_vector();
  for (index_t n = 0; n < count; ++n)
    for (index_t h = 0; h < H; ++h)
      for (index_t w = 0; w < W; ++w) {
        const float v = (values[static_cast<std::size_t>((n * H + h) * W + w)] - low) / (high - low) * 255;
        const index_t y = n / columns * (H + 1) + 1 + h, x = n % columns * (W + 1) + 1 + w;
        pixels[static_cast<std::size_t>(y * width + x)] = static_cast<std::uint8_t>(std::lround(std::clamp(v, 0.f, 255.f)));
      }

  png_image image;
  std::memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  image.format = PNG_FORMAT_GRAY;
  png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::vector<std::uint8_t> file(bytes);
  tinygan::check(png_image_write_to_memory(&image, file.data(), &bytes, 0, pixels.data(), 0, nullptr) != 0, path.string(),
                 "cannot encode the image: ", image.message);
  tinygan::io::write_file(path, std::span<const std::uint8_t>(file.data(), bytes));
}

}  // namespace dcgan_mnist
