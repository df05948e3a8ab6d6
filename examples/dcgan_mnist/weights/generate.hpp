// Images from a trained generator, on any device.
#pragma once

#include <string>

#include <tinygan/tensor/tensor.hpp>

#include "run/checkpoint.hpp"

namespace dcgan_mnist {

/// Common options of the subcommands that generate images.
struct GenerateOptions {
  std::string weights;  ///< a run directory, a checkpoint or a weights file
  std::string device = "auto";
  int threads = 0;   ///< 0: one per processor
  bool raw = false;  ///< the raw generator instead of its average
};

/// A trained generator on its device.
class ImageSource {
 public:
  /// Throws Error on a bad file or an unavailable device.
  explicit ImageSource(const GenerateOptions& options);

  /// Images (N,28,28,1) of the latent vectors (N,100), in host memory, in batches that bound the memory. Inference
  /// mode: each image depends on its own vector alone.
  tinygan::Tensor<float> operator()(const tinygan::Tensor<float>& latents);

  float low() const { return static_cast<float>(loaded_.networks.pixel_low); }
  float high() const { return static_cast<float>(loaded_.networks.pixel_high); }
  const std::string& path() const { return path_; }
  const std::string& model() const { return loaded_.model; }
  const std::string& step() const { return loaded_.step; }
  bool averaged() const { return loaded_.averaged; }
  /// "runs/...safetensors (dcgan, step 500, averaged generator)".
  std::string description() const;

 private:
  std::string path_;
  tinygan::Device device_;
  LoadedGenerator loaded_;
};

}  // namespace dcgan_mnist
