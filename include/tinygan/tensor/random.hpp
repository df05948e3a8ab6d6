// Generator: a counter-based random number generator. Its state is three numbers: seed, step and draw.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <thread>
#include <utility>

#include <tinygan/base/outline.hpp>
#include <tinygan/tensor/step_clock.hpp>
#include <tinygan/tensor/tensor.hpp>

namespace tinygan {

/// A key, and a tensor that keeps its step counter alive.
struct RandomDraw {
  RandomKey key;
  Tensor<std::uint64_t> step;
};

/// Element i of draw d in step s is a function of (seed, s, d, i) alone: the same at any thread count and on any
/// device. Every random tensor is one draw. next_step() ticks the clock and resets the draw to 0; a captured step
/// replays that tick. Call next_step() between steps only: a backward pass repeats the draws of its forward pass. A
/// copy continues the original's sequence independently. Assignment keeps the address of the step counter, so that
/// captured steps stay valid.
class Generator {
 public:
  explicit Generator(std::uint64_t seed = 0, Device device = Device::cpu()) : seed_(seed), clock_(device) {}

  Generator(const Generator& other) : seed_(other.seed_), draw_(other.draw_), clock_(other.clock().clone()) {}
  Generator& operator=(const Generator& other) {
    if (clock_.defined() && device() == other.device()) clock_.set(other.clock_);
    else clock_ = other.clock().clone();
    seed_ = other.seed_;
    draw_ = other.draw_;
    return *this;
  }
  /// Moves the step counter, too: a moved-from generator can only be assigned to.
  Generator(Generator&&) = default;
  Generator& operator=(Generator&&) = default;

  std::uint64_t seed() const { return seed_; }
  std::uint32_t draw() const { return draw_; }
  std::uint64_t step() const { return clock().step(); }
  Device device() const { return clock().device(); }
  /// The clock that next_step() ticks; others may share it. Throws Error if the generator was moved from.
  const StepClock& clock() const;

  /// The key of the next draw: each draw has other numbers.
  RandomDraw next() { return {{seed_, draw_++, clock().counter().data()}, clock_.counter()}; }
  /// Begins the next step: its draws count from 0 again, and have other numbers than those of every other step.
  void next_step();
  /// Goes to a step, whose draws then have the numbers that they had or will have.
  void set_step(std::uint64_t step);
  /// Resets to the state of a new generator with this seed.
  void reseed(std::uint64_t seed);
  /// Expires with this object, for holders of a reference.
  std::weak_ptr<const void> lifetime() const { return lifetime_.token; }

 private:
  std::uint64_t seed_;
  std::uint32_t draw_ = 0;
  StepClock clock_;

  /// Not copied or moved with the generator.
  struct Lifetime {
    Lifetime() = default;
    Lifetime(const Lifetime&) {}
    // NOLINTNEXTLINE(bugprone-unhandled-self-assignment): nothing is assigned
    Lifetime& operator=(const Lifetime&) { return *this; }
    std::shared_ptr<const void> token = std::make_shared<char>();
  } lifetime_;
};

namespace detail {

[[gnu::visibility("default")]] inline const std::thread::id main_thread = std::this_thread::get_id();

/// 0 in the main thread; in the other threads 1, 2, ... in the order of their first call.
[[gnu::visibility("default")]] std::uint64_t thread_number();

}  // namespace detail

/// The default generator of a thread and device. Its seed is 0 in the main thread; every other thread has a seed of its
/// own, by the order of the threads' first use.
[[gnu::visibility("default")]] Generator& default_generator(Device device = Device::cpu());

/// y = low + (high - low) u, u uniform in [0,1).
template <class T>
Tensor<T> random_uniform(const Shape& shape, Generator& g = default_generator(), T low = T(0), T high = T(1)) {
  check(low < high, "random_uniform", "low ", low, " is not below high ", high);
  Tensor<T> y(shape, g.device());
  kernels<T>(g.device()).random_uniform(y.size(), g.next().key, low, high, y.data(), Stream{});
  return y;
}

/// y = mean + stddev z, z standard normal (Box-Muller).
template <class T>
Tensor<T> random_normal(const Shape& shape, Generator& g = default_generator(), T mean = T(0), T stddev = T(1)) {
  check(stddev >= T(0), "random_normal", "standard deviation ", stddev, ", expected at least 0");
  Tensor<T> y(shape, g.device());
  kernels<T>(g.device()).random_normal(y.size(), g.next().key, mean, stddev, y.data(), Stream{});
  return y;
}

/// y = 1 with probability p, else 0.
template <class T>
Tensor<T> random_bernoulli(const Shape& shape, T p, Generator& g = default_generator()) {
  check(p >= T(0) && p <= T(1), "random_bernoulli", "probability ", p, ", expected 0 to 1");
  Tensor<T> y(shape, g.device());
  kernels<T>(g.device()).random_bernoulli(y.size(), g.next().key, p, y.data(), Stream{});
  return y;
}

/// y = an integer from low to high, both included.
Tensor<std::int32_t> random_integers(const Shape& shape, std::int32_t low, std::int32_t high,
                                     Generator& g = default_generator());

}  // namespace tinygan

#ifdef TINYGAN_FUNC

namespace tinygan {

TINYGAN_FUNC const StepClock& Generator::clock() const {
  check(clock_.defined(), "Generator", "the generator was moved from");
  return clock_;
}

TINYGAN_FUNC void Generator::next_step() {
  clock().tick();
  draw_ = 0;
}

TINYGAN_FUNC void Generator::set_step(std::uint64_t step) {
  clock().set(step);
  draw_ = 0;
}

TINYGAN_FUNC void Generator::reseed(std::uint64_t seed) {
  seed_ = seed;
  set_step(0);
}

TINYGAN_FUNC Tensor<std::int32_t> random_integers(const Shape& shape, std::int32_t low, std::int32_t high,
                                                  Generator& g) {
  check(low <= high, "random_integers", "low ", low, " is above high ", high);
  Tensor<std::int32_t> y(shape, g.device());
  kernels<float>(g.device()).random_integers(y.size(), g.next().key, low, high, y.data(), Stream{});
  return y;
}

}  // namespace tinygan

namespace tinygan::detail {

TINYGAN_FUNC std::uint64_t thread_number() {
  static constinit std::atomic<std::uint64_t> others{0};
  thread_local const std::uint64_t number =
      std::this_thread::get_id() == main_thread ? 0 : others.fetch_add(1, std::memory_order_relaxed) + 1;
  return number;
}

}  // namespace tinygan::detail

namespace tinygan {

TINYGAN_FUNC Generator& default_generator(Device device) {
  thread_local std::map<std::pair<DeviceType, int>, Generator> generators;
  constexpr std::uint64_t spread = 0x9E3779B97F4A7C15u;  // far from the small seeds that programs choose
  return generators.try_emplace({device.type, device.index}, detail::thread_number() * spread, device).first->second;
}

}  // namespace tinygan

#endif
