// Snapshots of a model's weights in memory, copies of weights between models, and clones.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <tinygan/nn/module.hpp>

namespace tinygan::nn {

namespace detail {

/// Parameters, as fp32 master weights where T is bfloat16, each once, and buffers. They share the model's storage.
template <class T>
std::vector<std::pair<std::string, Tensor<wide_t<T>>>> state_of(const Module<T>& model) {
  model.check_usable();
  std::vector<std::pair<std::string, Tensor<wide_t<T>>>> state;
  for (const Named<T>& p : model.distinct_parameters()) state.push_back({p.name, p.variable.master()});
  for (const Named<wide_t<T>>& b : model.named_buffers()) state.push_back({b.name, b.variable.value()});
  return state;
}

/// Writes values to a model in place. Throws Error unless names and shapes are the same; the model is then unchanged.
template <class T>
void write_state(const char* op, const Module<T>& model,
                 const std::vector<std::pair<std::string, Tensor<wide_t<T>>>>& from) {
  const auto to = state_of(model);
  check(to.size() == from.size(), op, "the model has ", to.size(), " parameters and buffers, expected ", from.size());
  for (std::size_t i = 0; i < to.size(); ++i) {
    check(to[i].first == from[i].first, op, "tensor ", i, " of the model is '", to[i].first, "', expected '",
          from[i].first, "'");
    check(to[i].second.shape() == from[i].second.shape(), op, "'", to[i].first, "' has shape ", to[i].second.shape(),
          ", expected ", from[i].second.shape());
  }
  for (std::size_t i = 0; i < to.size(); ++i) to[i].second.copy_from(from[i].second);
  model.round_masters();
}

}  // namespace detail

/// Writes the parameters and buffers of `source` to a model of the same structure, in place; the two may be on
/// different devices, and one may be of float and one of bfloat16. Throws Error naming the first tensor whose name or
/// shape differs; `target` is then unchanged.
template <class T, class U>
requires std::is_same_v<wide_t<T>, wide_t<U>>
void copy_weights(const Module<T>& source, const Module<U>& target) {
  detail::write_state("copy_weights", target, detail::state_of(source));
}

/// A model made by `make()`, with the weights and the buffers of `model` and on its device. It shares no storage with
/// it. A module owns its child modules and refers to them, so it cannot be copied: a clone is built a second time.
///   auto twin = nn::clone(model, [] { Generator random; return build(random); });
/// Throws Error like copy_weights().
template <class Model, class Make>
Model clone(const Model& model, Make make) {
  Model copy = make();
  const auto state = detail::state_of(model);
  if (!state.empty()) copy.to(state.front().second.device());
  detail::write_state("clone", copy, state);
  return copy;
}

/// A copy of a model's parameters, as fp32 master weights where T is bfloat16, and buffers, on the model's device.
template <class T = float>
class Snapshot {
 public:
  explicit Snapshot(const Module<T>& model) : state_(detail::state_of(model)) {
    for (auto& [name, tensor] : state_) tensor = tensor.clone();
  }

  /// Writes the copy to the model, or to another of the same structure, on any device. In place, so optimisers and
  /// captured steps go on with the restored weights; an optimiser's own state is not restored. Throws Error naming the
  /// first tensor whose name or shape differs; the model is then unchanged.
  void restore(const Module<T>& model) const { detail::write_state("snapshot", model, state_); }

 private:
  std::vector<std::pair<std::string, Tensor<wide_t<T>>>> state_;
};

}  // namespace tinygan::nn
