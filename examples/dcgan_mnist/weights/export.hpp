// The export subcommand.
#pragma once

#include <string>

namespace dcgan_mnist {

struct ExportOptions {
  std::string weights;
  std::string layout;  ///< keras or torch
  std::string out;     ///< <model>_<layout>.safetensors if empty
  bool raw = false;    ///< the raw generator instead of its average
};

/// Writes trained weights for another library; returns the exit code. Throws Error on a bad file or one that cannot be
/// written.
int export_weights(const ExportOptions& options);

}  // namespace dcgan_mnist
