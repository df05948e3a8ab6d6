// StepClock: the training step counter, on the host and on a device.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include <tinygan/base/host_work.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/tensor/tensor.hpp>

namespace tinygan {

/// Counts steps for random numbers, optimisers, loader and metric ring, with one launch a step for all that share it.
/// Copies share the count.
class StepClock {
 public:
  explicit StepClock(Device device = Device::cpu());

  /// False after a move.
  bool defined() const { return state_ != nullptr; }
  Device device() const { return state_->counter.device(); }
  std::uint64_t step() const { return state_->step; }
  /// The count in device memory, which kernels read.
  const Tensor<std::uint64_t>& counter() const { return state_->counter; }

  /// Begins the next step. May be captured.
  void tick() const;
  /// Goes to a step, on the host and on the device.
  void set(std::uint64_t step) const;
  /// Copies the step of another clock; the address of the counter, which captured steps read, stays the same.
  void set(const StepClock& other) const;
  /// An independent clock at the same step.
  StepClock clone() const;

 private:
  struct State {
    explicit State(Tensor<std::uint64_t> c) : counter(std::move(c)) {}
    Tensor<std::uint64_t> counter;
    std::uint64_t step = 0;
  };
  explicit StepClock(std::shared_ptr<State> state) : state_(std::move(state)) {}

  std::shared_ptr<State> state_;
};

}  // namespace tinygan

#ifdef TINYGAN_FUNC

namespace tinygan {

TINYGAN_CTOR StepClock::StepClock(Device device)
    : state_(std::make_shared<State>(Tensor<std::uint64_t>::zeros({1}, device))) {}

TINYGAN_FUNC void StepClock::tick() const {
  HostWork::each_step(
      state_.get(), "StepClock", [s = state_] { ++s->step; }, HostWork::Times::any);
  count_up(counter().data(), device());
  counter().bump_version();
}

TINYGAN_FUNC void StepClock::set(std::uint64_t step) const {
  counter().copy_from(std::span<const std::uint64_t>(&step, 1));
  state_->step = step;
}

TINYGAN_FUNC void StepClock::set(const StepClock& other) const {
  counter().copy_from(other.counter());
  state_->step = other.step();
}

TINYGAN_FUNC StepClock StepClock::clone() const {
  StepClock clock(std::make_shared<State>(counter().clone()));
  clock.state_->step = step();
  return clock;
}

}  // namespace tinygan

#endif
