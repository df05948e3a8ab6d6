// Adversarial steps of tiny networks in bfloat16 with fp32 master weights on the emulated device. That losses are close to those in
// double is tested in test_cuda_training.cpp.
#include <tinygan/runtime/captured_step.hpp>
#include <tinygan/runtime/metric_ring.hpp>

#include "kernels/training_reports.hpp"

namespace tinygan {
namespace {

using namespace test;

TEST_CASE("Steps in bfloat16: master weights are trained, and a captured step gives the same bits") {
  const Device there = Device::emulated();
  const auto run = [&](runtime::CapturedStep::Mode mode) {
    models::Networks<bfloat16> n = tiny_networks<bfloat16>(1);
    n.to(there);
    gan::AdversarialStep<bfloat16> step(n, reports_hyper, reports_hyper);
    Generator random(5, there);
    const Tensor<bfloat16> real = cast<bfloat16>(tiny_images(1).to(there));
    runtime::MetricRing<float> losses(2, 8, random.clock());
    runtime::CapturedStep captured(
        there,
        [&] {
          random.next_step();
          const auto r = step(real, random);
          losses.record({r.loss_d, r.loss_g});
        },
        mode);
    for (int i = 0; i < 4; ++i) captured();
    std::vector<std::vector<float>> all = losses.drain();
    const models::Networks<bfloat16> first = tiny_networks<bfloat16>(1);
    for (const auto& [trained, before] :
         {std::pair{&n.generator, &first.generator}, {&n.discriminator, &first.discriminator}}) {
      for (std::size_t i = 0; i < trained->parameters().size(); ++i) {
        const Variable<bfloat16> p = trained->parameters()[i], old = before->parameters()[i];
        all.push_back(p.master().to_vector());
        CHECK(same_bits(p.value(), cast<bfloat16>(p.master())));
        CHECK(p.master().to_vector() != old.master().to_vector());
      }
      for (std::size_t i = 0; i < trained->buffers().size(); ++i) {
        all.push_back(trained->buffers()[i].value().to_vector());
        CHECK(all.back() != before->buffers()[i].value().to_vector());
      }
    }
    return all;
  };
  CHECK(run(runtime::CapturedStep::Mode::eager) == run(runtime::CapturedStep::Mode::automatic));
}

}  // namespace
}  // namespace tinygan
