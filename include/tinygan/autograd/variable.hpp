// Variable<T>: a tensor that remembers how it was computed. The nodes behind variables are the tape.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <tinygan/autograd/anomaly.hpp>
#include <tinygan/tensor/cast.hpp>

namespace tinygan {

template <class T>
class Variable;

template <class T>
struct Node;

/// What a vjp rule sees: the op's inputs and output as variables, the cotangent g of the output, and which inputs need
/// theirs.
template <class T>
struct Backward {
  std::span<const Variable<T>> in;
  const Variable<T>& out;
  const Variable<T>& g;
  const std::vector<bool>& needs;
};

/// One cotangent per input; an undefined one stands for zero. Rules call recorded ops only, which is what makes them
/// differentiable in turn; they capture parameters and tensors, never variables. A captured tensor that others can write to is
/// a SavedTensor.
template <class T>
using Vjp = std::function<std::vector<Variable<T>>(const Backward<T>&)>;

namespace detail {

inline bool& recording_flag() {
  thread_local bool recording = true;
  return recording;
}

inline std::uint64_t next_node_order() {
  static std::atomic<std::uint64_t> order{0};
  return ++order;
}

/// Thrown by reading a saved value that was modified in place; the backward pass adds the op's name.
class StaleValue : public Error {
 public:
  using Error::Error;
};

[[noreturn, gnu::cold, gnu::noinline]] inline void throw_stale(const char* what) {
  throw StaleValue(text(what, " was modified in place after an op recorded it"));
}

}  // namespace detail

/// A tensor that a vjp rule captures. get() throws Error, naming it, if it was modified in place since.
template <class T>
class SavedTensor {
 public:
  SavedTensor(const char* name, Tensor<T> tensor) : name_(name), tensor_(std::move(tensor)), version_(tensor_.version()) {}

  const Tensor<T>& get() const {
    if (tensor_.version() != version_) [[unlikely]] detail::throw_stale(name_);
    return tensor_;
  }

 private:
  const char* name_;
  Tensor<T> tensor_;
  std::uint64_t version_;
};

/// True while ops write themselves down.
inline bool recording() { return detail::recording_flag(); }

/// Sets recording for a scope of this thread.
class RecordingScope {
 public:
  explicit RecordingScope(bool on) : before_(std::exchange(detail::recording_flag(), on)) {}
  ~RecordingScope() { detail::recording_flag() = before_; }
  RecordingScope(const RecordingScope&) = delete;
  RecordingScope& operator=(const RecordingScope&) = delete;

 private:
  bool before_;
};

/// A scope in which ops compute and record nothing.
class NoGrad : RecordingScope {
 public:
  NoGrad() : RecordingScope(false) {}
};

template <class T>
Variable<T> record(const char* op, Tensor<T> value, std::vector<Variable<T>> inputs, Vjp<T> vjp);

/// A handle; copies are the same variable. A leaf is made from a tensor, everything else by ops. A default-constructed or
/// moved-from variable is empty: defined() is false, and all else throws Error.
template <class T>
class Variable {
 public:
  Variable() = default;

  /// A leaf. Only those made with requires_grad, and what is computed from them, have gradients.
  Variable(Tensor<T> value, bool requires_grad = false) : node_(std::make_shared<Node<T>>()) {  // NOLINT: implicit
    check(value.defined(), "Variable", "the tensor is empty: default-constructed or moved from");
    node_->value = std::move(value);
    node_->requires_grad = requires_grad;
  }
  explicit Variable(std::shared_ptr<Node<T>> node) : node_(std::move(node)) {}

  bool defined() const { return node_ != nullptr; }
  /// The value. Throws Error, from a handle that a tape saved, if it was modified in place since.
  const Tensor<T>& value() const& {
    const Tensor<T>& v = at().value;
    if (saved_version_ != 0 && v.version() != saved_version_) [[unlikely]] detail::throw_stale("a value");
    return v;
  }
  Tensor<T> value() && { return std::as_const(*this).value(); }
  const Shape& shape() const& { return at().value.shape(); }
  Shape shape() && { return at().value.shape(); }
  index_t size() const { return shape().size(); }
  int rank() const { return shape().rank(); }
  Device device() const { return at().value.device(); }
  T item() const { return value().item(); }
  bool requires_grad() const { return at().requires_grad; }
  bool is_leaf() const { return !at().vjp && !at().freed; }
  const char* op() const { return at().op; }

