#include "run/stepper.hpp"

namespace dcgan_mnist {

Stepper::Stepper(Step step, tinygan::Generator& random, tinygan::data::DataLoader& loader)
    : step_(std::move(step)), random_(&random), loader_(&loader),
      metrics_(static_cast<int>(tinygan::gan::step_metrics<float>.size()), capacity, random.clock()) {}

void Stepper::step(StepVariant variant) {
  std::unique_ptr<tinygan::runtime::CapturedStep>& captured =
      captured_[(variant.norms ? 1u : 0u) + (variant.penalties ? 2u : 0u)];
  if (!captured)
    captured = std::make_unique<tinygan::runtime::CapturedStep>(random_->device(), [this, variant] { run(variant); });
  (*captured)();
}

/// The captured step: no host reads.
void Stepper::run(StepVariant variant) {
  random_->next_step();
  metrics_.record(values_of(step_(*loader_, variant)));
}

std::vector<StepMetrics> Stepper::drain() {
  std::vector<StepMetrics> steps;
  for (const std::vector<float>& values : metrics_.drain()) steps.push_back(tinygan::gan::metrics_of(values));
  return steps;
}

bool Stepper::reads_are_free() const { return tinygan::backend(random_->device()).host_memory; }

}  // namespace dcgan_mnist
