#include "run/stepper.hpp"

namespace dcgan_mnist {

Stepper::Stepper(Step step, tinygan::Generator& random, tinygan::data::DataLoader& loader)
    : step_(std::move(step)), random_(&random), loader_(&loader),
      metrics_(static_cast<int>(tinygan::gan::step_metrics<float>.size()), capacity, random.clock()),
      plain_(random.device(), [this] { run(false); }), measured_(random.device(), [this] { run(true); }) {}

void Stepper::step(bool norms) { (norms ? measured_ : plain_)(); }

/// The captured step: no host reads.
void Stepper::run(bool norms) {
  random_->next_step();
  metrics_.record(values_of(step_(*loader_, norms)));
}

std::vector<StepMetrics> Stepper::drain() {
  std::vector<StepMetrics> steps;
  for (const std::vector<float>& values : metrics_.drain()) steps.push_back(tinygan::gan::metrics_of(values));
  return steps;
}

bool Stepper::reads_are_free() const { return tinygan::backend(random_->device()).host_memory; }

}  // namespace dcgan_mnist
