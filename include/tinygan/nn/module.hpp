// Module: what layers and models have in common: a forward pass, named parameters and buffers, an output shape.
#pragma once

#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include <tinygan/autograd/grad.hpp>
#include <tinygan/nn/initializer.hpp>

namespace tinygan::nn {

/// How a model is run. Training: batch statistics and dropout; inference: moving statistics, no dropout.
struct Pass {
  bool training = false;
  Generator* random = nullptr;     ///< for dropout; the device's default generator if null
  bool update_statistics = true;   ///< false: batch statistics are used but leave no trace in the moving ones

  double momentum = -1;            ///< of the moving statistics; each layer's own if negative

  std::weak_ptr<const void> lifetime{};  ///< of random, if train() was given it

  /// Keeps a reference: the generator must outlive the pass.
  static Pass train(Generator& random) {
    Pass p{true, &random};
    p.lifetime = random.lifetime();
    return p;
  }
  static Pass train(Generator&&) = delete;
  static Pass train(const Generator&&) = delete;
  static Pass infer() { return {}; }
  /// As in training, but the model is left bit for bit as it was: the other network's step.
  Pass frozen() const {
    Pass p = *this;
    p.update_statistics = false;
    return p;
  }

  /// The generator to draw from. Throws Error if it no longer exists.
  Generator& generator(const char* op, Device device) const {
    if (!random) return default_generator(device);
    const std::weak_ptr<const void> never;
    const bool known = lifetime.owner_before(never) || never.owner_before(lifetime);
    check(!known || !lifetime.expired(), op, "the generator of the pass no longer exists; it must outlive the pass");
    return *random;
  }
};

/// "leaky_relu 0.2", or nothing for none.
inline std::string activation_text(Activation f, double slope) {
  constexpr const char* names[] = {"", "relu", "leaky_relu", "sigmoid", "tanh"};
  const std::string name = names[static_cast<int>(f)];
  return f == Activation::leaky_relu ? text(name, ' ', slope) : name;
}

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

template <class T>
class Module {
 public:
  using Wide = wide_t<T>;  ///< of master weights and running statistics: float where T is bfloat16, else T

  virtual ~Module() = default;
  Module() = default;
  Module(Module&&) = default;
  Module& operator=(Module&&) = default;

  virtual Variable<T> forward(const Variable<T>& x, const Pass& pass) = 0;
  /// forward(x, pass). Throws Error as that does, on an empty input, and if the module was moved from.
  Variable<T> operator()(const Variable<T>& x, const Pass& pass) {
    check_usable();
    check(x.defined(), type(), "input is empty: default-constructed or moved from, expected a variable with a value");
    return forward(x, pass);
  }

  /// The shape of forward's result for an input of this shape, batch axis included. Throws Error as forward would.
  virtual Shape output_shape(const Shape& input) const = 0;

  /// The layer's type in snake case, from which models make names.
  virtual std::string type() const = 0;

  /// What a summary says beside the name: kernel, stride, fused activation.
  virtual std::string details() const { return {}; }

  /// What training changes by gradients, in a fixed order; a parameter that two layers share is there under both names. Those of
  /// a bfloat16 model have fp32 master weights, see Variable::master().
  virtual std::vector<Named<T>> named_parameters() const { return parameters_; }
  /// What training changes otherwise: moving statistics, in fp32 where T is bfloat16.
  virtual std::vector<Named<Wide>> named_buffers() const { return buffers_; }

  /// Throws Error if this was moved from.
  void check_usable() const {
    check(!mark_.moved(), type(), "the module was moved from; use the one that it was moved to");
  }

  /// The layers of a container, itself for a layer.
  virtual std::vector<std::pair<std::string, const Module*>> layers() const { return {{type(), this}}; }

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

  detail::MovedMark mark_;
  std::vector<Named<T>> parameters_;
  std::vector<Named<Wide>> buffers_;
};

}  // namespace tinygan::nn
