// Adversarial steps of tiny networks in tf32 and bf16 on the emulated device, and in bfloat16 with float masters: the losses stay
// as close to those in double as the rounding of operands, and of what is stored, lets them.
#include <tinygan/gan/step.hpp>
#include <tinygan/train/captured_step.hpp>
#include <tinygan/train/value_ring.hpp>

#include "gan/tiny_networks.hpp"
#include "kernels/products.hpp"

namespace tinygan {
namespace {

using namespace test;

const AdamHyper hyper{.learning_rate = 0.01, .epsilon = 0.1};
constexpr int steps = 3;

/// Losses, mean probabilities and gradient norms of a few steps, all from the same weights, latents and dropout.
template <class T>
std::vector<double> reports(gan::AdversarialStep<T>& step, Device device) {
  step.measure_norms(true);
  Generator random(5, device);
  const Tensor<float> images = tiny_images(1);
  Tensor<T> real;
  if constexpr (std::is_same_v<T, double>) real = tensor<T>(array(images), images.shape(), device);
  else real = narrow<T>(images.to(device));
  std::vector<double> all;
  for (int i = 0; i < steps; ++i) {
    random.next_step();
    const auto r = step(real, random);
    for (const auto& t : {r.loss_d, r.loss_g, r.d_real, r.d_fake, r.grad_norm_d, r.grad_norm_g})
      all.push_back(static_cast<double>(t.item()));
  }
  return all;
}

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
  gan::AdversarialStep<T> step(networks, hyper, hyper);
  return reports(step, device);
}

/// Networks in bfloat16 and the float ones that they follow.
struct Followers {
  explicit Followers(Device device) {
    masters.to(device);
    copies.follow(masters);
  }
  gan::Networks<float> masters = tiny_networks(1);
  gan::Networks<bfloat16> copies = tiny_networks<bfloat16>(2);
};

std::vector<double> reports_in_bfloat16(Device device) {
  Followers n(device);
  gan::AdversarialStep<bfloat16> step(n.copies, hyper, hyper, {}, &n.masters);
  return reports(step, device);
}

TEST_CASE("Training on tensor cores of the emulated device") {
  const Device there = Device::emulated();
  const std::vector<double> exact = reports<double>(Device::cpu()), cpu = reports<float>(Device::cpu()),
                            fp32 = reports<float>(there);
  double worst = float_eps;
  for (std::size_t i = 0; i < exact.size(); ++i)
    worst = std::max(worst, std::fabs(cpu[i] - exact[i]) / std::fabs(exact[i]));
  // Operands are rounded to 11 or 8 bits instead of 24, so results may be off by that much more than the CPU's, of which the
  // worst counts and 8 times that, as single ones happen to be right. With elements of bfloat16 everything else is rounded too.
  const auto check_near = [&](const std::vector<double>& found, double coarser) {
    for (std::size_t i = 0; i < exact.size(); ++i) {
      CAPTURE(i, found[i], exact[i], worst);
      CHECK(std::fabs(found[i] - exact[i]) <= 8 * coarser * worst * std::fabs(exact[i]));
    }
  };
  for (const Precision p : {Precision::tf32, Precision::bf16}) {
    const UsePrecision use(p);
    const std::vector<double> found = reports<float>(there);
    CHECK(found != fp32);  // the precision reaches the kernels
    CHECK(found == reports<float>(there));
    check_near(found, p == Precision::tf32 ? 0x1p13 : 0x1p16);
  }
  const std::vector<double> found = reports_in_bfloat16(there);
  CHECK(found == reports_in_bfloat16(there));
  check_near(found, 0x1p16);
}

TEST_CASE("Steps in bfloat16: masters lead, statistics are theirs, and a captured step gives the same bits") {
  const Device there = Device::emulated();
  const auto run = [&](train::CapturedStep::Mode mode) {
    Followers n(there);
    gan::AdversarialStep<bfloat16> step(n.copies, hyper, hyper, {}, &n.masters);
    Generator random(5, there);
    const Tensor<bfloat16> real = narrow<bfloat16>(tiny_images(1).to(there));
    train::ValueRing<float> losses(2, 8, there);
    train::CapturedStep captured(
        there,
        [&] {
          random.next_step();
          const auto r = step(real, random);
          losses.record({r.loss_d, r.loss_g});
        },
        mode);
    for (int i = 0; i < 4; ++i) captured();
    std::vector<std::vector<float>> all = losses.drain();
    for (const auto* pair : {&n.masters.generator, &n.masters.discriminator})
      for (const auto& variables : {pair->parameters(), pair->buffers()})
        for (const Variable<float>& v : variables) all.push_back(v.value().to_vector());
    const auto check_followed = [](const nn::Sequential<bfloat16>& copy, const nn::Sequential<float>& master) {
      const auto p = copy.parameters();
      const auto of = master.parameters();
      for (std::size_t i = 0; i < p.size(); ++i) CHECK(same_bits(p[i].value(), narrow<bfloat16>(of[i].value())));
    };
    check_followed(n.copies.generator, n.masters.generator);
    check_followed(n.copies.discriminator, n.masters.discriminator);
    const gan::Networks<float> first = tiny_networks(1);
    CHECK(n.masters.generator.parameters()[0].value().to_vector() != first.generator.parameters()[0].value().to_vector());
    CHECK(n.masters.generator.buffers()[0].value().to_vector() != first.generator.buffers()[0].value().to_vector());
    return all;
  };
  CHECK(run(train::CapturedStep::Mode::eager) == run(train::CapturedStep::Mode::automatic));
}

}  // namespace
}  // namespace tinygan
