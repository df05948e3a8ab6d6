// Training: everything that decides how a run goes on: networks, optimisers, average, random numbers, order of images.
#pragma once

#include <optional>
#include <vector>

#include <tinygan/data/data_loader.hpp>
#include <tinygan/gan/step.hpp>
#include <tinygan/io/safetensors.hpp>
#include <tinygan/optim/ema.hpp>

#include "base/options.hpp"
#include "run/stepper.hpp"

namespace dcgan_mnist {

/// A copy in host memory of all that a checkpoint holds.
struct TrainingState {
  tinygan::io::SafetensorsFile model, state;
};

/// A run's state and the step that moves it on. Two of the same options and images that stand at the same step go on
/// alike, bit for bit.
class Training {
 public:
  /// Freshly drawn weights. The images stay with the device; the data set may go. Throws Error if the options do not
  /// fit the images or the device is not to be had.
  Training(const TrainOptions& options, tinygan::Device device, const tinygan::data::ImageDataset& images);

  /// The next step; see Stepper. With --precision bf16 it computes in bfloat16; weights, averages and files stay float.
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
  /// Takes weights alone: both networks', and the average where both have one, otherwise the average starts at them.
  void take_weights(const tinygan::io::SafetensorsFile& weights, const std::string& name);

  /// Images (rows * columns, 28, 28, 1) on the CPU, always of the same latent vectors: of the averaged generator if
  /// there is one.
  tinygan::Tensor<float> fakes();
  /// The first training images, as many.
  tinygan::Tensor<float> reals() const;
  static constexpr tinygan::index_t grid_rows = 8, grid_columns = 8;

  float pixel_low() const { return static_cast<float>(networks_.pixel_low); }
  float pixel_high() const { return static_cast<float>(networks_.pixel_high); }
  const tinygan::gan::Networks<float>& networks() const { return networks_; }
  bool averaged() const { return average_.has_value(); }

 private:
  AnyStep make_step();
  void weights_changed();

  TrainOptions options_;
  tinygan::Device device_;
  tinygan::Generator random_;
  tinygan::data::DataLoader loader_;
  tinygan::gan::Networks<float> networks_;
  std::optional<tinygan::gan::Networks<float>> average_;
  std::optional<tinygan::optim::Ema<float>> ema_;
  std::optional<tinygan::gan::Networks<tinygan::bfloat16>> copies_;  // of networks_, what a step in bf16 computes with
  mutable AnyStep step_;  // its optimisers are only to be had from one that may change
  Stepper stepper_;
  tinygan::Tensor<float> grid_latents_;
  tinygan::index_t steps_done_ = 0;
};

}  // namespace dcgan_mnist
