// Variable<T>: a tensor on the tape, and record(), by which an op adds its result to the tape.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <tinygan/autograd/anomaly.hpp>
#include <tinygan/autograd/tape.hpp>
#include <tinygan/profile/scope.hpp>
#include <tinygan/tensor/cast.hpp>

namespace tinygan {

/// Arguments of a vjp rule: the op's inputs and output as variables, the cotangent g of the output, and which inputs
/// need a cotangent.
template <class T>
struct Backward {
  /// in[i] is input i of element type T; for another type U: in.all[i].as<U>().
  struct Inputs {
    std::span<const AnyVariable> all;
    std::size_t size() const { return all.size(); }
    /// Input i in the op's element type.
    Variable<T> operator[](std::size_t i) const { return all[i].template as<T>(); }
  };

  Inputs in;
  const Variable<T>& out;
  const Variable<T>& g;
  const std::vector<bool>& needs;
};

/// The cotangents of an op's inputs from that of its output. Rules call recorded ops only, so that they are
/// differentiable in turn. They capture parameters and tensors, never variables. A captured tensor that other code can
/// write to is a SavedTensor.
template <class T>
using Vjp = std::function<Cotangents(const Backward<T>&)>;

/// A tensor captured by a vjp rule. get() throws Error, naming the tensor, if it was modified in place since.
template <class T>
class SavedTensor {
 public:
  SavedTensor(const char* name, Tensor<T> tensor);

  const Tensor<T>& get() const;

 private:
  const char* name_;
  Tensor<T> tensor_;
  std::uint64_t version_;
};

template <class T>
SavedTensor<T>::SavedTensor(const char* name, Tensor<T> tensor)
    : name_(name), tensor_(std::move(tensor)), version_(tensor_.version()) {}

template <class T>
const Tensor<T>& SavedTensor<T>::get() const {
  if (tensor_.version() != version_) [[unlikely]]
    detail::throw_stale(name_);
  return tensor_;
}

template <class T>
struct Node;

/// A handle; copies are the same variable. A leaf is made from a tensor, any other variable by an op. A
/// default-constructed or moved-from variable is empty: defined() is false, and every other member throws Error.
template <class T>
class Variable : public AnyVariable {
 public:
  Variable() = default;

  /// A leaf. Leaves made with requires_grad, and variables computed from them, have gradients.
  Variable(Tensor<T> value, bool requires_grad = false);

  /// The value. Throws Error if this is a saved handle and the value was modified in place since.
  const Tensor<T>& value() const& {
    const Tensor<T>& v = at().value;
    if (saved_version_ != 0 && v.version() != saved_version_) [[unlikely]]
      detail::throw_stale("a value");
    return v;
  }
  Tensor<T> value() && { return std::as_const(*this).value(); }
  const Shape& shape() const& { return at().value.shape(); }
  Shape shape() && { return at().value.shape(); }
  index_t size() const { return shape().size(); }
  int rank() const { return shape().rank(); }
  Device device() const { return at().value.device(); }
  T item() const { return value().item(); }

  /// A new leaf with the same value, which does not require gradients.
  Variable detach() const { return Variable(value()); }

  /// The gradient accumulated by backward(); undefined before its first call and after clear_grad().
  const Tensor<T>& grad() const& { return at().grad; }
  Tensor<T> grad() && { return at().grad; }
  void clear_grad() const { at().grad = {}; }

  /// Replaces the value of a leaf, for initialisation, loading and moving to another device. Throws Error on a shape
  /// mismatch, an empty tensor or a computed variable.
  void set_value(Tensor<T> value) const;

  /// Of a parameter of T: float for bfloat16.
  using Master = Tensor<wide_t<T>>;

  /// The fp32 master weights of a bfloat16 leaf, which optimisers update, Ema averages and files store; the value is
  /// the master rounded. Initialised from the value, again after a write to the value alone. For any other T the value
  /// itself.
  Master master() const;

  /// set_value() with master weights: keeps `master`, and rounds it to the value.
  void set_master(Master master) const;

  /// Rounds master() to the value, in place. Call after a write to master().
  void round_master() const;
  /// Marks both as changed. Call after a write to master() and the value, which is the master rounded.
  void mark_updated() const;

 private:
  friend class AnyVariable;
  explicit Variable(AnyVariable v) : AnyVariable(std::move(v)) {}

