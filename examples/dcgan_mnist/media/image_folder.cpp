#include "media/image_folder.hpp"

#include <span>
#include <string>
#include <utility>

#include <tinygan/data/image_folder.hpp>

#include "media/image_grid.hpp"
#include "media/jpeg.hpp"

namespace dcgan_mnist {

namespace data = tinygan::data;

namespace {

data::DecodedImage decode(std::span<const std::uint8_t> bytes, const std::string& name) {
  Picture p = is_jpeg(bytes) ? decode_jpeg(bytes, name) : decode_png(bytes, name);
  return {p.height, p.width, p.channels, std::move(p.pixels)};
}

}  // namespace

bool has_images(const std::filesystem::path& directory) {
  try {
    return data::image_folder(directory).count() > 0;
  } catch (const tinygan::Error&) {
    return false;
  }
}

data::ImageDataset load_image_folder(const std::filesystem::path& directory) {
  return data::load_images(data::image_folder(directory), decode);
}

}  // namespace dcgan_mnist
