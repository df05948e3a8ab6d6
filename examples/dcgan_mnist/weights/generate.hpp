// Images from a trained generator, on any device.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <tinygan/tensor/tensor.hpp>

#include "run/checkpoint.hpp"

namespace dcgan_mnist {

/// Common options of the subcommands that generate images.
struct GenerateOptions {
  std::string weights;  ///< a run directory, a checkpoint or a weights file
  std::string device = "auto";
  int threads = 0;          ///< 0: one per processor
  bool raw = false;         ///< the raw generator instead of its average
  std::int64_t label = -1;  ///< class of the images of a conditional generator; -1: each in turn
};

/// A trained generator on its device.
class ImageSource {
 public:
  /// Throws Error on a bad file or an unavailable device.
  explicit ImageSource(const GenerateOptions& options);

  /// Images (N,H,W,C) of the latent vectors (N,100) and, of a conditional generator, their classes (N), in host memory,
  /// in batches that bound the memory. Inference mode: each image depends on its own vector and class alone.
  tinygan::Tensor<float> operator()(const tinygan::Tensor<float>& latents, const std::vector<std::int64_t>& classes);

  /// The number of classes of a conditional generator, else 0.
  std::int64_t class_count() const { return loaded_.options.classes; }
  tinygan::index_t channels() const { return loaded_.options.channels; }
  tinygan::index_t size() const { return loaded_.options.size; }
  /// The classes of `count` images of a conditional generator: that of --class, or else turn(i) mod K of image i. Empty
  /// for any other generator.
  template <class Turn>
  std::vector<std::int64_t> classes_of(std::int64_t count, Turn turn) const {
    std::vector<std::int64_t> classes;
    for (std::int64_t i = 0; class_count() > 0 && i < count; ++i)
      classes.push_back(label_ >= 0 ? label_ : turn(i) % class_count());
    return classes;
  }

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
  std::int64_t label_;
};

}  // namespace dcgan_mnist
