// Captured training: the same bits as running every step, on the device whose graphs can be looked into.
#include <tinygan/data/data_loader.hpp>
#include <tinygan/gan/step.hpp>
#include <tinygan/runtime/captured_step.hpp>
#include <tinygan/runtime/metric_ring.hpp>

#include "kernels/emulated.hpp"
#include "models/tiny_networks.hpp"

using namespace tinygan;
using namespace tinygan::test;
using runtime::CapturedStep;
using support::contains;
using support::error_of;

namespace {

constexpr Device there = Device::emulated();

data::ImageDataset tiny_dataset() {
  data::ImageDataset d;
  d.source = "test";
  d.count = 20;
  d.height = d.width = 6;
  for (index_t i = 0; i < d.count * 36; ++i) d.images.push_back(static_cast<std::uint8_t>(i * 37 % 251));
  return d;
}

struct Trained {
  std::vector<std::vector<float>> values;
  std::vector<Tensor<float>> state;
  bool captured = false;
};

/// Trains the tiny networks; `between` runs after each step. Everything that counts steps shares one clock, or has its
/// own.
template <class Between>
Trained train_tiny(Device device, CapturedStep::Mode mode, int steps, Between between, bool one_clock = true,
                   const gan::ViewOptions& view = {}) {
  models::Networks<float> networks = tiny_networks(1);
  networks.to(device);
  gan::AdversarialStep<float> step(networks, AdamHyper::gan(), AdamHyper::gan(), {}, view);
  step.measure_norms(true);
  Generator random(3, device);
  if (one_clock) step.use_clock(random.clock());
  data::DataLoader loader(tiny_dataset(), {.batch_size = 8}, one_clock ? random.clock() : StepClock(device));
  const StepClock rows = one_clock ? random.clock() : StepClock(device);
  runtime::MetricRing<float> ring(static_cast<int>(gan::step_metrics<float>.size()), 16, rows);
  CapturedStep captured(
      device,
      [&] {
        random.next_step();
        if (!one_clock) rows.tick();
        ring.record(gan::values_of(step(loader.next(-1.0f, 1.0f), random)));
      },
      mode);
  for (int i = 0; i < steps; ++i) {
    captured();
    between(i);
  }
  Trained result;
  result.captured = captured.captured();
  result.values = ring.drain();
  for (const nn::Sequential<float>* model : {&networks.generator, &networks.discriminator})
    for (const auto& variables : {model->parameters(), model->buffers()})
      for (const Tensor<float>& t : snapshot(variables)) result.state.push_back(t.to(Device::cpu()));
  for (const auto* adam : {&step.generator_optimiser(), &step.discriminator_optimiser()}) {
    CHECK(adam->steps() == static_cast<std::uint64_t>(steps));
    for (const Tensor<float>& m : adam->first_moments()) result.state.push_back(m.to(Device::cpu()));
  }
  CHECK(random.step() == static_cast<std::uint64_t>(steps));
  return result;
}

void check_same(const Trained& a, const Trained& b) {
  CHECK(a.values == b.values);
  CHECK(same_bits(a.state, b.state));
}

const auto nothing = [](int) {};

}  // namespace

TEST_CASE("A captured step leaves the bits of running it each time, across epochs") {
  const Trained eager = train_tiny(there, CapturedStep::Mode::eager, 5, nothing);
  const Trained captured = train_tiny(there, CapturedStep::Mode::automatic, 5, nothing);
  CHECK_FALSE(eager.captured);
  CHECK(captured.captured);
  CHECK(eager.values.size() == 5);
  check_same(captured, eager);
}

TEST_CASE(
    "A captured step draws the discriminator's view anew in every replay, with the bits of running it each time") {
  const gan::ViewOptions view{.augment = {.color = true, .translation = true, .cutout = true},
                              .noise = 0.1,
                              .noise_decay = optim::linear_schedule({.begin = 1, .end = 4})};
  const Trained eager = train_tiny(there, CapturedStep::Mode::eager, 5, nothing, true, view);
  const Trained captured = train_tiny(there, CapturedStep::Mode::automatic, 5, nothing, true, view);
  CHECK(captured.captured);
  check_same(captured, eager);
  CHECK_FALSE(same_bits(eager.state, train_tiny(there, CapturedStep::Mode::eager, 5, nothing).state));
}

