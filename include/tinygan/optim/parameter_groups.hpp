// Parameter groups: parts of an optimiser's parameters, each with hyper-parameters of its own.
#pragma once

#include <utility>
#include <vector>

#include <tinygan/autograd/variable.hpp>

namespace tinygan::optim {

/// Parameters with hyper-parameters of their own, such as a rate or no weight decay.
template <class T, class Hyper>
struct ParameterGroup {
  std::vector<Variable<T>> parameters;
  Hyper hyper = {};
};
/// ParameterGroup{parameters, hyper} without template arguments.
template <class T, class Hyper>
ParameterGroup(std::vector<Variable<T>>, Hyper) -> ParameterGroup<T, Hyper>;

/// Two groups: the kernels, parameters of two axes and more, with `hyper`, then biases and scales and shifts of
/// normalisation with weight decay 0. A group without a parameter is left out.
template <class T, class Hyper>
std::vector<ParameterGroup<T, Hyper>> decay_kernels_only(const std::vector<Variable<T>>& parameters,
                                                         const Hyper& hyper) {
  ParameterGroup<T, Hyper> kernels{{}, hyper}, others{{}, hyper};
  others.hyper.weight_decay = 0;
  for (const Variable<T>& p : parameters) (p.rank() >= 2 ? kernels : others).parameters.push_back(p);
  std::vector<ParameterGroup<T, Hyper>> groups;
  for (ParameterGroup<T, Hyper>* group : {&kernels, &others})
    if (!group->parameters.empty()) groups.push_back(std::move(*group));
  return groups;
}

}  // namespace tinygan::optim
