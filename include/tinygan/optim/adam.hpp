// Adam.
#pragma once

#include <tinygan/optim/optimiser.hpp>

namespace tinygan::optim {

/// Adam over one list of parameters; see AdamHyper for the formula. The step count lives on the device.
/// Source: Kingma & Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015.
template <class T = float>
class Adam : public Optimiser<T> {
  using Wide = typename Optimiser<T>::Wide;

 public:
  /// Throws Error on a NaN, infinite or out-of-range hyper-parameter.
  explicit Adam(std::vector<Variable<T>> parameters, const AdamHyper& hyper = {})
      : Optimiser<T>("adam", std::move(parameters)),
        step_(Tensor<std::uint64_t>::zeros({1}, this->device_)),
        m_(this->zeros_like_parameters()),
        v_(this->zeros_like_parameters()) {
    set_hyper(hyper);
  }

  const AdamHyper& hyper() const { return hyper_; }
  void set_hyper(const AdamHyper& h) {
    this->check_finite("learning rate", h.learning_rate, false);
    this->check_finite("epsilon", h.epsilon, true);
    this->check_finite("weight decay", h.weight_decay, false);
    check(h.beta1 >= 0 && h.beta1 < 1, this->name_, "beta1 is ", h.beta1, ", expected at least 0 and below 1");
    check(h.beta2 >= 0 && h.beta2 < 1, this->name_, "beta2 is ", h.beta2, ", expected at least 0 and below 1");
    hyper_ = h;
  }

  /// One update with the gradients of grad(loss, parameters()). Throws Error if they do not match the parameters.
  void step(const std::vector<Variable<T>>& grads) {
    std::vector<ParameterSlot<T>> slots = this->slots(grads);
    for (std::size_t i = 0; i < slots.size(); ++i) {
      slots[i].m = m_[i].data();
      slots[i].v = v_[i].data();
    }
    count_up(step_.data(), step_.device());
    kernels<T>(step_.device()).adam(hyper_, static_cast<int>(slots.size()), slots.data(), step_.data(), Stream{});
    this->mark_updated();
  }
  /// One update with what backward() has accumulated.
  void step() { step(this->accumulated()); }

  // State, for checkpoints: the number of updates and both moments, in the order of parameters().
  std::uint64_t steps() const { return step_.item(); }
  void set_steps(std::uint64_t steps) { step_.copy_from(std::span<const std::uint64_t>(&steps, 1)); }
  const std::vector<Tensor<Wide>>& first_moments() const { return m_; }
  const std::vector<Tensor<Wide>>& second_moments() const { return v_; }

 private:
  AdamHyper hyper_;
  Tensor<std::uint64_t> step_;
  std::vector<Tensor<Wide>> m_, v_;
};

}  // namespace tinygan::optim