TEST_CASE("One clock leaves the bits of a count each") {
  for (const CapturedStep::Mode mode : {CapturedStep::Mode::eager, CapturedStep::Mode::automatic})
    check_same(train_tiny(there, mode, 5, nothing), train_tiny(there, mode, 5, nothing, false));
}

TEST_CASE("A clock has the same step on host and device, however it got there") {
  for (const Device device : {Device::cpu(), there}) {
    const StepClock clock(device), same = clock, other(device);
    const auto check_at = [](const StepClock& c, std::uint64_t step) {
      CHECK(c.step() == step);
      CHECK(c.counter().item() == step);
    };
    CapturedStep twice(device, [&] {
      clock.tick();
      clock.tick();
    });
    for (std::uint64_t i = 1; i <= 3; ++i) {
      twice();
      check_at(same, 2 * i);
    }
    clock.set(40);
    twice();
    check_at(same, 42);
    const StepClock copy = clock.clone();
    copy.tick();
    check_at(copy, 43);
    check_at(clock, 42);
    other.set(5);
    clock.set(other);
    twice();
    check_at(same, 7);
    check_at(other, 5);
  }
}

TEST_CASE("What is made between two replays does not come to lie on the step's temporaries") {
  std::vector<Tensor<float>> kept;
  const Trained busy = train_tiny(there, CapturedStep::Mode::automatic, 5, [&](int i) {
    for (const index_t size : {8, 36, 288, 1000})
      kept.push_back(Tensor<float>::full({size}, static_cast<float>(i), there));
  });
  check_same(busy, train_tiny(there, CapturedStep::Mode::eager, 5, nothing));
  for (std::size_t k = 0; k < kept.size(); ++k)
    for (const float v : kept[k].to_vector()) REQUIRE(v == static_cast<float>(k / 4));
}

TEST_CASE("On the CPU a captured step is the step itself") {
  int runs = 0;
  CapturedStep step(Device::cpu(), [&] { ++runs; });
  for (int i = 0; i < 4; ++i) step();
  CHECK(runs == 4);
  CHECK_FALSE(step.captured());
}

TEST_CASE("A capture runs nothing, a replay everything, and forget() starts over") {
  const auto counter = Tensor<std::uint64_t>::zeros({1}, there);
  int runs = 0;
  CapturedStep step(there, [&] {
    ++runs;
    count_up(counter.data(), there);
  });
  for (std::uint64_t i = 1; i <= 4; ++i) {
    step();
    CHECK(counter.item() == i);
  }
  CHECK(runs == 2);
  step.forget();
  step();
  CHECK(runs == 3);
  CHECK(counter.item() == 5);
}

TEST_CASE("What a graph cannot hold is an error, and the device goes on working") {
  const Tensor<float> x = Tensor<float>::full({4}, 2.0f, there);
  std::vector<Tensor<float>> kept;
  const auto second_call = [&](std::function<void()> f) {
    CapturedStep step(there, std::move(f));
    step();
    const std::string e = error_of(step);
    CHECK_FALSE(step.captured());
    CHECK(x.to_vector() == std::vector<float>(4, 2.0f));
    return e;
  };
  CHECK(contains(second_call([&] { x.to_vector(); }), "copy to the host while the step is being captured"));
  CHECK(contains(second_call([&] { x.copy_from(std::vector<float>(4, 2.0f)); }), "copy from the host"));
  CHECK(contains(second_call([&] { synchronize(there); }), "waiting for the device"));
  CHECK(contains(second_call([&] { kept.emplace_back(Shape{1 << 20}, there); }), "a request for memory"));
}

TEST_CASE("Host work of a step precedes each of its runs, and nothing of a step that fails is kept") {
  std::vector<int> log;
  const int a = 0, b = 0;
  bool fails = true;
  CapturedStep step(there, [&] {
    HostWork::each_step(&a, "a", [&] { log.push_back(1); });
    check(!std::exchange(fails, false), "step", "fails");
    HostWork::each_step(&b, "b", [&] { log.push_back(2); });
  });
  CHECK(contains(error_of(step), "step: fails"));
  CHECK(std::exchange(log, {}) == std::vector<int>{1});
  for (int i = 0; i < 4; ++i) {
    step();
    CHECK(std::exchange(log, {}) == std::vector<int>{1, 2});
  }
  CHECK(step.captured());
  step.forget();
  step();
  CHECK(std::exchange(log, {}) == std::vector<int>{1, 2});
  HostWork::each_step(&a, "a", [&] { log.push_back(3); });  // outside
  step();
  CHECK(log == std::vector<int>{3, 1, 2});
}

