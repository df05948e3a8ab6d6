// Adversarial steps of tiny networks on a device, in each precision: their reports stay as close to those in double as
// the rounding of operands, and of what is stored, lets them.
#pragma once

#include <tinygan/gan/step.hpp>

#include "../../bench/gpu/check.hpp"
#include "kernels/cuda_device.hpp"
#include "models/tiny_networks.hpp"
#include "support/amplification.hpp"

namespace tinygan::test {

inline const AdamHyper reports_hyper{.learning_rate = 0.01, .beta1 = 0.5, .epsilon = 0.1};

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

/// The same from weights moved by move_weights().
template <class T>
std::vector<double> reports(Device device, double moved = 0, unsigned seed = 0) {
  models::Networks<T> networks = tiny_networks<T>(1);
  const models::Networks<float> same_for_all = tiny_networks(1);
  const auto copy = [](const nn::Sequential<float>& from, const nn::Sequential<T>& to) {
    const auto a = from.parameters();
    const auto b = to.parameters();
    for (std::size_t i = 0; i < a.size(); ++i) b[i].set_master(elements<typename nn::Module<T>::Wide>(a[i].value()));
  };
  copy(same_for_all.generator, networks.generator);
  copy(same_for_all.discriminator, networks.discriminator);
  move_weights(networks.generator, moved, seed);
  move_weights(networks.discriminator, moved, seed + 1000);
  networks.to(device);
  gan::AdversarialStep<T> step(networks, reports_hyper, reports_hyper);
  return reports(step, device);
}

inline std::vector<double> reports_in(const Arithmetic& by) {
  const UsePrecision use(by.precision, by.device);
  return by.bfloat16_elements ? reports<bfloat16>(by.device) : reports<float>(by.device);
}

/// Reports of three steps against those in double, within what the rounding of their products can do to them.
inline void check_reports(const Arithmetic& by) {
  const std::vector<double> exact = reports<double>(Device::cpu()), found = reports_in(by);
  CHECK(found == reports_in(by));
  // of three steps; sums of 100 products at most
  const double moved = 3 * moved_in_step(bench::gpu::rounding(by.precision), by.bfloat16_elements, 100);
  const Array bound =
      farthest([](double by_that, unsigned seed) { return reports<double>(Device::cpu(), by_that, seed); }, moved,
               [](double a, double b) { return std::fabs(a - b); });
  const support::ErrorContext context(by.name());
  check_elements(
      found, [&](index_t i) { return exact[static_cast<std::size_t>(i)]; },
      [&](index_t i) { return bound[static_cast<std::size_t>(i)]; });
}

}  // namespace tinygan::test
