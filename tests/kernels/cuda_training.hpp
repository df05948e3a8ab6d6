// Training on a device: captured steps against eager ones, and a step against fp32.
#pragma once

#include <tinygan/gan/step.hpp>
#include <tinygan/runtime/captured_step.hpp>
#include <tinygan/runtime/metric_ring.hpp>

#include "../../bench/gpu/check.hpp"
#include "../../kernels/forms.hpp"
#include "kernels/cuda_device.hpp"
#include "models/tiny_networks.hpp"
#include "support/amplification.hpp"

namespace tinygan::test {

/// Where a run starts: networks and a batch of images.
template <class T>
struct TrainingStart {
  models::Networks<T> networks;
  Tensor<float> images;
};

/// Networks of a millisecond a step.
inline constexpr auto tiny_start = []<class T>(T, Device device) {
  TrainingStart<T> start{tiny_networks<T>(1), tiny_images(2).to(device)};
  start.networks.to(device);
  return start;
};
inline auto network_start(models::Network network, index_t batch) {
  return [=]<class T>(T, Device device) {
    Generator random(7, device);
    TrainingStart<T> start{models::make_networks<T>(network, {}, random), {}};
    start.images = random_uniform<float>({batch, 28, 28, 1}, random, -1.0f, 1.0f);
    return start;
  };
}

/// Losses, weights, statistics after a few steps.
struct Trained {
  std::vector<std::vector<float>> losses;
  std::vector<Tensor<float>> state;
};

/// Master weights, then statistics.
template <class T>
std::vector<Tensor<float>> on_cpu(const nn::Sequential<T>& m) {
  std::vector<Tensor<float>> all;
  for (const Variable<T>& p : m.parameters()) all.push_back(p.master().to(Device::cpu()).clone());
  for (const Variable<float>& b : m.buffers()) all.push_back(b.value().to(Device::cpu()).clone());
  return all;
}

template <class T>
Trained trained(TrainingStart<T> start, Device device, runtime::CapturedStep::Mode mode, int steps) {
  gan::AdversarialStep<T> step(start.networks, AdamHyper::gan(), AdamHyper::gan());
  const Tensor<T> real = cast<T>(start.images);
  Generator random(3, device);
  runtime::MetricRing<float> ring(2, 64, random.clock());
  runtime::CapturedStep captured(
      device,
      [&] {
        random.next_step();
        const auto report = step(real, random);
        ring.record({report.loss_d, report.loss_g});
      },
      mode);
  for (int i = 0; i < steps; ++i) captured();
  CHECK(captured.captured() == (mode == runtime::CapturedStep::Mode::automatic));
  Trained result;
  result.losses = ring.drain();
  for (const nn::Sequential<T>* m : {&start.networks.generator, &start.networks.discriminator})
    for (Tensor<float>& t : on_cpu(*m)) result.state.push_back(std::move(t));
  return result;
}

inline void check_same_run(const Trained& a, const Trained& b) {
  CHECK(a.losses == b.losses);
  REQUIRE(a.state.size() == b.state.size());
  for (std::size_t i = 0; i < a.state.size(); ++i) {
    CAPTURE(i);
    CHECK(same_bits(a.state[i], b.state[i]));
  }
}

/// Two captured runs and an eager one end in the same bits, and not where they started.
template <class Start>
void check_equal_runs(const Arithmetic& by, const Start& make, int steps) {
  with_elements(by, [&]<class T>(T element) {
    using Mode = runtime::CapturedStep::Mode;
    const auto run = [&](Mode mode) { return trained(make(element, by.device), by.device, mode, steps); };
    const Trained eager = run(Mode::eager), captured = run(Mode::automatic), again = run(Mode::automatic);
    REQUIRE(eager.losses.size() == static_cast<std::size_t>(steps));
    for (const auto& losses : eager.losses)
      for (const float loss : losses) CHECK(std::isfinite(loss));
    CHECK(eager.losses.front() != eager.losses.back());
    check_same_run(eager, captured);
    check_same_run(eager, again);
  });
}

/// What a first step reports, and by how much it moves the weights of G and D: in proportion to their gradients, for
/// which Adam's epsilon is large.
struct FirstStep {
  std::vector<double> report;
  std::vector<float> moves[2];
};
template <class T>
FirstStep first_step(TrainingStart<T> start, Device device, double moved = 0, unsigned seed = 0) {
  move_weights(start.networks.generator, moved, seed);
  move_weights(start.networks.discriminator, moved, seed + 1000);
  const AdamHyper hyper{.learning_rate = 0.01, .beta1 = 0.5, .epsilon = 0.1};
  gan::AdversarialStep<T> step(start.networks, hyper, hyper);
  step.measure_norms(true);
  const nn::Sequential<T>* const models[] = {&start.networks.generator, &start.networks.discriminator};
  const std::vector<Tensor<float>> before[] = {on_cpu(*models[0]), on_cpu(*models[1])};
  Generator random(3, device);
  random.next_step();
  const auto r = step(cast<T>(start.images), random);
  FirstStep result;
  for (const auto& t : gan::values_of(r)) result.report.push_back(static_cast<double>(t.item()));
  for (std::size_t m = 0; m < 2; ++m) {
    const std::vector<Tensor<float>> after = on_cpu(*models[m]);
    for (std::size_t i = 0; i < models[m]->parameters().size(); ++i)
      for (index_t j = 0; j < after[i].size(); ++j)
        result.moves[m].push_back(after[i].data()[j] - before[m][i].data()[j]);
  }
  return result;
}

/// A report, or the moves of a network's weights.
using Outcome = std::vector<float>;
inline std::vector<Outcome> outcomes(const FirstStep& s) {
  std::vector<Outcome> all{s.moves[0], s.moves[1]};
  for (const double r : s.report) all.push_back({static_cast<float>(r)});
  return all;
}

/// A first step in a precision against one in fp32 on `other`, within what the rounding of its products can do to it. A move
/// that has nothing to do with the gradient is off by 1 and more.
template <class Start>
void check_first_step(const Arithmetic& by, Device other, const Start& make) {
  std::vector<Outcome> found, expected;
  with_elements(by, [&]<class T>(T element) { found = outcomes(first_step(make(element, by.device), by.device)); });
  const UsePrecision exact(Precision::fp32, other);
  const auto run = [&](double moved, unsigned seed) {
    return outcomes(first_step(make(float(), other), other, moved, seed));
  };
  expected = run(0, 0);
  const double moved = moved_in_step(bench::gpu::rounding(by.precision), by.bfloat16_elements, 6272);
  const Array bound = farthest(run, moved, bench::gpu::distance);
  const support::ErrorContext context(by.name());
  for (std::size_t k = 0; k < expected.size(); ++k) {
    const double error = bench::gpu::distance(found[k], expected[k]);
    const std::string what = k == 0 ? "moves of G" : k == 1 ? "moves of D" : text("number ", k - 2, " of the report");
    support::record_error(error, bound[k], [&] { return "first step, " + what; });
    CAPTURE(what, error, bound[k]);
    CHECK(error <= bound[k]);
  }
}

}  // namespace tinygan::test
