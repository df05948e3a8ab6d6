#include "run/stepper.hpp"

namespace dcgan_mnist {

Stepper::Stepper(AnyStep& step, tinygan::Generator& random, tinygan::data::DataLoader& loader, float pixel_low,
                 float pixel_high)
    : step_(&step),
      random_(&random),
      loader_(&loader),
      low_(pixel_low),
      high_(pixel_high),
      metrics_(static_cast<int>(tinygan::gan::step_metrics<float>.size()), capacity, random.device()),
      plain_(random.device(), [this] { run(false); }),
      measured_(random.device(), [this] { run(true); }) {}

void Stepper::step(bool norms) { (norms ? measured_ : plain_)(); }

/// Everything here happens on the device: it is what a replay repeats.
void Stepper::run(bool norms) {
  random_->next_step();
  const auto metrics = std::visit(
      [&]<class T>(tinygan::gan::AdversarialStep<T>& step) {
        step.measure_norms(norms);
        return step(loader_->next<T>(low_, high_), *random_);
      },
      *step_);
  metrics_.record(values_of(metrics));
}

std::vector<StepMetrics> Stepper::drain() {
  std::vector<StepMetrics> steps;
  for (const std::vector<float>& values : metrics_.drain()) steps.push_back(tinygan::gan::metrics_of(values));
  return steps;
}

bool Stepper::reads_are_free() const { return random_->device().type == tinygan::DeviceType::cpu; }

}  // namespace dcgan_mnist
