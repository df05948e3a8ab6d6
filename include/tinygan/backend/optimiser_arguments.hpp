// Arguments of the optimiser kernels: hyper-parameters and lists of tensors.
#pragma once

#include <tinygan/backend/bfloat16.hpp>
#include <tinygan/backend/rate_schedule.hpp>
#include <tinygan/base/shape.hpp>

namespace tinygan {

/// One parameter tensor, its gradient, and its optimiser state m and v (v unused by SGD). With master weights these are
/// updated and rounded to param; without them (only where T is wide) param is updated itself.
template <class T>
struct ParameterSlot {
  index_t n = 0;
  T* param = nullptr;
  const T* grad = nullptr;
  wide_t<T>* m = nullptr;
  wide_t<T>* v = nullptr;
  wide_t<T>* master = nullptr;
};

/// A mutable run of elements.
template <class T>
struct Segment {
  index_t n = 0;
  T* data = nullptr;
};

/// Adam (Kingma & Ba 2015), whose defaults these are: m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2;
///   p -= lr * (m / (1-b1^t)) / (sqrt(v / (1-b2^t)) + eps)                     epsilon_hat = false (the paper, PyTorch)
///   p -= lr * sqrt(1-b2^t)/(1-b1^t) * m / (sqrt(v) + eps)                     epsilon_hat = true  (Keras)
///   p -= lr * m / (sqrt(v) + eps)                                             bias_correction = false
/// with decoupled weight decay p -= lr * weight_decay * p before it (AdamW) when weight_decay > 0. At update t
/// lr = learning_rate * schedule.at(t - 1).
struct AdamHyper {
  double learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0;
  bool epsilon_hat = false, bias_correction = true;
  RateSchedule schedule = {};

  /// What DCGANs are trained with. Source: Radford, Metz, Chintala 2015.
  static constexpr AdamHyper gan() { return {.learning_rate = 2e-4, .beta1 = 0.5}; }

  /// The learning rate of update t >= 1.
  constexpr double rate(double t) const { return learning_rate * schedule.at(t - 1); }
};

/// SGD: g += weight_decay p; m = momentum m + g; p -= lr * (nesterov ? g + momentum m : m). At update t
/// lr = learning_rate * schedule.at(t - 1).
struct SgdHyper {
  double learning_rate = 1e-2, momentum = 0, weight_decay = 0;
  bool nesterov = false;
  RateSchedule schedule = {};

  /// The learning rate of update t >= 1.
  constexpr double rate(double t) const { return learning_rate * schedule.at(t - 1); }
};

}  // namespace tinygan
