// follow(): a model in bfloat16 that computes with the weights of one in float.
#pragma once

#include <tinygan/nn/module.hpp>

namespace tinygan::nn {

/// Gives `copy` the weights of `of`, a model of the same layers: its parameters become of's rounded to T, in place where they are
/// on of's device already, and its moving statistics become of's very own. Optimisers with of's parameters as masters keep both
/// in step; after any other change of the weights it takes another follow(). Throws Error if the models do not match.
template <class T>
void follow(const Module<T>& copy, const Module<wide_t<T>>& of) {
  const auto parameters = copy.named_parameters();
  const auto masters = of.named_parameters();
  const auto statistics = copy.named_buffers(), originals = of.named_buffers();
  check(parameters.size() == masters.size() && statistics.size() == originals.size(), "follow", "models of ",
        parameters.size(), " and ", masters.size(), " parameters, ", statistics.size(), " and ", originals.size(), " statistics");
  for (std::size_t i = 0; i < parameters.size(); ++i)
    check(parameters[i].name == masters[i].name && parameters[i].variable.shape() == masters[i].variable.shape(), "follow",
          parameters[i].name, ' ', parameters[i].variable.shape(), " and ", masters[i].name, ' ',
          masters[i].variable.shape());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Variable<T>& p = parameters[i].variable;
    const Tensor<wide_t<T>>& master = masters[i].variable.value();
    if (p.device() != master.device()) p.set_value(Tensor<T>(p.shape(), master.device()));
    kernels<T>(p.device()).narrow(p.size(), master.data(), p.value().data(), Stream{});
    p.value().bump_version();
  }
  for (std::size_t i = 0; i < statistics.size(); ++i) statistics[i].variable.set_value(originals[i].variable.value());
}

}  // namespace tinygan::nn