  /// The same value with no past: gradients stop here.
  Variable detach() const { return Variable(value()); }

  /// What backward() has accumulated here; undefined before the first call and after clear_grad().
  const Tensor<T>& grad() const& { return at().grad; }
  Tensor<T> grad() && { return at().grad; }
  void clear_grad() const { at().grad = {}; }

  /// Replaces the value of a leaf, for initialisation, loading and moving to another device. Throws Error on a shape
  /// mismatch, an empty tensor or a computed variable.
  void set_value(Tensor<T> value) const {
    check(is_leaf(), "set_value", "the variable was computed by ", op());
    check(value.defined(), "set_value", "the tensor is empty: default-constructed or moved from");
    check(value.shape() == shape(), "set_value", "shape ", value.shape(), ", expected ", shape());
    node_->value = std::move(value);
  }

  /// Whether the value was modified in place since a tape saved this handle.
  bool stale() const { return saved_version_ != 0 && at().value.version() != saved_version_; }
  /// The handle that a tape saves: it remembers which contents of the value were recorded.
  Variable saved() const { return saved(saved_version_ != 0 ? saved_version_ : at().value.version()); }
  Variable saved(std::uint64_t version) const {
    Variable v(node_);
    v.saved_version_ = version;
    return v;
  }

  const std::shared_ptr<Node<T>>& node() const { return node_; }
  friend bool operator==(const Variable& a, const Variable& b) { return a.node_ == b.node_; }

 private:
  Node<T>& at() const {
    check(node_ != nullptr, "Variable", "the variable is empty: default-constructed or moved from");
    return *node_;
  }

  std::shared_ptr<Node<T>> node_;
  std::uint64_t saved_version_ = 0;  ///< of the value when a tape saved this handle; 0: no tape did
};

/// One entry of the tape.
template <class T>
struct Node {
  Tensor<T> value;
  Tensor<T> grad;  ///< of leaves: the sum of what backward() delivered
  const char* op = "leaf";
  bool requires_grad = false;
  bool freed = false;  ///< a backward pass took its inputs and rule away
  std::uint64_t order = detail::next_node_order();  ///< inputs come before what is computed from them
  std::uint64_t recorded_version = 0;               ///< of the value, when the op recorded it
  std::vector<Variable<T>> inputs;                  ///< saved handles
  Vjp<T> vjp;
  std::shared_ptr<void> narrow;  ///< of a leaf that widen() made: the Node<bfloat16> of the variable it is the value of

  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Long chains are taken apart in a loop: one destructor inside another for every op would exhaust the stack.
  ~Node() {
    std::vector<Variable<T>> pending = std::move(inputs);
    while (!pending.empty()) {
      const Variable<T> last = std::move(pending.back());
      pending.pop_back();
      if (!last.defined() || last.node().use_count() > 1) continue;
      for (Variable<T>& input : last.node()->inputs) pending.push_back(std::move(input));
      last.node()->inputs.clear();
    }
  }
};

/// The variable of an op's result; it joins the tape if recording is on and some input needs gradients. Throws Error in an
/// AnomalyScope if a value is not finite.
template <class T>
Variable<T> record(const char* op, Tensor<T> value, std::vector<Variable<T>> inputs, Vjp<T> vjp) {
  bool needed = false;
  if (recording())
    for (const Variable<T>& v : inputs) needed |= v.defined() && v.requires_grad();
  Variable<T> result(std::move(value), needed);
  Node<T>& node = *result.node();
  node.op = op;
  if (detecting_anomalies()) [[unlikely]] detail::check_op_is_finite(op, result, inputs);
  if (needed) {
    for (Variable<T>& v : inputs)
      if (v.defined()) v = v.saved();
    node.inputs = std::move(inputs);
    node.recorded_version = node.value.version();
    node.vjp = std::move(vjp);
  }
  return result;
}

/// x in its wide type, float for bfloat16: losses and sums over batches belong there. For a wide T, x itself. It is a leaf of
/// another tape, with a way back: grad() of something made of it, with respect to variables behind x, goes through.
template <class T>
Variable<wide_t<T>> widen(const Variable<T>& x) {
  if constexpr (std::is_same_v<T, wide_t<T>>) {
    return x;
  } else {
    Variable<wide_t<T>> wide(widen(x.value()), recording() && x.requires_grad());
    if (wide.requires_grad()) wide.node()->narrow = x.node();
    return wide;
  }
}

}  // namespace tinygan
