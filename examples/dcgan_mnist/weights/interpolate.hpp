// The interpolate subcommand.
#pragma once

#include <cstdint>
#include <string>

#include "weights/generate.hpp"

namespace dcgan_mnist {

struct InterpolateOptions : GenerateOptions {
  std::uint64_t from = 0, to = 1;  ///< seeds of the latent vectors at either end
  std::int64_t rows = 8, steps = 10;
  std::string way = "spherical";  ///< or linear
  double truncation = 0;
  std::string out;  ///< PNG file of strips; interpolation.png if no output is given
  std::string gif;  ///< the same way there and back, as an animation
};

/// Draws the images between pairs of latent vectors; returns the exit code. Throws Error on a bad file or one that
/// cannot be written.
int interpolate(const InterpolateOptions& options);

}  // namespace dcgan_mnist
