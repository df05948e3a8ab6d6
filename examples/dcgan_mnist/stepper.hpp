// The training steps of a run, one after the other: the next batch, both updates, and what they saw.
#pragma once

#include <cstdint>
#include <vector>

#include <tinygan/data/batches.hpp>
#include <tinygan/data/device_images.hpp>
#include <tinygan/gan/step.hpp>

namespace dcgan_mnist {

/// What one step saw. Gradient norms are NaN where they were not measured.
struct StepValues {
  float loss_d = 0, loss_g = 0, d_real = 0, d_fake = 0, grad_norm_d = 0, grad_norm_g = 0;

  /// Whether both losses are finite; a loss of NaN or infinity means that the run has diverged.
  bool finite() const;
};

/// Takes steps. Position and random counter are those of `batches` and `random`, so a run goes on wherever they stand.
class Stepper {
 public:
  /// Keeps references to its arguments.
  Stepper(tinygan::gan::AdversarialStep<float>& step, tinygan::Generator& random, const tinygan::data::DeviceImages& images,
          tinygan::data::Batches& batches, float pixel_low, float pixel_high);

  /// The next step. It may still be running when this returns. `norms`: measure the gradients too.
  void step(bool norms);

  /// The values of the steps since the last call, oldest first; waits for the last of them. At most `capacity` are kept.
  std::vector<StepValues> drain();

  /// Whether drain() costs nothing, so that every step may be looked at; elsewhere it stops the device for a moment.
  bool reads_are_free() const;

  static constexpr int capacity = 1024;

 private:
  tinygan::gan::AdversarialStep<float>* step_;
  tinygan::Generator* random_;
  const tinygan::data::DeviceImages* images_;
  tinygan::data::Batches* batches_;
  float low_, high_;
  std::vector<StepValues> values_;
};

}  // namespace dcgan_mnist
