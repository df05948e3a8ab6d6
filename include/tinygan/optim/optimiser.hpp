// What the optimisers share: the parameters they own and the checks on what they are given.
#pragma once

#include <cmath>
#include <vector>

#include <tinygan/autograd/grad.hpp>

namespace tinygan::optim {

/// A list of parameters and their state tensors. Updates happen in place, in one kernel call, outside the tape.
template <class T>
class Optimiser {
 public:
  const std::vector<Variable<T>>& parameters() const { return parameters_; }

  /// Forgets what backward() has accumulated.
  void clear_grads() const {
    for (const Variable<T>& p : parameters_) p.clear_grad();
  }

 protected:
  /// Throws Error on an empty list, something that is no leaf requiring gradients, or parameters on different devices.
  Optimiser(const char* name, std::vector<Variable<T>> parameters) : name_(name), parameters_(std::move(parameters)) {
    check(!parameters_.empty(), name_, "no parameters");
    for (const Variable<T>& p : parameters_)
      check(p.defined() && p.requires_grad() && p.is_leaf(), name_, "a parameter is no leaf that requires gradients");
    device_ = parameters_[0].device();
    for (const Variable<T>& p : parameters_)
      check(p.device() == device_, name_, "parameters on ", device_, " and ", p.device());
  }

  std::vector<Tensor<T>> zeros_like_parameters() const {
    std::vector<Tensor<T>> state;
    for (const Variable<T>& p : parameters_) state.push_back(Tensor<T>::zeros(p.shape(), p.device()));
    return state;
  }

  /// The gradients that backward() left. Throws Error where there is none.
  std::vector<Variable<T>> accumulated() const {
    std::vector<Variable<T>> grads;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      check(parameters_[i].grad().defined(), name_, "parameter ", i, " has no gradient; call backward() first");
      grads.push_back(parameters_[i].grad());
    }
    return grads;
  }

  /// The kernel's view. Throws Error unless there is one gradient of the right shape for every parameter, and all are
  /// where the optimiser's state is.
  std::vector<ParameterSlot<T>> slots(const std::vector<Variable<T>>& grads) const {
    check(grads.size() == parameters_.size(), name_, grads.size(), " gradients for ", parameters_.size(), " parameters");
    std::vector<ParameterSlot<T>> list;
    for (std::size_t i = 0; i < grads.size(); ++i) {
      const Variable<T>& p = parameters_[i];
      check(grads[i].defined(), name_, "gradient ", i, " is empty");
      check(grads[i].shape() == p.shape(), name_, "gradient ", i, " has shape ", grads[i].shape(), ", expected ", p.shape());
      check(p.device() == device_, name_, "parameter ", i, " is on ", p.device(), ", the optimiser's state on ",
            device_, "; make the optimiser after moving the model");
      check(grads[i].device() == device_, name_, "gradient ", i, " is on ", grads[i].device(), ", its parameter on ",
            device_);
      list.push_back({p.size(), p.value().data(), grads[i].value().data(), nullptr, nullptr});
    }
    return list;
  }

  void check_finite(const char* what, double value, bool positive) const {
    check(std::isfinite(value) && (positive ? value > 0 : value >= 0), name_, what, " is ", value, ", expected a finite ",
          positive ? "positive" : "non-negative", " number");
  }

  const char* name_;
  std::vector<Variable<T>> parameters_;
  Device device_;  ///< of parameters, gradients and state
};

}  // namespace tinygan::optim
