// Training as a whole: losses in range, the same bits at any number of threads and from run to run, flat memory.
#include <tinygan/data/batches.hpp>
#include <tinygan/data/device_images.hpp>
#include <tinygan/data/strokes.hpp>
#include <tinygan/gan/step.hpp>

#include "models/tiny_networks.hpp"
#include "support/catch.hpp"

using namespace tinygan;
using namespace tinygan::test;

namespace {

/// Trains `small` on stroke digits, batch 16, and returns all parameters and statistics; `see` is given each report.
template <class See>
std::vector<Tensor<float>> train_small(int steps, int threads, See see) {
  const int before = cpu::threads();
  cpu::set_threads(threads);
  const data::DeviceImages images(data::stroke_digits(64, 1));
  data::Batches batches(images.count(), {.batch_size = 16});
  Generator random(2);
  models::Networks<float> networks = models::make_networks<float>(models::Network::small, {}, random);
  gan::AdversarialStep<float> step(networks, AdamHyper::gan(), AdamHyper::gan());
  for (int i = 0; i < steps; ++i) {
    random.next_step();
    see(step(images.batch<float>(batches.next(), -1, 1), random));
  }
  std::vector<Tensor<float>> all;
  for (const nn::Sequential<float>* model : {&networks.generator, &networks.discriminator})
    for (const auto& variables : {model->parameters(), model->buffers()})
      for (const Tensor<float>& t : snapshot(variables)) all.push_back(t);
  cpu::set_threads(before);
  return all;
}

}  // namespace

TEST_CASE("25 steps of `small` on stroke digits: losses stay in range, and the generator changes") {
  int seen = 0;
  const auto trained = train_small(25, 2, [&](const gan::StepMetrics<Tensor<float>>& r) {
    CAPTURE(seen, r.loss_d.item(), r.loss_g.item());
    // A coin's losses are 2 ln 2 and ln 2; far from them one side has lost.
    CHECK((r.loss_d.item() > 0.05f && r.loss_d.item() < 3));
    CHECK((r.loss_g.item() > 0.2f && r.loss_g.item() < 5));
    CHECK((r.d_real.item() > 0 && r.d_real.item() < 1));
    CHECK((r.d_fake.item() > 0 && r.d_fake.item() < 1));
    ++seen;
  });
  CHECK(seen == 25);
  const auto untrained = train_small(0, 2, [](const auto&) {});
  REQUIRE(trained.size() == untrained.size());
  for (std::size_t i = 0; i < trained.size(); ++i) CHECK_FALSE(same_bits(trained[i], untrained[i]));
  for (const Tensor<float>& t : trained)
    for (double v : array(t)) REQUIRE(std::isfinite(v));
}

TEST_CASE("training gives the same bits at 1, 2 and 3 threads and from run to run") {
  const auto nothing = [](const auto&) {};
  const auto one = train_small(3, 1, nothing);
  CHECK(same_bits(one, train_small(3, 1, nothing)));
  CHECK(same_bits(one, train_small(3, 2, nothing)));
  CHECK(same_bits(one, train_small(3, 3, nothing)));
}

TEST_CASE("200 steps: no allocation by the system after the second, and memory stays flat") {
  models::Networks<float> networks = tiny_networks(1);
  gan::AdversarialStep<float> step(networks, AdamHyper::gan(), AdamHyper::gan());
  Generator random(3);
  const Tensor<float> images = tiny_images(1);
  MemoryPool& memory = memory_pool(Device::cpu());
  MemoryPoolStats settled;
  for (int i = 0; i < 200; ++i) {
    random.next_step();
    step(images, random);
    if (i == 1) {
      settled = memory.stats();
      memory.reset_peak();
    }
  }
  const MemoryPoolStats end = memory.stats();
  CHECK(end.system_allocations == settled.system_allocations);
  CHECK(end.reserved == settled.reserved);
  CHECK(end.in_use == settled.in_use);
  CHECK(end.peak_in_use <= settled.peak_in_use);
}
