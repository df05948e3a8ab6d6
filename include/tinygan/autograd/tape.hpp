// The tape: nodes and handles of any element type, and the scopes that switch recording.
#pragma once

#include <atomic>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include <tinygan/tensor/tensor.hpp>

namespace tinygan {

struct NodeBase;

template <class T>
class Variable;

namespace detail {

[[gnu::visibility("default")]] inline bool& recording_flag() {
  thread_local bool recording = true;
  return recording;
}

[[gnu::visibility("default")]] inline std::uint64_t next_node_order() {
  static std::atomic<std::uint64_t> order{0};
  return ++order;
}

/// A saved value was modified in place. The backward pass adds the op's name.
class StaleValue : public Error {
 public:
  using Error::Error;
};

[[noreturn, gnu::cold, gnu::noinline]] inline void throw_stale(const char* what) {
  throw StaleValue(text(what, " was modified in place after an op recorded it"));
}

/// The name of an element type in error texts.
template <class T>
constexpr const char* element_name() {
  if constexpr (std::is_same_v<T, float>) return "float";
  else if constexpr (std::is_same_v<T, double>) return "double";
  else return std::is_same_v<T, bfloat16> ? "bfloat16" : "another type";
}

}  // namespace detail

/// True while ops are recorded.
inline bool recording() { return detail::recording_flag(); }

/// Sets recording for a scope of this thread.
class RecordingScope {
 public:
  explicit RecordingScope(bool on) : outer_(std::exchange(detail::recording_flag(), on)) {}
  ~RecordingScope() { detail::recording_flag() = outer_; }
  RecordingScope(const RecordingScope&) = delete;
  RecordingScope& operator=(const RecordingScope&) = delete;

 private:
  bool outer_;
};

/// A scope in which ops are not recorded.
class NoGrad : RecordingScope {
 public:
  NoGrad() : RecordingScope(false) {}
};

/// A handle of a variable of any element type; Variable<T> is the typed one. An empty handle, default-constructed or
/// moved from, is not defined(); every other member then throws Error.
class AnyVariable {
 public:
  AnyVariable() = default;
  explicit AnyVariable(std::shared_ptr<NodeBase> node) : node_(std::move(node)) {}

  bool defined() const { return node_ != nullptr; }
  bool requires_grad() const;
  /// Whether no op recorded how it was computed.
  bool is_leaf() const;
  const char* op() const;
  Shape shape() const;
  Device device() const;

  /// The typed handle. Throws Error if the elements are not T.
  template <class T>
  Variable<T> as() const&;
  template <class T>
  Variable<T> as() &&;

  /// Makes this a saved handle, which holds the version of the value at recording: the current one, unless it was saved
  /// before.
  void save();
  /// The same with the version that the caller read when it took the value.
  void save(std::uint64_t version) { saved_version_ = version; }
  /// Whether the value was modified in place since save().
  bool stale() const;

  const std::shared_ptr<NodeBase>& node() const { return node_; }
  /// Whether both are the same variable, not whether their values are equal.
  friend bool operator==(const AnyVariable& a, const AnyVariable& b) { return a.node_ == b.node_; }

 protected:
  NodeBase& at() const {
    check(node_ != nullptr, "Variable", "the variable is empty: default-constructed or moved from");
    return *node_;
  }

  std::shared_ptr<NodeBase> node_;
  std::uint64_t saved_version_ = 0;  ///< of the value when a tape saved this handle; 0: not a saved handle
};

/// What a vjp rule returns: one cotangent per input; an undefined cotangent stands for zero.
class Cotangents : public std::vector<AnyVariable> {
 public:
  Cotangents() = default;
  template <class T>
  Cotangents(std::vector<Variable<T>> list)  // NOLINT: implicit
      : std::vector<AnyVariable>(std::make_move_iterator(list.begin()), std::make_move_iterator(list.end())) {}
};

/// A node of the tape, for any element type: the interface of a backward pass to a variable and its value.
struct NodeBase {
  const char* op = "leaf";
  bool requires_grad = false;
  bool freed = false;                               ///< a backward pass released its inputs and rule
  std::uint64_t order = detail::next_node_order();  ///< of creation: a topological order
  std::uint64_t recorded_version = 0;               ///< of the value, when the op recorded it
  std::vector<AnyVariable> inputs;                  ///< saved handles; empty for a leaf

  NodeBase() = default;
  NodeBase(const NodeBase&) = delete;
  NodeBase& operator=(const NodeBase&) = delete;

  /// Iterative: nested destructors of a long chain of ops would exhaust the stack.
  virtual ~NodeBase() {
    std::vector<AnyVariable> pending = std::move(inputs);
    while (!pending.empty()) {
      const AnyVariable last = std::move(pending.back());
      pending.pop_back();
      if (!last.defined() || last.node().use_count() > 1) continue;
      for (AnyVariable& input : last.node()->inputs) pending.push_back(std::move(input));
      last.node()->inputs.clear();
    }
  }

  virtual const std::type_info& element() const = 0;
  virtual const char* element_name() const = 0;
  virtual const Shape& shape() const = 0;
  virtual Device device() const = 0;
  virtual std::uint64_t version() const = 0;
  /// Whether both values are in the same memory.
  virtual bool shares_storage(const NodeBase& other) const = 0;
  /// Whether no other tensor shares the value's storage.
  virtual bool unique() const = 0;
  virtual std::optional<std::string> first_non_finite() const = 0;

  /// A constant of the value's shape.
  virtual AnyVariable filled(double value) const = 0;
  /// A recorded copy of `self`, this node's handle, in new memory.
  virtual AnyVariable copy(const AnyVariable& self) const = 0;
  /// a + self, recorded; in place if nothing else shares a's value.
  virtual AnyVariable add_to(AnyVariable a, const AnyVariable& self) const = 0;
  /// Adds g to the accumulated gradient.
  virtual void add_grad(const AnyVariable& g) = 0;

  /// The cotangents of the inputs, by the rule, from the cotangent g of `self`, this node's handle.
  virtual Cotangents apply_rule(const AnyVariable& self, const AnyVariable& g,
                                const std::vector<bool>& needs) const = 0;
  /// Frees the rule with what it captured: the tape ends here.
  virtual void drop_rule() = 0;
};

inline bool AnyVariable::requires_grad() const { return at().requires_grad; }
inline bool AnyVariable::is_leaf() const { return at().inputs.empty() && !at().freed; }
inline const char* AnyVariable::op() const { return at().op; }
inline Shape AnyVariable::shape() const { return at().shape(); }
inline Device AnyVariable::device() const { return at().device(); }
inline bool AnyVariable::stale() const { return saved_version_ != 0 && at().version() != saved_version_; }
inline void AnyVariable::save() {
  if (saved_version_ == 0) saved_version_ = at().version();
}

}  // namespace tinygan
