// Optimiser: the base of the optimisers, which holds the parameters and checks gradients.
#pragma once

#include <vector>

#include <tinygan/autograd/variable.hpp>
#include <tinygan/optim/distinct.hpp>

namespace tinygan::optim {

/// A list of parameters and their state tensors. Updates happen in place, in one kernel call, outside the tape. Of
/// bfloat16 parameters the fp32 master weights are updated, Variable::master(): a step is often smaller than a
/// bfloat16's last bit.
template <class T = float>
class Optimiser {
 public:
  using Wide = wide_t<T>;  ///< of master weights and state: float where T is bfloat16, else T

  const std::vector<Variable<T>>& parameters() const { return parameters_; }

  /// Clears the gradients accumulated by backward().
  void clear_grads() const;

 protected:
  /// Throws Error on an empty list, a parameter that is not a leaf requiring gradients, one that is listed twice or
  /// shares memory with another, or tensors on different devices.
  Optimiser(const char* name, std::vector<Variable<T>> parameters);

  std::vector<Tensor<Wide>> zeros_like_parameters() const;

  /// Kernel arguments. Throws Error unless every parameter has one gradient of its shape, and all are on the device of
  /// the optimiser's state.
  std::vector<ParameterSlot<T>> slots(const std::vector<Variable<T>>& grads) const;

  /// Bumps the versions after an update: a tape that recorded the old weights must not be differentiated with the new.
  void mark_updated() const;

  const char* name_;
  std::vector<Variable<T>> parameters_;
  Device device_;  ///< of parameters, gradients and state
};

template <class T>
void Optimiser<T>::clear_grads() const {
  for (const Variable<T>& p : parameters_) p.clear_grad();
}

template <class T>
Optimiser<T>::Optimiser(const char* name, std::vector<Variable<T>> parameters)
    : name_(name), parameters_(std::move(parameters)) {
  check(!parameters_.empty(), name_, "no parameters");
  std::vector<Tensor<T>> values;
  for (const Variable<T>& p : parameters_) {
    check(p.defined(), name_, "parameter ", values.size(), " is empty, expected a variable with a value");
    check(p.requires_grad() && p.is_leaf(), name_, "parameter ", values.size(),
          " is not a leaf that requires gradients");
    p.master();  // allocated now, not in a captured step
    values.push_back(p.value());
  }
  detail::check_distinct(name_, "parameter", values);
  device_ = parameters_[0].device();
  for (const Variable<T>& p : parameters_)
    check(p.device() == device_, name_, "parameters on ", device_, " and ", p.device());
}

template <class T>
auto Optimiser<T>::zeros_like_parameters() const -> std::vector<Tensor<Wide>> {
  std::vector<Tensor<Wide>> state;
  for (const Variable<T>& p : parameters_) state.push_back(Tensor<Wide>::zeros(p.shape(), p.device()));
  return state;
}

template <class T>
std::vector<ParameterSlot<T>> Optimiser<T>::slots(const std::vector<Variable<T>>& grads) const {
  check(!parameters_.empty(), name_, "there are no parameters: the optimiser was moved from");
  check(grads.size() == parameters_.size(), name_, grads.size(), " gradients for ", parameters_.size(), " parameters");
  std::vector<ParameterSlot<T>> list;
  for (std::size_t i = 0; i < grads.size(); ++i) {
    const Variable<T>&p = parameters_[i], &g = grads[i];
    check(p.device() == device_, name_, "parameter ", i, " is on ", p.device(), ", the optimiser's state on ", device_,
          "; make the optimiser after moving the model");
    check(g.defined(), name_, "gradient ", i, " is empty");
    check(g.shape() == p.shape(), name_, "gradient ", i, " has shape ", g.shape(), ", expected ", p.shape());
    check(g.device() == device_, name_, "gradient ", i, " is on ", g.device(), ", its parameter on ", device_);
    ParameterSlot<T> slot{.n = p.size(), .param = p.value().data(), .grad = g.value().data()};
    if constexpr (!std::is_same_v<T, Wide>) slot.master = p.master().data();
    list.push_back(slot);
  }
  return list;
}

template <class T>
void Optimiser<T>::mark_updated() const {
  for (const Variable<T>& p : parameters_) p.mark_updated();
}

}  // namespace tinygan::optim