TEST_CASE("A captured step takes one batch of a loader, from the first run on") {
  data::DataLoader loader(tiny_dataset(), {.batch_size = 8}, there);
  CapturedStep two(there, [&] {
    loader.next(-1.0f, 1.0f);
    loader.next(-1.0f, 1.0f);
  });
  CHECK(contains(error_of(two), "DataLoader: is used twice in a step"));
  int runs = 0;
  CapturedStep late(there, [&] {
    if (runs++ > 0) loader.next(-1.0f, 1.0f);
  });
  late();
  CHECK(contains(error_of(late), "was not used in the first run of this captured step"));
}

TEST_CASE("Two captured steps share a loader: each replay has the batch after the last one") {
  const data::BatchOptions options{.batch_size = 8};
  data::DataLoader loader(tiny_dataset(), options, there), expected(tiny_dataset(), options, there);
  Tensor<float> seen({8, 6, 6, 1}, there);
  const auto take = [&] { seen.copy_from(loader.next(-1.0f, 1.0f)); };
  CapturedStep one(there, take), other(there, take);
  for (const int which : {0, 0, 0, 1, 1, 0, 1, 1, 0}) {
    (which == 0 ? one : other)();
    CHECK(seen.to_vector() == expected.next(-1.0f, 1.0f).to_vector());
    CHECK(loader.position() == expected.position());
  }
  CHECK((one.captured() && other.captured()));
}

TEST_CASE("A copy within the device is part of a captured step") {
  const Tensor<float> from = Tensor<float>::full({4}, 1.0f, there), to = Tensor<float>::zeros({4}, there);
  CapturedStep step(there, [&] { to.copy_from(from); });
  for (int i = 0; i < 3; ++i) {
    from.fill(static_cast<float>(i));
    step();
    CHECK(to.to_vector() == std::vector<float>(4, static_cast<float>(i)));
  }
}

TEST_CASE("A ring keeps the latest rows, in order, and NaN for what was not measured") {
  for (const Device device : {Device::cpu(), there}) {
    const StepClock clock(device);
    clock.set(11);
    runtime::MetricRing<float> ring(2, 3, clock);
    CHECK(ring.drain().empty());
    const auto value = [&](float v) { return Tensor<float>::scalar(v, device); };
    const auto record = [&](int i, const Tensor<float>& second) {
      clock.tick();
      ring.record({value(static_cast<float>(i)), second});
    };
    for (int i = 0; i < 2; ++i) record(i, value(10));
    CHECK(ring.drain() == std::vector<std::vector<float>>{{0, 10}, {1, 10}});
    for (int i = 2; i < 7; ++i) record(i, {});
    const auto rows = ring.drain();
    REQUIRE(rows.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(rows[i][0] == static_cast<float>(4 + i));
      CHECK(std::isnan(rows[i][1]));
    }
    CHECK(ring.drain().empty());
    record(7, value(10));
    CHECK(contains(error_of([&] { ring.record({value(8), value(10)}); }), "a row of step 19 after that of step 19"));
    CHECK(ring.drain() == std::vector<std::vector<float>>{{7, 10}});
    CHECK(contains(error_of([&] { ring.record({value(1)}); }), "1 values, expected 2"));
    CHECK(contains(error_of([&] { ring.record({value(1), Tensor<float>::zeros({2}, device)}); }), "expected a scalar"));
    CHECK(contains(error_of([&] { runtime::MetricRing<float>(9, 3, clock); }), "expected 1 to 8"));
  }
}

TEST_CASE("a loss of target tensors can be captured") {
  const Variable<float> x(Tensor<float>::full({4}, 2, there), true);
  const Variable<float> t(Tensor<float>::full({4}, 1, there));
  Tensor<float> loss;
  CapturedStep step(there, [&] { loss = nn::bce_with_logits(x, t).value(); });
  for (int i = 0; i < 3; ++i) CHECK_NOTHROW(step());
  CHECK(step.captured());
  const double expected = std::log1p(std::exp(-2.0));  // a mean of 4 terms of two functions of 3 ulp: 4 + 16 roundings
  CHECK(std::fabs(static_cast<double>(loss.item()) - expected) <= 20 * 0x1p-24 * expected);
}
