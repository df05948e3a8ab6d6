// Stochastic gradient descent with momentum.
#pragma once

#include <tinygan/optim/optimiser.hpp>

namespace tinygan::optim {

/// SGD over one list of parameters; see SgdHyper for the formula (PyTorch's).
template <class T = float>
class Sgd : public Optimiser<T> {
  using Wide = typename Optimiser<T>::Wide;

 public:
  /// Throws Error on a NaN, infinite or out-of-range hyper-parameter.
  explicit Sgd(std::vector<Variable<T>> parameters, const SgdHyper& hyper = {});

  const SgdHyper& hyper() const { return hyper_; }
  void set_hyper(const SgdHyper& h);

  /// One update with the gradients of grad(loss, parameters()). Throws Error if they do not match the parameters.
  void step(const std::vector<Variable<T>>& grads);
  /// One update with the gradients accumulated by backward().
  void step() { step(this->accumulated()); }

  /// The momentum buffers, in the order of parameters().
  const std::vector<Tensor<Wide>>& momentum_buffers() const { return m_; }

 private:
  SgdHyper hyper_;
  std::vector<Tensor<Wide>> m_;
};

template <class T>
Sgd<T>::Sgd(std::vector<Variable<T>> parameters, const SgdHyper& hyper)
    : Optimiser<T>("sgd", std::move(parameters)), m_(this->zeros_like_parameters()) {
  set_hyper(hyper);
}

template <class T>
void Sgd<T>::set_hyper(const SgdHyper& h) {
  this->check_finite("learning rate", h.learning_rate, false);
  this->check_finite("weight decay", h.weight_decay, false);
  check(h.momentum >= 0 && h.momentum < 1, this->name_, "momentum is ", h.momentum,
        ", expected at least 0 and below 1");
  hyper_ = h;
}

template <class T>
void Sgd<T>::step(const std::vector<Variable<T>>& grads) {
  std::vector<ParameterSlot<T>> slots = this->slots(grads);
  for (std::size_t i = 0; i < slots.size(); ++i) slots[i].m = m_[i].data();
  kernels<T>(this->device_).sgd(hyper_, static_cast<int>(slots.size()), slots.data(), Stream{});
  this->mark_updated();
}

}  // namespace tinygan::optim