  Node<T>& at() const { return static_cast<Node<T>&>(AnyVariable::at()); }
};

template <class T>
Variable<T>::Variable(Tensor<T> value, bool requires_grad) {  // NOLINT: implicit
  check(value.defined(), "Variable", "the tensor is empty: default-constructed or moved from");
  auto node = std::make_shared<Node<T>>();
  node->value = std::move(value);
  node->requires_grad = requires_grad;
  node_ = std::move(node);
}

template <class T>
void Variable<T>::set_value(Tensor<T> value) const {
  check(is_leaf(), "set_value", "the variable was computed by ", op());
  check(value.defined(), "set_value", "the tensor is empty: default-constructed or moved from");
  check(value.shape() == shape(), "set_value", "shape ", value.shape(), ", expected ", shape());
  at().value = std::move(value);
}

template <class T>
auto Variable<T>::master() const -> Master {
  if constexpr (std::is_same_v<T, wide_t<T>>) {
    return value();
  } else {
    Node<T>& node = at();
    if (!node.master.defined() || node.master_of != node.value.version()) {
      check(is_leaf(), "master", "the variable was computed by ", op());
      if (!node.master.defined() || node.master.device() != device()) node.master = Master(shape(), device());
      kernels<T>(device()).widen(size(), node.value.data(), node.master.data(), Stream{});
      mark_updated();
    }
    return node.master;
  }
}

template <class T>
void Variable<T>::set_master(Master master) const {
  if constexpr (std::is_same_v<T, wide_t<T>>) {
    set_value(std::move(master));
  } else {
    check(master.defined(), "set_value", "the tensor is empty: default-constructed or moved from");
    set_value(cast<T>(master));
    at().master = std::move(master);
    at().master_of = at().value.version();
  }
}

template <class T>
void Variable<T>::round_master() const {
  if constexpr (!std::is_same_v<T, wide_t<T>>) {
    kernels<T>(device()).narrow(size(), at().master.data(), at().value.data(), Stream{});
  }
  mark_updated();
}

template <class T>
void Variable<T>::mark_updated() const {
  Node<T>& node = at();
  node.value.bump_version();
  if constexpr (!std::is_same_v<T, wide_t<T>>) {
    node.master.bump_version();
    node.master_of = node.value.version();
  }
}

template <class T>
Variable<T> AnyVariable::as() const& {
  return AnyVariable(*this).as<T>();
}
template <class T>
Variable<T> AnyVariable::as() && {
  if (node_ && node_->element() != typeid(T)) [[unlikely]]
    fail("Variable", "elements of ", node_->element_name(), ", expected ", detail::element_name<T>());
  return Variable<T>(std::move(*this));
}

template <class T>
Variable<T> record(const char* op, Tensor<T> value, std::vector<AnyVariable> inputs, Vjp<T> vjp);

/// The node of a variable of element type T.
template <class T>
struct Node final : NodeBase {
  Tensor<T> value;
  Tensor<T> grad;  ///< of leaves: accumulated by backward()
  Vjp<T> vjp;
  typename Variable<T>::Master master;  ///< of bfloat16 leaves, allocated on first use
  std::uint64_t master_of = 0;          ///< version of the value at which it equals the master rounded

  const std::type_info& element() const override { return typeid(T); }
  const char* element_name() const override { return detail::element_name<T>(); }
  const Shape& shape() const override { return value.shape(); }
  Device device() const override { return value.device(); }
  std::uint64_t version() const override { return value.version(); }
  bool unique() const override { return value.unique(); }
  bool shares_storage(const NodeBase& other) const override;
  std::optional<std::string> first_non_finite() const override { return detail::first_non_finite(value); }

  AnyVariable filled(double v) const override;
  AnyVariable copy(const AnyVariable& self) const override;
  AnyVariable add_to(AnyVariable a, const AnyVariable& self) const override;
  void add_grad(const AnyVariable& g) override;

  Cotangents apply_rule(const AnyVariable& self, const AnyVariable& g, const std::vector<bool>& needs) const override;
  void drop_rule() override { vjp = nullptr; }
};

template <class T>
bool Node<T>::shares_storage(const NodeBase& other) const {
  return other.element() == typeid(T) && value.shares_storage(static_cast<const Node&>(other).value);
}

template <class T>
AnyVariable Node<T>::filled(double v) const {
  return Variable<T>(Tensor<T>::full(value.shape(), static_cast<T>(static_cast<wide_t<T>>(v)), value.device()));
}

template <class T>
AnyVariable Node<T>::copy(const AnyVariable& self) const {
  return record<T>("copy", value.clone(), {self}, [](const Backward<T>& c) { return std::vector{c.g}; });
}

template <class T>
AnyVariable Node<T>::add_to(AnyVariable a, const AnyVariable& self) const {
  const Tensor<T>& term = static_cast<const Node&>(*a.node()).value;
  BroadcastDims dims;
  dims.extent[BroadcastDims::rank - 1] = value.size();
  dims.a_stride[BroadcastDims::rank - 1] = dims.b_stride[BroadcastDims::rank - 1] = 1;
  const bool in_place = !recording() && a.node().use_count() == 1 && term.unique();
  const Tensor<T> sum = in_place ? term : Tensor<T>(value.shape(), value.device());
  kernels<T>(value.device()).binary(BinaryOp::add, dims, 0, term.data(), value.data(), sum.data(), Stream{});
  if (in_place) return a;
  return record<T>("add", sum, {std::move(a), self}, [](const Backward<T>& c) { return std::vector{c.g, c.g}; });
}

template <class T>
void Node<T>::add_grad(const AnyVariable& g) {
  grad = grad.defined() ? g.node()->add_to(Variable<T>(grad), g).template as<T>().value() : g.as<T>().value();
}

template <class T>
Cotangents Node<T>::apply_rule(const AnyVariable& self, const AnyVariable& g, const std::vector<bool>& needs) const {
  AnyVariable out = self;
  out.save(recorded_version);
  return vjp({{inputs}, std::move(out).as<T>(), g.as<T>(), needs});
}

/// The variable of an op's result; it joins the tape if recording is on and some input needs gradients. Throws Error in
/// an AnomalyScope if a value is not finite.
template <class T>
Variable<T> record(const char* op, Tensor<T> value, std::vector<AnyVariable> inputs, Vjp<T> vjp) {
  bool needed = false;
  if (recording())
    for (const AnyVariable& v : inputs) needed |= v.defined() && v.requires_grad();
  Variable<T> result(std::move(value), needed);
  Node<T>& node = static_cast<Node<T>&>(*result.node());
  node.op = op;
  if (detecting_anomalies()) [[unlikely]]
    detail::check_op_is_finite(op, result, inputs);
  if (const auto* r = profile::detail::recorder.load(std::memory_order_acquire)) [[unlikely]]
    r->op(op, node.value.data(), static_cast<std::size_t>(node.value.size()) * sizeof(T), node.value.shape());
  if (needed) {
    for (AnyVariable& v : inputs)
      if (v.defined()) v.save();
    node.inputs = std::move(inputs);
    node.recorded_version = node.value.version();
    node.vjp = std::move(vjp);
  }
  return result;
}

}  // namespace tinygan
