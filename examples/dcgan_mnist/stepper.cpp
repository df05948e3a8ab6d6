#include "stepper.hpp"

#include <cmath>
#include <limits>
#include <utility>

namespace dcgan_mnist {

bool StepValues::finite() const { return std::isfinite(loss_d) && std::isfinite(loss_g); }

Stepper::Stepper(tinygan::gan::AdversarialStep<float>& step, tinygan::Generator& random,
                 const tinygan::data::DeviceImages& images, tinygan::data::Batches& batches, float pixel_low, float pixel_high)
    : step_(&step), random_(&random), images_(&images), batches_(&batches), low_(pixel_low), high_(pixel_high) {}

void Stepper::step(bool norms) {
  step_->measure_norms(norms);
  random_->next_step();
  const auto report = (*step_)(images_->batch(batches_->next(), low_, high_), *random_);
  const auto value = [](const tinygan::Tensor<float>& t) {
    return t.defined() ? t.item() : std::numeric_limits<float>::quiet_NaN();
  };
  if (values_.size() == capacity) values_.erase(values_.begin());
  values_.push_back({value(report.loss_d), value(report.loss_g), value(report.d_real), value(report.d_fake),
                     value(report.grad_norm_d), value(report.grad_norm_g)});
}

std::vector<StepValues> Stepper::drain() { return std::exchange(values_, {}); }

bool Stepper::reads_are_free() const { return random_->device().type == tinygan::DeviceType::cpu; }

}  // namespace dcgan_mnist
