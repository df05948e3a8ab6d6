// Adam, with AdamW.
#pragma once

#include <tinygan/optim/grouped_optimiser.hpp>

namespace tinygan::optim {

/// AdamHyper with the weight decay that AdamW is used with.
struct AdamWHyper {
  double learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 1e-2;
  RateSchedule schedule = {};

  constexpr operator AdamHyper() const {  // NOLINT: implicit
    return {.learning_rate = learning_rate,
            .beta1 = beta1,
            .beta2 = beta2,
            .epsilon = epsilon,
            .weight_decay = weight_decay,
            .schedule = schedule};
  }
};

/// Adam over a list of parameters, or over several groups of them; see AdamHyper for the formula.
/// Source: Kingma & Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015.
template <class T = float>
class Adam : public GroupedOptimiser<T, AdamHyper> {
  using Wide = typename Optimiser<T>::Wide;

 public:
  /// Throws Error on a NaN, infinite or out-of-range hyper-parameter.
  explicit Adam(std::vector<Variable<T>> parameters, const AdamHyper& hyper = {});
  explicit Adam(std::vector<ParameterGroup<T, AdamHyper>> groups);

  // State, for checkpoints: both moments, in the order of parameters().
  const std::vector<Tensor<Wide>>& first_moments() const { return this->m_; }
  const std::vector<Tensor<Wide>>& second_moments() const { return this->v_; }
};

/// Adam with decoupled weight decay, p -= lr * weight_decay * p before each update; see AdamHyper for the formula.
/// decay_kernels_only() leaves biases and norms out of the decay.
/// Source: Loshchilov & Hutter, "Decoupled Weight Decay Regularization", ICLR 2019.
template <class T = float>
class AdamW : public GroupedOptimiser<T, AdamWHyper> {
  using Wide = typename Optimiser<T>::Wide;

 public:
  /// Throws Error on a NaN, infinite or out-of-range hyper-parameter.
  explicit AdamW(std::vector<Variable<T>> parameters, const AdamWHyper& hyper = {});
  explicit AdamW(std::vector<ParameterGroup<T, AdamWHyper>> groups);

  // State, for checkpoints: both moments, in the order of parameters().
  const std::vector<Tensor<Wide>>& first_moments() const { return this->m_; }
  const std::vector<Tensor<Wide>>& second_moments() const { return this->v_; }
};

template <class T>
Adam<T>::Adam(std::vector<Variable<T>> parameters, const AdamHyper& hyper)
    : Adam(std::vector<ParameterGroup<T, AdamHyper>>{{std::move(parameters), hyper}}) {}

template <class T>
Adam<T>::Adam(std::vector<ParameterGroup<T, AdamHyper>> groups)
    : GroupedOptimiser<T, AdamHyper>("adam", std::move(groups)) {}

template <class T>
AdamW<T>::AdamW(std::vector<Variable<T>> parameters, const AdamWHyper& hyper)
    : AdamW(std::vector<ParameterGroup<T, AdamWHyper>>{{std::move(parameters), hyper}}) {}

template <class T>
AdamW<T>::AdamW(std::vector<ParameterGroup<T, AdamWHyper>> groups)
    : GroupedOptimiser<T, AdamWHyper>("adamw", std::move(groups)) {}

}  // namespace tinygan::optim
