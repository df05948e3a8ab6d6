// The export subcommand.
#pragma once

#include <string>

namespace dcgan_mnist {

struct ExportOptions {
  std::string weights;
  std::string layout;  ///< keras, torch or onnx
  std::string out;     ///< <model>_<layout>.safetensors if empty; of onnx the stem of two names, <model> if empty
  bool raw = false;    ///< the raw generator instead of its average
};

/// Writes trained weights for another library, or the networks with their weights as <stem>_generator.onnx and
/// <stem>_discriminator.onnx; returns the exit code. Throws Error on a bad file or one that cannot be written.
int export_weights(const ExportOptions& options);

}  // namespace dcgan_mnist
