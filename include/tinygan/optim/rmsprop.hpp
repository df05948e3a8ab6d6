// RMSProp.
#pragma once

#include <tinygan/optim/grouped_optimiser.hpp>

namespace tinygan::optim {

/// v = rho v + (1 - rho) g^2; p -= lr g / (sqrt(v) + epsilon), with decoupled weight decay p -= lr weight_decay p
/// before it. At update t lr = learning_rate * schedule.at(t - 1).
struct RmsPropHyper {
  double learning_rate = 1e-3, rho = 0.9, epsilon = 1e-8, weight_decay = 0;
  RateSchedule schedule = {};

  /// Adam with beta1 = 0, whose first moment is the gradient, without bias correction.
  constexpr operator AdamHyper() const {  // NOLINT: implicit
    return {.learning_rate = learning_rate,
            .beta1 = 0,
            .beta2 = rho,
            .epsilon = epsilon,
            .weight_decay = weight_decay,
            .bias_correction = false,
            .schedule = schedule};
  }
};

/// Throws Error on a NaN, infinite or out-of-range hyper-parameter.
inline void check_hyper(const char* op, const RmsPropHyper& h) {
  detail::check_share(op, "rho", h.rho);
  check_hyper(op, static_cast<AdamHyper>(h));
}

/// RMSProp without momentum over a list of parameters, or over several groups of them; see RmsPropHyper for the
/// formula. Runs in Adam's kernel, which keeps the last gradient in memory as well.
/// Source: Tieleman & Hinton, "Neural Networks for Machine Learning", lecture 6.5, 2012.
template <class T = float>
class RmsProp : public GroupedOptimiser<T, RmsPropHyper> {
  using Wide = typename Optimiser<T>::Wide;

 public:
  /// Throws Error on a NaN, infinite or out-of-range hyper-parameter.
  explicit RmsProp(std::vector<Variable<T>> parameters, const RmsPropHyper& hyper = {});
  explicit RmsProp(std::vector<ParameterGroup<T, RmsPropHyper>> groups);

  /// The running means of squared gradients, in the order of parameters().
  const std::vector<Tensor<Wide>>& mean_squares() const { return this->v_; }
};

template <class T>
RmsProp<T>::RmsProp(std::vector<Variable<T>> parameters, const RmsPropHyper& hyper)
    : RmsProp(std::vector<ParameterGroup<T, RmsPropHyper>>{{std::move(parameters), hyper}}) {}

template <class T>
RmsProp<T>::RmsProp(std::vector<ParameterGroup<T, RmsPropHyper>> groups)
    : GroupedOptimiser<T, RmsPropHyper>("rmsprop", std::move(groups)) {}

}  // namespace tinygan::optim
