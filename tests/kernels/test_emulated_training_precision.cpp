// Adversarial steps of tiny networks in bfloat16 with float masters on the emulated device. That losses are close to those in
// double is tested in test_cuda_training.cpp.
#include <tinygan/runtime/captured_step.hpp>
#include <tinygan/runtime/metric_ring.hpp>

#include "kernels/training_reports.hpp"

namespace tinygan {
namespace {

using namespace test;

TEST_CASE("Steps in bfloat16: masters lead, statistics are theirs, and a captured step gives the same bits") {
  const Device there = Device::emulated();
  const auto run = [&](train::CapturedStep::Mode mode) {
    Followers n(there);
    gan::AdversarialStep<bfloat16> step(n.copies, reports_hyper, reports_hyper, {}, &n.masters);
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
