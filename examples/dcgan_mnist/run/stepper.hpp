// The training steps of a run, one after the other: the next batch, both updates, and what they saw.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include <tinygan/data/data_loader.hpp>
#include <tinygan/gan/step.hpp>
#include <tinygan/runtime/captured_step.hpp>
#include <tinygan/runtime/metric_ring.hpp>

namespace dcgan_mnist {

/// Metrics of one step on the host.
using StepMetrics = tinygan::gan::StepMetrics<float>;

/// A step in float, or in bfloat16.
using AnyStep = std::variant<tinygan::gan::AdversarialStep<float>, tinygan::gan::AdversarialStep<tinygan::bfloat16>>;

/// Takes steps, captured where the device can. Position and random counter are those of `loader` and `random`, so a run
/// goes on wherever they stand.
class Stepper {
 public:
  /// Keeps references to its arguments.
  Stepper(AnyStep& step, tinygan::Generator& random, tinygan::data::DataLoader& loader, float pixel_low,
          float pixel_high);
  Stepper(const Stepper&) = delete;
  Stepper& operator=(const Stepper&) = delete;

  /// The next step. It may still be running when this returns. `norms`: measure the gradients too.
  void step(bool norms);

  /// The metrics of the steps since the last call, oldest first, at most `capacity`; waits for the last of them.
  std::vector<StepMetrics> drain();

  /// Whether drain() costs nothing, so that every step may be looked at; elsewhere it stops the device for a moment.
  bool reads_are_free() const;

  static constexpr int capacity = 1024;

 private:
  void run(bool norms);

  AnyStep* step_;
  tinygan::Generator* random_;
  tinygan::data::DataLoader* loader_;
  float low_, high_;
  tinygan::train::ValueRing<float> metrics_;
  tinygan::train::CapturedStep plain_, measured_;
};

}  // namespace dcgan_mnist
