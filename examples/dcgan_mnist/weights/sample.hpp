// The sample subcommand.
#pragma once

#include <cstdint>
#include <string>

#include "weights/generate.hpp"

namespace dcgan_mnist {

struct SampleOptions : GenerateOptions {
  std::int64_t count = 64;
  std::uint64_t seed = 0;
  double truncation = 0;  ///< latent numbers lie within this; 0: none
  std::string out;        ///< PNG file of a grid; samples.png if no output is given
  int columns = 0;        ///< of the grid; 0: about as many as rows
  std::string pngs;       ///< directory of one PNG file per image
  std::string npz;
  bool floats = false;  ///< pixels in the npz file as the network gave them, not as bytes
};

/// The error text of a grid that is too large for a PNG file, otherwise empty.
std::string validation_error(const SampleOptions& options);

/// Draws images from trained weights; returns the exit code. Throws Error on a bad file or one that cannot be written.
int sample(const SampleOptions& options);

}  // namespace dcgan_mnist
