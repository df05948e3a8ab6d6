// Stepper: the training steps of a run and their metrics.
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

/// Runs steps, captured if the device supports it. Its state is that of `loader` and `random`.
class Stepper {
 public:
  /// A step on the next batch of `loader`; `norms`: also measures gradient norms.
  using Step =
      std::function<tinygan::gan::StepMetrics<tinygan::Tensor<float>>(tinygan::data::DataLoader& loader, bool norms)>;

  /// Keeps references to all but the step.
  Stepper(Step step, tinygan::Generator& random, tinygan::data::DataLoader& loader);
  Stepper(const Stepper&) = delete;
  Stepper& operator=(const Stepper&) = delete;

  /// Launches the next step, asynchronously on a GPU. `norms`: also measures gradient norms.
  void step(bool norms);

  /// The metrics of the steps since the last call, oldest first, at most `capacity`; waits for the last of them.
  std::vector<StepMetrics> drain();

  /// Whether drain() does not have to wait for a device, so that it can be called after every step.
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
