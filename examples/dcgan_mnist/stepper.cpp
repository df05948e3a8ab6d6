#include "stepper.hpp"

#include <cmath>

namespace dcgan_mnist {

bool StepValues::finite() const { return std::isfinite(loss_d) && std::isfinite(loss_g); }

Stepper::Stepper(AnyStep& step, tinygan::Generator& random, const tinygan::data::DeviceImages& images,
                 tinygan::data::Batches& batches, float pixel_low, float pixel_high)
    : step_(&step),
      random_(&random),
      batches_(images, batches),
      low_(pixel_low),
      high_(pixel_high),
      values_(6, capacity, images.device()),
      plain_(images.device(), [this] { run(false); }),
      measured_(images.device(), [this] { run(true); }) {}

void Stepper::step(bool norms) {
  batches_.advance();
  (norms ? measured_ : plain_)();
}

/// Everything here happens on the device: it is what a replay repeats.
void Stepper::run(bool norms) {
  random_->next_step();
  const auto r = std::visit(
      [&]<class T>(tinygan::gan::AdversarialStep<T>& step) {
        step.measure_norms(norms);
        return step(batches_.next<T>(low_, high_), *random_);
      },
      *step_);
  values_.record({r.loss_d, r.loss_g, r.d_real, r.d_fake, r.grad_norm_d, r.grad_norm_g});
}

std::vector<StepValues> Stepper::drain() {
  std::vector<StepValues> steps;
  for (const std::vector<float>& v : values_.drain()) steps.push_back({v[0], v[1], v[2], v[3], v[4], v[5]});
  return steps;
}

bool Stepper::reads_are_free() const { return random_->device().type == tinygan::DeviceType::cpu; }

}  // namespace dcgan_mnist
