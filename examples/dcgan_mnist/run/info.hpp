// The info subcommand.
#pragma once

#include <string>

namespace dcgan_mnist {

struct InfoOptions {
  std::string path;
};

/// Prints what a weights file, a checkpoint, a run directory, a data file or a directory of the MNIST family's files
/// holds, every checksum in it verified; returns the exit code. Throws Error if it is none of these or is damaged.
int info(const InfoOptions& options);

}  // namespace dcgan_mnist
