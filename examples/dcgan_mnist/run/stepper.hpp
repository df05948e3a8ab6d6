// The training steps of a run, one after the other: the next batch, both updates, and what they saw.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <tinygan/data/data_loader.hpp>
#include <tinygan/gan/step.hpp>
#include <tinygan/runtime/captured_step.hpp>
#include <tinygan/runtime/metric_ring.hpp>

namespace dcgan_mnist {

/// Metrics of one step on the host.
using StepMetrics = tinygan::gan::StepMetrics<float>;

/// Takes steps, captured where the device can. Position and random counter are those of `loader` and `random`, so a run
/// goes on wherever they stand.
class Stepper {
 public:
  /// A step on the next batch of `loader`; `norms`: it measures the gradients too.
  using Step =
      std::function<tinygan::gan::StepMetrics<tinygan::Tensor<float>>(tinygan::data::DataLoader& loader, bool norms)>;

  /// Keeps references to all but the step.
  Stepper(Step step, tinygan::Generator& random, tinygan::data::DataLoader& loader);
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

  Step step_;
  tinygan::Generator* random_;
  tinygan::data::DataLoader* loader_;
  tinygan::runtime::MetricRing<float> metrics_;
  tinygan::runtime::CapturedStep plain_, measured_;
};

}  // namespace dcgan_mnist
