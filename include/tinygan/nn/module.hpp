// Module: what layers and models have in common: named parameters, buffers and child modules.
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include <tinygan/autograd/grad.hpp>
#include <tinygan/nn/initializer.hpp>

namespace tinygan::nn {

/// A parameter or buffer under its path in the model, e.g. "conv2d_1.kernel".
template <class T>
struct Named {
  std::string name;
  Variable<T> variable;
};

namespace detail {

/// Whether the object it is a member of was moved from.
class MovedMark {
 public:
  MovedMark() = default;
  MovedMark(MovedMark&& other) noexcept : moved_(std::exchange(other.moved_, true)) {}
  MovedMark& operator=(MovedMark&& other) noexcept {
    if (this != &other) moved_ = std::exchange(other.moved_, true);
    return *this;
  }
  bool moved() const { return moved_; }

 private:
  bool moved_ = false;
};

}  // namespace detail

/// What has named parameters and buffers, its own and those of its child modules. Its forward pass is any function of its own; a
/// Layer's is one from one variable to one.
template <class T = float>
class Module {
 public:
  using Wide = wide_t<T>;  ///< of master weights and running statistics: float where T is bfloat16, else T

  virtual ~Module() = default;
  Module() = default;
  Module(Module&&) = default;
  Module& operator=(Module&&) = default;

  /// In snake case: what errors name, and from which Sequential makes the names of its layers.
  virtual std::string type() const { return "module"; }

  /// What training changes by gradients, in a fixed order, those of children under "child.name"; a parameter that two layers share is
  /// there under both names. Those of a bfloat16 model have fp32 master weights, see Variable::master().
  std::vector<Named<T>> named_parameters() const {
    return collect(parameters_, [](const Module& m) { return m.named_parameters(); });
  }
  /// What training changes otherwise: running statistics, in fp32 where T is bfloat16.
  std::vector<Named<Wide>> named_buffers() const {
    return collect(buffers_, [](const Module& m) { return m.named_buffers(); });
  }

  /// Throws Error if this was moved from.
  void check_usable() const {
    check(!mark_.moved(), type(), "the module was moved from; use the one that it was moved to");
  }

  /// Every parameter once, under its first name.
  std::vector<Named<T>> distinct_parameters() const {
    std::vector<Named<T>> list;
    std::unordered_set<const NodeBase*> seen;
    for (Named<T>& n : named_parameters())
      if (seen.insert(n.variable.node().get()).second) list.push_back(std::move(n));
    return list;
  }
  /// Every parameter once: what an optimiser takes.
  std::vector<Variable<T>> parameters() const { return variables(distinct_parameters()); }
  std::vector<Variable<Wide>> buffers() const { return variables(named_buffers()); }

  /// After a write to master weights: rounds them to the parameters, in place.
  void round_masters() const {
    for (const Named<T>& p : distinct_parameters()) p.variable.round_master();
  }

  index_t parameter_count() const {
    index_t n = 0;
    for (const Named<T>& p : distinct_parameters()) n += p.variable.size();
    return n;
  }

  /// Moves all parameters, with their master weights, and buffers to a device; what backward() has accumulated elsewhere is
  /// dropped.
  void to(Device device) {
    for (const Named<T>& p : named_parameters()) move(p.variable, device);
    for (const Named<Wide>& b : named_buffers()) move(b.variable, device);
  }

 protected:
  /// Adopts a child, which is trained, saved and moved with this module under `name`, and returns it. It keeps its address when this
  /// module is moved. Throws Error if the child was moved from or there is one of that name.
  template <class Child>
  requires std::is_base_of_v<Module, Child> Child& add_module(std::string name, Child child) {
    check_usable();
    child.check_usable();
    for (const auto& [other, module] : children_)
      check(other != name, type(), "there are two child modules '", name, "'");
    auto owned = std::make_unique<Child>(std::move(child));
    Child& added = *owned;
    children_.emplace_back(std::move(name), std::move(owned));
    return added;
  }
  /// A parameter that begins as the value, which is its master weights where T is bfloat16.
  Variable<T> add_parameter(std::string name, Tensor<Wide> value) {
    const Variable<T> parameter(cast<T>(value), true);
    parameter.set_master(std::move(value));
    return parameters_.emplace_back(Named<T>{std::move(name), parameter}).variable;
  }
  /// A parameter that begins as the initializer draws it. Throws Error like Initializer::make().
  Variable<T> add_parameter(std::string name, const Shape& shape, const Initializer& initializer, Fans fans = {},
                            Generator& random = default_generator()) {
    return add_parameter(std::move(name), initializer.make<Wide>(shape, fans, random));
  }
  /// A parameter that other modules may have as well: tied weights.
  Variable<T> add_parameter(std::string name, Variable<T> parameter) {
    return parameters_.emplace_back(Named<T>{std::move(name), std::move(parameter)}).variable;
  }
  Variable<Wide> add_buffer(std::string name, Tensor<Wide> value) {
    return buffers_.emplace_back(Named<Wide>{std::move(name), Variable<Wide>(std::move(value))}).variable;
  }

 private:
  template <class E>
  static void move(const Variable<E>& v, Device device) {
    if (v.device() == device) return;
    v.clear_grad();
    v.set_master(v.master().to(device));
  }
  template <class E>
  static std::vector<Variable<E>> variables(const std::vector<Named<E>>& named) {
    std::vector<Variable<E>> list;
    for (const Named<E>& n : named) list.push_back(n.variable);
    return list;
  }

  template <class E, class Get>
  std::vector<Named<E>> collect(std::vector<Named<E>> all, Get of_child) const {
    for (const auto& [name, child] : children_)
      for (Named<E>& n : of_child(*child)) all.push_back({name + "." + n.name, std::move(n.variable)});
    return all;
  }

  detail::MovedMark mark_;
  std::vector<std::pair<std::string, std::unique_ptr<Module>>> children_;
  std::vector<Named<T>> parameters_;
  std::vector<Named<Wide>> buffers_;
};

}  // namespace tinygan::nn
