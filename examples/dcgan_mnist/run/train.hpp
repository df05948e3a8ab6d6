// The train subcommand.
#pragma once

#include "base/options.hpp"

namespace dcgan_mnist {

/// Trains and writes a run directory; returns the exit code (0 done, 3 diverged). Throws Error on bad data or an
/// unwritable directory.
int train(const TrainOptions& given);

}  // namespace dcgan_mnist
