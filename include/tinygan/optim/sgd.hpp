// Stochastic gradient descent with momentum.
#pragma once

#include <tinygan/optim/grouped_optimiser.hpp>

namespace tinygan::optim {

/// SGD over a list of parameters, or over several groups of them; see SgdHyper for the formula (PyTorch's).
template <class T = float>
class Sgd : public GroupedOptimiser<T, SgdHyper> {
  using Wide = typename Optimiser<T>::Wide;

 public:
  /// Throws Error on a NaN, infinite or out-of-range hyper-parameter.
  explicit Sgd(std::vector<Variable<T>> parameters, const SgdHyper& hyper = {});
  explicit Sgd(std::vector<ParameterGroup<T, SgdHyper>> groups);

  /// The momentum buffers, in the order of parameters().
  const std::vector<Tensor<Wide>>& momentum_buffers() const { return this->m_; }
};

template <class T>
Sgd<T>::Sgd(std::vector<Variable<T>> parameters, const SgdHyper& hyper)
    : Sgd(std::vector<ParameterGroup<T, SgdHyper>>{{std::move(parameters), hyper}}) {}

template <class T>
Sgd<T>::Sgd(std::vector<ParameterGroup<T, SgdHyper>> groups)
    : GroupedOptimiser<T, SgdHyper>("sgd", std::move(groups)) {}

}  // namespace tinygan::optim
