// Adam.
#pragma once

#include <tinygan/optim/optimiser.hpp>
#include <tinygan/tensor/step_clock.hpp>

namespace tinygan::optim {

/// Adam over one list of parameters; see AdamHyper for the formula. Counts its updates, or reads the count of a shared
/// clock.
/// Source: Kingma & Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015.
template <class T = float>
class Adam : public Optimiser<T> {
  using Wide = typename Optimiser<T>::Wide;

 public:
  /// Throws Error on a NaN, infinite or out-of-range hyper-parameter.
  explicit Adam(std::vector<Variable<T>> parameters, const AdamHyper& hyper = {});

  const AdamHyper& hyper() const { return hyper_; }
  void set_hyper(const AdamHyper& h);

  /// One update with the gradients of grad(loss, parameters()). Throws Error if they do not match the parameters, or if
  /// a clock in use has not ticked yet.
  void step(const std::vector<Variable<T>>& grads);
  /// One update with the gradients accumulated by backward().
  void step() { step(this->accumulated()); }

  /// Uses the step of `clock` as the number of updates, which saves a launch per step. For an optimiser that updates
  /// once per step of the clock. Throws Error if clock and parameters are on different devices.
  void use_clock(const StepClock& clock);

  // State, for checkpoints: the number of updates and both moments, in the order of parameters().
  std::uint64_t steps() const { return clock_.step(); }
  void set_steps(std::uint64_t steps) { clock_.set(steps); }
  const std::vector<Tensor<Wide>>& first_moments() const { return m_; }
  const std::vector<Tensor<Wide>>& second_moments() const { return v_; }

 private:
  AdamHyper hyper_;
  StepClock clock_;
  bool counts_ = true;
  std::vector<Tensor<Wide>> m_, v_;
};

template <class T>
Adam<T>::Adam(std::vector<Variable<T>> parameters, const AdamHyper& hyper)
    : Optimiser<T>("adam", std::move(parameters)), clock_(this->device_), m_(this->zeros_like_parameters()),
      v_(this->zeros_like_parameters()) {
  set_hyper(hyper);
}

template <class T>
void Adam<T>::set_hyper(const AdamHyper& h) {
  this->check_finite("learning rate", h.learning_rate, false);
  this->check_finite("epsilon", h.epsilon, true);
  this->check_finite("weight decay", h.weight_decay, false);
  check(h.beta1 >= 0 && h.beta1 < 1, this->name_, "beta1 is ", h.beta1, ", expected at least 0 and below 1");
  check(h.beta2 >= 0 && h.beta2 < 1, this->name_, "beta2 is ", h.beta2, ", expected at least 0 and below 1");
  check(h.decay.valid(), this->name_, "the rate decays from update ", h.decay.begin, " to ", h.decay.end,
        ", expected 0 <= begin < end, or end 0 for none");
  hyper_ = h;
}

template <class T>
void Adam<T>::step(const std::vector<Variable<T>>& grads) {
  std::vector<ParameterSlot<T>> slots = this->slots(grads);
  for (std::size_t i = 0; i < slots.size(); ++i) {
    slots[i].m = m_[i].data();
    slots[i].v = v_[i].data();
  }
  if (counts_) clock_.tick();
  check(clock_.step() >= 1, this->name_, "the clock in use is at step 0, expected tick() before the first update");
  kernels<T>(this->device_)
      .adam(hyper_, static_cast<int>(slots.size()), slots.data(), clock_.counter().data(), Stream{});
  this->mark_updated();
}

template <class T>
void Adam<T>::use_clock(const StepClock& clock) {
  check(clock.device() == this->device_, this->name_, "clock on ", clock.device(), ", expected ", this->device_,
        ", the device of the parameters");
  clock_ = clock;
  counts_ = false;
}

}  // namespace tinygan::optim
