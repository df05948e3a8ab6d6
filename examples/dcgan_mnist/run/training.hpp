// Training: everything that decides how a run goes on: model, random numbers, order of images.
#pragma once

#include <memory>

#include <tinygan/data/data_loader.hpp>

#include "base/options.hpp"
#include "run/model.hpp"
#include "run/stepper.hpp"

namespace dcgan_mnist {

/// A run's state and the step that moves it on. Two of the same options and images that stand at the same step go on
/// alike, bit for bit.
class Training {
 public:
  /// Freshly drawn weights. The images stay with the device; the data set may go. Throws Error if the options do not
  /// fit the images or the device is unavailable.
  Training(const TrainOptions& options, tinygan::Device device, const tinygan::data::ImageDataset& images);

  /// The next step; see Stepper.
  void step(bool norms);
  Stepper& stepper() { return stepper_; }
  tinygan::index_t steps_done() const { return steps_done_; }

  tinygan::index_t steps_per_epoch() const { return loader_.per_epoch(); }
  tinygan::index_t epoch() const { return loader_.position().epoch; }

  /// Gives the averaged generator, if there is one, the batch statistics of its weights, which change with every step:
  /// before state() and fakes(). A `quick` look, at images that nobody keeps, makes do with a quarter of the images.
  void refresh_average(bool quick);

  TrainingState state() const;
  /// Restores it. Throws Error, naming `name`, if it does not fit.
  void restore(const TrainingState& saved, const std::string& name);
  /// Loads weights alone, see Model. Throws Error, naming `name`, if they do not fit or one of them is not finite.
  void load_weights(const tinygan::io::SafetensorsFile& weights, const std::string& name);

  /// Images (rows * columns, 28, 28, 1) on the CPU, always of the same latent vectors: of the averaged generator if
  /// there is one.
  tinygan::Tensor<float> fakes();
  /// The first training images, as many.
  tinygan::Tensor<float> reals() const;
  static constexpr tinygan::index_t grid_rows = 8, grid_columns = 8;

  float pixel_low() const { return model_->pixel_low(); }
  float pixel_high() const { return model_->pixel_high(); }
  NetworkSummaries networks() const { return model_->summaries(options_.batch_size); }

 private:
  TrainOptions options_;
  tinygan::Device device_;
  tinygan::Generator random_;
  tinygan::data::DataLoader loader_;
  std::unique_ptr<Model> model_;
  Stepper stepper_;
  tinygan::Tensor<float> grid_latents_;
  tinygan::index_t steps_done_ = 0;
};

}  // namespace dcgan_mnist
