// Adversarial steps of tiny networks in tf32 and bf16 on the emulated device: the losses stay as close to those in
// double as the rounding of operands lets them.
#include <tinygan/gan/step.hpp>

#include "gan/tiny_networks.hpp"
#include "kernels/products.hpp"

namespace tinygan {
namespace {

using namespace test;

/// Losses, mean probabilities and gradient norms of a few steps, all from the same weights, latents and dropout.
template <class T>
std::vector<double> reports(Device device) {
  gan::Networks<T> networks = tiny_networks<T>(1);
  const gan::Networks<float> same_for_all = tiny_networks(1);
  const auto copy = [](const nn::Sequential<float>& from, const nn::Sequential<T>& to) {
    const auto a = from.parameters();
    const auto b = to.parameters();
    for (std::size_t i = 0; i < a.size(); ++i) b[i].value().copy_from(tensor<T>(array(a[i]), a[i].shape()));
  };
  copy(same_for_all.generator, networks.generator);
  copy(same_for_all.discriminator, networks.discriminator);
  networks.to(device);
  const AdamHyper hyper{.learning_rate = 0.01, .epsilon = 0.1};
  gan::AdversarialStep<T> step(networks, hyper, hyper);
  step.measure_norms(true);
  Generator random(5, device);
  const Tensor<float> images = tiny_images(1);
  const auto real = tensor<T>(array(images), images.shape(), device);
  std::vector<double> all;
  for (int i = 0; i < 3; ++i) {
    random.next_step();
    const gan::StepReport<T> r = step(real, random);
    for (const Tensor<T>& t : {r.loss_d, r.loss_g, r.d_real, r.d_fake, r.grad_norm_d, r.grad_norm_g})
      all.push_back(static_cast<double>(t.item()));
  }
  return all;
}

TEST_CASE("Training on tensor cores of the emulated device") {
  const Device there = Device::emulated();
  const std::vector<double> exact = reports<double>(Device::cpu()), cpu = reports<float>(Device::cpu()),
                            fp32 = reports<float>(there);
  for (const Precision p : {Precision::tf32, Precision::bf16}) {
    const UsePrecision use(p);
    const std::vector<double> found = reports<float>(there);
    CHECK(found != fp32);  // the precision reaches the kernels
    CHECK(found == reports<float>(there));
    // Operands are rounded to 11 or 8 bits instead of 24, so results may be off by that much more than the CPU's, of
    // which the worst counts and 8 times that, as single ones happen to be right.
    const double coarser = p == Precision::tf32 ? 0x1p13 : 0x1p16;
    double worst = float_eps;
    for (std::size_t i = 0; i < exact.size(); ++i)
      worst = std::max(worst, std::fabs(cpu[i] - exact[i]) / std::fabs(exact[i]));
    for (std::size_t i = 0; i < exact.size(); ++i) {
      CAPTURE(p, i, found[i], exact[i], worst);
      CHECK(std::fabs(found[i] - exact[i]) <= 8 * coarser * worst * std::fabs(exact[i]));
    }
  }
}

}  // namespace
}  // namespace tinygan
