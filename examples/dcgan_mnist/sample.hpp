// The sample subcommand.
#pragma once

#include "options.hpp"

namespace dcgan_mnist {

/// Draws a grid of images from trained weights; returns the exit code. Throws Error on a bad file.
int sample(const SampleOptions& options);

}  // namespace dcgan_mnist
