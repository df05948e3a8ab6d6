// Animated GIF files of pictures.
#pragma once

#include <cstdint>
#include <vector>

#include "media/image_grid.hpp"

namespace dcgan_mnist {

/// A picture and how long it is shown, in hundredths of a second.
struct GifFrame {
  Picture image;
  int delay = 10;
};

/// The bytes of a GIF file that repeats for ever, in 64 shades of grey or 252 colours. Throws Error if there is no
/// frame, or not all are of one size of at most 65535 pixels a side and one number of channels, or giflib fails.
std::vector<std::uint8_t> encode_gif(const std::vector<GifFrame>& frames);

}  // namespace dcgan_mnist
