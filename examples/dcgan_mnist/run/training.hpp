// Training: the state of a run: model, random numbers, order of images.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include <tinygan/data/data_loader.hpp>

#include "base/options.hpp"
#include "run/model.hpp"
#include "run/stepper.hpp"

namespace dcgan_mnist {

/// The state of a run, and its step. Two objects with the same options and images at the same step give the same
/// results, bit for bit.
class Training {
 public:
  /// With random initial weights. Copies the images to the device. Throws Error if the options do not match the images
  /// or the device is unavailable.
  Training(const TrainOptions& options, tinygan::Device device, const tinygan::data::ImageDataset& images);

  /// The next step; `norms`: also measures gradient norms.
  void step(bool norms);
  Stepper& stepper() { return stepper_; }
  tinygan::index_t steps_done() const { return steps_done_; }

  /// The length of the run.
  tinygan::index_t steps() const { return options_.steps > 0 ? options_.steps : options_.epochs * loader_.per_epoch(); }
  tinygan::index_t steps_per_epoch() const { return loader_.per_epoch(); }
  tinygan::index_t epoch() const { return loader_.position().epoch; }

  /// Recomputes the running statistics of the averaged generator, if there is one. Call before state() and fakes().
  /// `quick` uses a quarter of the images, for grids without a checkpoint.
  void refresh_average(bool quick);

  TrainingState state() const;
  /// Restores a state. Throws Error, naming `name`, if it does not match.
  void restore(const TrainingState& saved, const std::string& name);
  /// Loads weights only, see Model. Throws Error, naming `name`, if they do not match or one of them is not finite.
  void load_weights(const tinygan::io::SafetensorsFile& weights, const std::string& name);

  /// Images (N,H,W,C) of latent vectors (N,100) and, in a conditional run, of classes (N), in inference mode, by the
  /// averaged generator if there is one; vectors and images in host memory, in batches that bound the memory.
  tinygan::Tensor<float> generate(const tinygan::Tensor<float>& latents, const std::vector<tinygan::index_t>& classes);
  /// The images of rows * columns fixed latent vectors.
  tinygan::Tensor<float> fakes();
  /// The first training images, in the same number.
  tinygan::Tensor<float> reals() const;
  static constexpr tinygan::index_t grid_rows = 8, grid_columns = 8;

  float pixel_low() const { return model_->pixel_low(); }
  float pixel_high() const { return model_->pixel_high(); }
  NetworkSummaries networks() const { return model_->summaries(options_.batch_size); }

 private:
  /// Class i mod K of image i in a conditional run, else none.
  std::vector<tinygan::index_t> classes_in_turn(tinygan::index_t count) const;
  /// One-hot rows (N,K) on the device; empty of no classes.
  tinygan::Tensor<float> labels_of(std::span<const tinygan::index_t> classes) const;

  TrainOptions options_;
  tinygan::models::NetworkOptions network_options_;
  tinygan::Device device_;
  tinygan::Generator random_;
  tinygan::data::DataLoader loader_;
  std::unique_ptr<Model> model_;
  Stepper stepper_;
  tinygan::Tensor<float> grid_latents_;
  tinygan::index_t steps_done_ = 0;
};

}  // namespace dcgan_mnist
