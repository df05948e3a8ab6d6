// Steps of the objectives on the emulated device: what each adds to the default step is captured, and in bfloat16 near
// fp32.
#include <tinygan/runtime/captured_step.hpp>
#include <tinygan/runtime/metric_ring.hpp>

#include "kernels/training_reports.hpp"

namespace tinygan {
namespace {

using namespace test;
using gan::Loss;

/// Losses and gradient norms of pairs of steps at decaying rates, the second without penalties, then the weights. The
/// second pair is captured, the third replayed.
template <class T>
std::vector<std::vector<float>> steps_of(const gan::Objective& objective, Device device,
                                         runtime::CapturedStep::Mode mode, int pairs) {
  models::Networks<T> n = tiny_critic_networks<T>(1);
  n.to(device);
  AdamHyper hyper = reports_hyper;
  hyper.schedule = {.decay = RateSchedule::Decay::linear, .begin = 2, .end = 10};
  gan::AdversarialStep<T> step(n, hyper, hyper, objective);
  step.measure_norms(true);
  Generator random(5, device);
  step.use_clock(random.clock());
  const Tensor<T> real = cast<T>(tiny_images(1).to(device));
  runtime::MetricRing<float> metrics(static_cast<int>(gan::step_metrics<float>.size()), 16, random.clock());
  const auto variant = [&](bool penalise) {
    return [&, penalise] {
      step.penalise(penalise);
      random.next_step();
      metrics.record(gan::values_of(step(real, random)));
    };
  };
  runtime::CapturedStep with(device, variant(true), mode), without(device, variant(false), mode);
  for (int i = 0; i < pairs; ++i) {
    with();
    without();
  }
  std::vector<std::vector<float>> all = metrics.drain();
  for (const nn::Sequential<T>* model : {&n.generator, &n.discriminator})
    for (const Variable<T>& p : model->parameters()) all.push_back(p.master().to_vector());
  return all;
}

const gan::Objective objectives[] = {
    {.loss = Loss::bce_saturating, .label_smoothing = 0.1},
    {.loss = Loss::wgan, .weight_clip = 0.05, .critic_steps = 2},
    {.loss = Loss::wgan_gp, .critic_steps = 2},
    {.relativistic = true, .r1 = 1, .r2 = 1},
    {.loss = Loss::hinge, .r1 = 1, .penalty_every = 2},
};

TEST_CASE("Objectives on the emulated device: a captured step gives the bits of an eager one") {
  const auto same = [](const gan::Objective& objective, auto element) {
    using T = decltype(element);
    const auto run = [&](runtime::CapturedStep::Mode mode) {
      return steps_of<T>(objective, Device::emulated(), mode, 3);
    };
    const auto eager = run(runtime::CapturedStep::Mode::eager);
    for (const std::vector<float>& values : eager)
      for (const float v : values) REQUIRE(std::isfinite(v));
    CHECK(eager == run(runtime::CapturedStep::Mode::automatic));
  };
  for (const gan::Objective& objective : objectives) {
    CAPTURE(static_cast<int>(objective.loss), objective.relativistic);
    same(objective, float{});
    if (objective.r1 > 0) same(objective, bfloat16{});  // the penalties have casts of their own
  }
}

TEST_CASE("Objectives on the emulated device: the first step's losses and gradients are those of the CPU, nearly so in "
          "bfloat16") {
  using runtime::CapturedStep;
  for (const gan::Objective& objective : objectives) {
    const auto here = steps_of<float>(objective, Device::cpu(), CapturedStep::Mode::eager, 1).front(),
               there = steps_of<float>(objective, Device::emulated(), CapturedStep::Mode::eager, 1).front(),
               narrow = steps_of<bfloat16>(objective, Device::emulated(), CapturedStep::Mode::eager, 1).front();
    for (std::size_t i = 0; i < here.size(); ++i) {
      CAPTURE(static_cast<int>(objective.loss), objective.relativistic, i, here[i], there[i], narrow[i]);
      // Sums of at most 100 products, a few one after the other; bfloat16 rounds each layer's values to 8 bits.
      CHECK(std::fabs(there[i] - here[i]) <= 1000 * 0x1p-24f * (1 + std::fabs(here[i])));
      CHECK(std::fabs(narrow[i] - here[i]) <= 16 * 0x1p-8f * (1 + std::fabs(here[i])));
    }
  }
}

}  // namespace
}  // namespace tinygan
