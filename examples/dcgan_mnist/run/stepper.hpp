// Stepper: the training steps of a run and their metrics.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <tinygan/data/data_loader.hpp>
#include <tinygan/gan/step.hpp>
#include <tinygan/runtime/captured_step.hpp>
#include <tinygan/runtime/metric_ring.hpp>

namespace dcgan_mnist {

/// Metrics of one step on the host.
using StepMetrics = tinygan::gan::StepMetrics<float>;

/// What a step does besides the losses. Each variant is captured by itself.
struct StepVariant {
  bool norms = false;      ///< measures gradient norms
  bool penalties = false;  ///< takes the gradient penalties of D's loss
};

/// Runs steps, captured if the device supports it. Its state is that of `loader` and `random`.
class Stepper {
 public:
  /// A step on the next batch of `loader`.
  using Step = std::function<tinygan::gan::StepMetrics<tinygan::Tensor<float>>(tinygan::data::DataLoader& loader,
                                                                               StepVariant variant)>;

  /// Keeps references to all but the step.
  Stepper(Step step, tinygan::Generator& random, tinygan::data::DataLoader& loader);
  Stepper(const Stepper&) = delete;
  Stepper& operator=(const Stepper&) = delete;

  /// Launches the next step, asynchronously on a GPU.
  void step(StepVariant variant);

  /// The metrics of the steps since the last call, oldest first, at most `capacity`; waits for the last of them.
  std::vector<StepMetrics> drain();

  /// Whether drain() does not have to wait for a device, so that it can be called after every step.
  bool reads_are_free() const;

  static constexpr int capacity = 1024;

 private:
  void run(StepVariant variant);

  Step step_;
  tinygan::Generator* random_;
  tinygan::data::DataLoader* loader_;
  tinygan::runtime::MetricRing<float> metrics_;
  std::array<std::unique_ptr<tinygan::runtime::CapturedStep>, 4> captured_;  // by variant, made at its first step
};

}  // namespace dcgan_mnist
