// Module: the base of layers and models, with named parameters, buffers and child modules.
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

/// A member that records whether its object was moved from.
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

/// Named parameters and buffers, its own and those of its child modules. A module defines its forward pass as any
/// member function; a Layer overrides forward().
template <class T = float>
class Module {
 public:
  using Wide = wide_t<T>;  ///< of master weights and running statistics: float where T is bfloat16, else T

  virtual ~Module() = default;
  Module() = default;
  Module(Module&&) noexcept = default;
  Module& operator=(Module&&) noexcept = default;

  /// In snake case. Errors name it, and Sequential derives the names of its layers from it.
  virtual std::string type() const { return "module"; }

  /// State that is trained by gradients, in a fixed order, a child's under "child.name"; a shared parameter appears
  /// under each of its names. Parameters of a bfloat16 model have fp32 master weights, see Variable::master().
  std::vector<Named<T>> named_parameters() const;
  /// State that is not trained by gradients: running statistics, in fp32 where T is bfloat16.
  std::vector<Named<Wide>> named_buffers() const;

  /// Throws Error if this was moved from.
  void check_usable() const;

  /// Every parameter once, under its first name.
  std::vector<Named<T>> distinct_parameters() const;
  /// Every parameter once, for an optimiser.
  std::vector<Variable<T>> parameters() const;
  std::vector<Variable<Wide>> buffers() const;

  /// Rounds master weights to the parameters, in place. Call after a write to master weights.
  void round_masters() const;

  index_t parameter_count() const;

  /// Moves all parameters, with their master weights, and buffers to a device; clears accumulated gradients.
  void to(Device device);

 protected:
  /// Registers and returns a child module, which is trained, saved and moved with this module under `name`. Its address
  /// does not change when this module is moved. Throws Error if the child was moved from or the name is in use.
  template <class Child>
  requires std::is_base_of_v<Module, Child> Child& add_module(std::string name, Child child) {
    check_usable();
    child.check_usable();
    auto owned = std::make_unique<Child>(std::move(child));
    Child& added = *owned;
    add_child(std::move(name), std::move(owned));
    return added;
  }
  /// A parameter with this initial value, which becomes its master weights where T is bfloat16.
  Variable<T> add_parameter(std::string name, Tensor<Wide> value);
  /// A parameter with an initial value from `initializer`. Throws Error like Initializer::make().
  Variable<T> add_parameter(std::string name, const Shape& shape, const Initializer& initializer, Fans fans = {},
                            Generator& random = default_generator());
  /// A parameter shared with other modules: tied weights.
  Variable<T> add_parameter(std::string name, Variable<T> parameter);
  /// A tensor that is saved and moved with the module but has no gradient, such as running statistics.
  Variable<Wide> add_buffer(std::string name, Tensor<Wide> value);

 private:
  void add_child(std::string name, std::unique_ptr<Module> child);
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

template <class T>
std::vector<Named<T>> Module<T>::named_parameters() const {
  return collect(parameters_, [](const Module& m) { return m.named_parameters(); });
}

template <class T>
auto Module<T>::named_buffers() const -> std::vector<Named<Wide>> {
  return collect(buffers_, [](const Module& m) { return m.named_buffers(); });
}

template <class T>
void Module<T>::check_usable() const {
  check(!mark_.moved(), type(), "the module was moved from; use the one that it was moved to");
}

template <class T>
std::vector<Named<T>> Module<T>::distinct_parameters() const {
  std::vector<Named<T>> list;
  std::unordered_set<const NodeBase*> seen;
  for (Named<T>& n : named_parameters())
    if (seen.insert(n.variable.node().get()).second) list.push_back(std::move(n));
  return list;
}

template <class T>
std::vector<Variable<T>> Module<T>::parameters() const {
  return variables(distinct_parameters());
}

template <class T>
auto Module<T>::buffers() const -> std::vector<Variable<Wide>> {
  return variables(named_buffers());
}

template <class T>
void Module<T>::round_masters() const {
  for (const Named<T>& p : distinct_parameters()) p.variable.round_master();
}

template <class T>
index_t Module<T>::parameter_count() const {
  index_t n = 0;
  for (const Named<T>& p : distinct_parameters()) n += p.variable.size();
  return n;
}

template <class T>
void Module<T>::to(Device device) {
  for (const Named<T>& p : named_parameters()) move(p.variable, device);
  for (const Named<Wide>& b : named_buffers()) move(b.variable, device);
}

template <class T>
Variable<T> Module<T>::add_parameter(std::string name, Tensor<Wide> value) {
  const Variable<T> parameter(cast<T>(value), true);
  parameter.set_master(std::move(value));
  return parameters_.emplace_back(Named<T>{std::move(name), parameter}).variable;
}

template <class T>
Variable<T> Module<T>::add_parameter(std::string name, const Shape& shape, const Initializer& initializer, Fans fans,
                                     Generator& random) {
  return add_parameter(std::move(name), initializer.make<Wide>(shape, fans, random));
}

template <class T>
Variable<T> Module<T>::add_parameter(std::string name, Variable<T> parameter) {
  return parameters_.emplace_back(Named<T>{std::move(name), std::move(parameter)}).variable;
}

template <class T>
auto Module<T>::add_buffer(std::string name, Tensor<Wide> value) -> Variable<Wide> {
  return buffers_.emplace_back(Named<Wide>{std::move(name), Variable<Wide>(std::move(value))}).variable;
}

template <class T>
void Module<T>::add_child(std::string name, std::unique_ptr<Module> child) {
  for (const auto& [other, module] : children_)
    check(other != name, type(), "there are two child modules '", name, "'");
  children_.emplace_back(std::move(name), std::move(child));
}

}  // namespace tinygan::nn
