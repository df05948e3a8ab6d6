// Adversarial steps of tiny networks on a device, in each precision: their reports stay as close to those in double as
// the rounding of operands, and of what is stored, lets them.
#pragma once

#include <limits>

#include <tinygan/gan/step.hpp>

#include "kernels/cuda_device.hpp"
#include "models/tiny_networks.hpp"
#include "support/worst_error.hpp"

namespace tinygan::test {

inline const AdamHyper reports_hyper{.learning_rate = 0.01, .epsilon = 0.1};

template <class T>
Tensor<T> elements(const Tensor<float>& x) {
  if constexpr (std::is_same_v<T, double>) return tensor<double>(array(x), x.shape());
  else return cast<T>(x);
}

/// Losses, mean probabilities and gradient norms of three steps, all from the same weights, latents and dropout.
template <class T>
std::vector<double> reports(gan::AdversarialStep<T>& step, Device device) {
  step.measure_norms(true);
  Generator random(5, device);
  const Tensor<T> real = elements<T>(tiny_images(1)).to(device);
  std::vector<double> all;
  for (int i = 0; i < 3; ++i) {
    random.next_step();
    const auto r = step(real, random);
    for (const auto& t : gan::values_of(r)) all.push_back(static_cast<double>(t.item()));
  }
  return all;
}

template <class T>
std::vector<double> reports(Device device) {
  models::Networks<T> networks = tiny_networks<T>(1);
  const models::Networks<float> same_for_all = tiny_networks(1);
  const auto copy = [](const nn::Sequential<float>& from, const nn::Sequential<T>& to) {
    const auto a = from.parameters();
    const auto b = to.parameters();
    for (std::size_t i = 0; i < a.size(); ++i) b[i].set_master(elements<typename nn::Module<T>::Wide>(a[i].value()));
  };
  copy(same_for_all.generator, networks.generator);
  copy(same_for_all.discriminator, networks.discriminator);
  networks.to(device);
  gan::AdversarialStep<T> step(networks, reports_hyper, reports_hyper);
  return reports(step, device);
}

inline std::vector<double> reports_in(const Arithmetic& by) {
  const UsePrecision use(by.precision, by.device);
  return by.bfloat16_elements ? reports<bfloat16>(by.device) : reports<float>(by.device);
}

/// Operands are rounded to 11 or 8 bits instead of 24, so reports may be off by that much more than the CPU's, of which
/// the worst counts and 8 times that, as single ones happen to be right; in fp32 elementary functions of a few ulp
/// count instead. With elements of bfloat16 everything else is rounded too.
inline void check_reports(const Arithmetic& by) {
  const std::vector<double> exact = reports<double>(Device::cpu()), cpu = reports<float>(Device::cpu()),
                            found = reports_in(by);
  double worst = std::numeric_limits<float>::epsilon();
  for (std::size_t i = 0; i < exact.size(); ++i)
    worst = std::max(worst, std::fabs(cpu[i] - exact[i]) / std::fabs(exact[i]));
  const double rounded = by.precision == Precision::fp32 ? 4 : by.precision == Precision::tf32 ? 0x1p13 : 0x1p16;
  const double coarser = by.bfloat16_elements ? 2 * rounded : rounded;
  CHECK(found == reports_in(by));
  const support::ErrorContext context(by.name());
  for (std::size_t i = 0; i < exact.size(); ++i) {
    const double error = std::fabs(found[i] - exact[i]), bound = 8 * coarser * worst * std::fabs(exact[i]);
    support::record_error(error, bound, [&] { return text("number ", i, " of the reports"); });
    CAPTURE(i, found[i], exact[i], worst);
    CHECK(error <= bound);
  }
}

}  // namespace tinygan::test
