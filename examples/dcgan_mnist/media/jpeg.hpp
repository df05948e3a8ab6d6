// JPEG files, by libjpeg where the build has found it.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "media/image_grid.hpp"

namespace dcgan_mnist {

/// Whether bytes begin as a JPEG file does.
bool is_jpeg(std::span<const std::uint8_t> bytes);

/// The picture in the bytes of a JPEG file, grey or RGB as the file is. Throws Error naming `name` if they are none or
/// damaged, have more than most_png_pixels() a side or other colours (CMYK), and always if the program was built
/// without libjpeg.
Picture decode_jpeg(std::span<const std::uint8_t> bytes, const std::string& name);

}  // namespace dcgan_mnist
