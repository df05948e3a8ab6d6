// Reverse-mode differentiation over the tape: grad(), backward() and the GradientTape face.
#pragma once

#include <algorithm>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <tinygan/autograd/variable.hpp>

namespace tinygan {

struct GradOptions {
  bool create_graph = false;  ///< record the backward pass, so that its result can be differentiated
  bool retain_graph = false;  ///< keep the tape for another pass (implied by create_graph); else it is freed on the way
};

namespace detail {

/// a + b, recorded; in place when nothing else sees a.
template <class T>
Variable<T> accumulate(Variable<T> a, const Variable<T>& b) {
  BroadcastDims dims;
  dims.extent[BroadcastDims::rank - 1] = a.size();
  dims.a_stride[BroadcastDims::rank - 1] = dims.b_stride[BroadcastDims::rank - 1] = 1;
  const bool in_place = !recording() && a.node().use_count() == 1 && a.value().unique();
  const Tensor<T> sum = in_place ? a.value() : Tensor<T>(a.shape(), a.device());
  kernels<T>(a.device()).binary(BinaryOp::add, dims, 0, a.value().data(), b.value().data(), sum.data(), Stream{});
  if (in_place) return a;
  return record<T>("add", sum, {std::move(a), b}, [](const Backward<T>& c) { return std::vector{c.g, c.g}; });
}

/// A copy of v in memory of its own, recorded.
template <class T>
Variable<T> copy(const Variable<T>& v) {
  return record<T>("copy", v.value().clone(), {v}, [](const Backward<T>& c) { return std::vector{c.g}; });
}

/// Gives every gradient memory of its own, so that writing to one changes no other, nor the cotangents that the caller gave. Rules
/// may hand one tensor to several inputs, or on as it is. Recorded gradients are also held by the tape, which notices writes.
template <class T>
void separate(std::vector<Variable<T>>& gradients, const std::vector<Variable<T>>& seeds, bool recorded) {
  const RecordingScope scope(recorded);
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    Variable<T>& g = gradients[i];
    if (!g.defined()) continue;
    bool shared = !recorded && (g.node().use_count() > 1 || !g.value().unique());
    for (std::size_t k = 0; k < i && !shared; ++k)
      shared = gradients[k].defined() && g.value().shares_storage(gradients[k].value());
    for (std::size_t k = 0; k < seeds.size() && !shared; ++k) shared = g.value().shares_storage(seeds[k].value());
    if (shared) g = copy(g);
  }
}

/// Throws: v was met on a backward pass, but an earlier one took its tape.
template <class T>
[[noreturn]] void fail_freed(const char* op, const Variable<T>& v) {
  fail(op, "the tape of '", v.op(), "' was freed by an earlier pass; give that pass {.retain_graph = true} or detach() its result");
}

/// One backward pass from results to the targets.
template <class T>
class ReversePass {
 public:
  /// From several results at once.
  ReversePass(const std::vector<Variable<T>>& ys, const std::vector<Variable<T>>& targets) {
    for (const Variable<T>& x : targets) nodes_[x.node().get()].target = true;
    collect(ys);
    for (const Variable<T>& x : targets)  // older than what was freed, so it may lie behind it
      if (freed_.defined() && x.node()->order < freed_.node()->order) fail_freed("grad", freed_);
  }

  /// With one cotangent for each result.
  void run(const std::vector<Variable<T>>& ys, const std::vector<Variable<T>>& seeds, const GradOptions& options) {
    const RecordingScope scope(options.create_graph);
    const bool keep = options.create_graph || options.retain_graph;
    for (std::size_t i = 0; i < ys.size(); ++i) {
      Entry& entry = nodes_[ys[i].node().get()];
      entry.cotangent = entry.cotangent.defined() ? accumulate(std::move(entry.cotangent), seeds[i]) : seeds[i];
    }
    while (!order_.empty()) {
      const Variable<T> v = std::move(order_.back());
      order_.pop_back();
      Entry& entry = nodes_[v.node().get()];
      if (!entry.cotangent.defined()) continue;
      if (entry.passes) propagate(v, entry.cotangent, keep);
      if (!entry.target) entry.cotangent = {};  // its memory serves the rest of the pass
    }
  }

  /// The cotangent delivered to a target; zeros if y does not depend on it.
  Variable<T> result(const Variable<T>& x) {
    const Variable<T>& g = nodes_[x.node().get()].cotangent;
    return g.defined() ? g : Tensor<T>::zeros(x.shape(), x.device());
  }

 private:
  struct Entry {
    Variable<T> cotangent;
    bool seen = false, target = false;
    bool passes = false;  ///< some target lies behind it
  };

  /// Everything behind the results, in order of creation, which is a topological order.
  void collect(std::vector<Variable<T>> pending) {
    while (!pending.empty()) {
      const Variable<T> v = std::move(pending.back());
      pending.pop_back();
      if (!v.defined() || !v.requires_grad() || std::exchange(nodes_[v.node().get()].seen, true)) continue;
      if (v.node()->freed && (!freed_.defined() || v.node()->order > freed_.node()->order)) freed_ = v;
      order_.push_back(v);
      for (const Variable<T>& input : v.node()->inputs) pending.push_back(input);
    }
    std::sort(order_.begin(), order_.end(),
              [](const Variable<T>& a, const Variable<T>& b) { return a.node()->order < b.node()->order; });
    for (const Variable<T>& v : order_)
      for (const Variable<T>& input : v.node()->inputs)
        if (wanted(input)) nodes_[v.node().get()].passes = true;
  }

  bool wanted(const Variable<T>& v) {
    if (!v.defined() || !v.requires_grad()) return false;
    const Entry& entry = nodes_[v.node().get()];
    return entry.target || entry.passes;
  }

  /// Throws: names the op whose rule met a value that is not the recorded one any more, and which value.
  [[noreturn]] static void fail_stale(const Variable<T>& v, const StaleValue& e) {
    constexpr const char* cure = "; differentiate first, or record the ops again afterwards";
    const Node<T>& node = *v.node();
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      if (node.inputs[i].defined() && node.inputs[i].stale())
        fail("grad", "input ", i, " of '", node.op, "', shape ", node.inputs[i].shape(),
             ", was modified in place after the op recorded it", cure);
    if (node.value.version() != node.recorded_version)
      fail("grad", "the output of '", node.op, "', shape ", node.value.shape(),
           ", was modified in place after the op recorded it", cure);
    fail("grad", "in the rule of '", node.op, "': ", e.what(), cure);
  }

  void propagate(const Variable<T>& v, const Variable<T>& g, bool keep) {
    Node<T>& node = *v.node();
    std::vector<bool> needs;
    for (const Variable<T>& input : node.inputs) needs.push_back(wanted(input));
    std::vector<Variable<T>> result;
    try {
      result = node.vjp({node.inputs, v.saved(node.recorded_version), g, needs});
    } catch (const StaleValue& e) {
      fail_stale(v, e);
    } catch (const Error& e) {
      if (detecting_anomalies()) fail("grad", "in the rule of '", node.op, "': ", e.what());
      throw;
    }
    check(result.size() == needs.size(), "grad", "the rule of '", node.op, "' gave ", result.size(), " cotangents for ",
          needs.size(), " inputs; an undefined one stands for zero");
    for (std::size_t i = 0; i < needs.size(); ++i) {
      if (!needs[i] || !result[i].defined()) continue;
      const Variable<T>& input = node.inputs[i];
      check(result[i].shape() == input.shape(), "grad", "the rule of '", node.op, "' gave shape ", result[i].shape(),
            " for input ", i, " of shape ", input.shape());
      check(result[i].device() == input.device(), "grad", "the rule of '", node.op, "' gave a cotangent on ",
            result[i].device(), " for input ", i, " on ", input.device());
      if (detecting_anomalies()) [[unlikely]]
        if (const auto found = first_non_finite(result[i].value()))
          fail("grad", "the gradient of '", node.op, "' by input ", i, " holds ", *found);
      Variable<T>& slot = nodes_[input.node().get()].cotangent;
      Variable<T> delivered(result[i].node());  // were it a saved handle, reading it would ask the tape
      result[i] = {};
      slot = slot.defined() ? accumulate(std::move(slot), delivered) : std::move(delivered);
    }
    if (!keep) {
      node.inputs.clear();
      node.vjp = nullptr;
      node.freed = true;
    }
  }

  std::unordered_map<const Node<T>*, Entry> nodes_;
  std::vector<Variable<T>> order_;
  Variable<T> freed_;  ///< the youngest met on the way whose tape is gone
};

/// The leaves that y depends on and that require gradients, in order of creation.
template <class T>
std::vector<Variable<T>> leaves_of(const Variable<T>& y) {
  std::vector<Variable<T>> leaves, pending{y};
  std::unordered_set<const Node<T>*> seen;
  while (!pending.empty()) {
    const Variable<T> v = std::move(pending.back());
    pending.pop_back();
    if (!v.defined() || !v.requires_grad() || !seen.insert(v.node().get()).second) continue;
    if (v.node()->freed) fail_freed("backward", v);
    if (v.is_leaf()) leaves.push_back(v);
    for (const Variable<T>& input : v.node()->inputs) pending.push_back(input);
  }
  std::sort(leaves.begin(), leaves.end(),
            [](const Variable<T>& a, const Variable<T>& b) { return a.node()->order < b.node()->order; });
  return leaves;
}

template <class T>
std::vector<Variable<T>> reverse(const std::vector<Variable<T>>& ys, const std::vector<Variable<T>>& xs,
                                 const GradOptions& options, const std::vector<Variable<T>>& seeds) {
  for (std::size_t i = 0; i < xs.size(); ++i)
    check(xs[i].defined() && xs[i].requires_grad(), "grad", "variable ", i, " does not require gradients");
  std::vector<Variable<T>> result;
  {
    ReversePass<T> pass(ys, xs);
    pass.run(ys, seeds, options);
    for (const Variable<T>& x : xs) result.push_back(pass.result(x));
  }
  separate(result, seeds, options.create_graph);
  return result;
}

/// Where a float y hangs on the tape of T: the variables that were widened for it, and y's cotangents of them.
template <class T>
std::pair<std::vector<Variable<T>>, std::vector<Variable<T>>> narrow_seeds(const Variable<wide_t<T>>& y,
                                                                           const GradOptions& options);

template <class T>
Variable<T> seed_for(const char* op, const Variable<T>& y, const Variable<T>& cotangent) {
  check(y.defined(), op, "the result to differentiate is empty");
  check(y.requires_grad(), op, "the result of '", y.op(),
        "' does not depend on anything that requires gradients; was it computed under NoGrad, or from detach()?");
  if (cotangent.defined()) {
    check(cotangent.shape() == y.shape(), op, "cotangent of shape ", cotangent.shape(), ", expected ", y.shape());
    check(cotangent.device() == y.device(), op, "cotangent on ", cotangent.device(), ", the result on ", y.device());
    return cotangent;
  }
  check(y.size() == 1, op, "the result has shape ", y.shape(), ", expected a scalar; give a cotangent for any other");
  return Tensor<T>::full(y.shape(), T(1), y.device());
}

}  // namespace detail

/// Gradients of a scalar y with respect to each of xs; with a cotangent of y's shape, of <cotangent, y>. An x that y does
/// not depend on gets zeros. Only what lies between y and xs is differentiated. Each gradient has memory of its own.
/// Throws Error if y is not a scalar and has no cotangent, if y or an x does not require gradients, if the tape was freed, or if
/// a value that a rule needs was modified in place after it was recorded.
template <class T>
std::vector<Variable<T>> grad(const Variable<T>& y, const std::vector<Variable<T>>& xs, const GradOptions& options = {},
                              const Variable<T>& cotangent = {}) {
  Variable<T> seed = detail::seed_for("grad", y, cotangent);
  return detail::reverse<T>({y}, xs, options, {std::move(seed)});
}

template <class T>
std::pair<std::vector<Variable<T>>, std::vector<Variable<T>>> detail::narrow_seeds(const Variable<wide_t<T>>& y,
                                                                                   const GradOptions& options) {
  std::vector<Variable<wide_t<T>>> widened;
  for (const Variable<wide_t<T>>& leaf : leaves_of(y))
    if (leaf.node()->narrow) widened.push_back(leaf);
  const std::vector<Variable<wide_t<T>>> wide = grad(y, widened, options);
  std::vector<Variable<T>> ys, seeds;
  for (std::size_t i = 0; i < widened.size(); ++i) {
    ys.emplace_back(std::static_pointer_cast<Node<T>>(widened[i].node()->narrow));
    seeds.emplace_back(narrow<T>(wide[i].value()));
  }
  return {ys, seeds};
}

/// The same across widen(): gradients of a float y with respect to bfloat16 xs that it was made of. Throws Error like grad(), and
/// on create_graph, which ends at widen().
inline std::vector<Variable<bfloat16>> grad(const Variable<float>& y, const std::vector<Variable<bfloat16>>& xs,
                                            const GradOptions& options = {}) {
  check(!options.create_graph, "grad", "gradients through widen() cannot be differentiated in turn");
  auto [ys, seeds] = detail::narrow_seeds<bfloat16>(y, options);
  return detail::reverse<bfloat16>(ys, xs, options, std::move(seeds));
}

/// Adds the gradient of a scalar y to grad() of every leaf that requires gradients. Throws Error like grad().
template <class T>
void backward(const Variable<T>& y, const GradOptions& options = {}, const Variable<T>& cotangent = {}) {
  check(!options.create_graph, "backward", "leaves accumulate tensors; use grad() for gradients to differentiate");
  const Variable<T> seed = detail::seed_for("backward", y, cotangent);
  const std::vector<Variable<T>> leaves = detail::leaves_of(y);
  const std::vector<Variable<T>> grads = grad(y, leaves, options, seed);
  const NoGrad no_grad;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    Tensor<T>& total = leaves[i].node()->grad;
    total = total.defined() ? detail::accumulate(Variable<T>(total), grads[i]).value() : grads[i].value();
  }
}

struct TapeOptions {
  bool persistent = false;  ///< gradient() may be asked for more than once
};

/// A face like TensorFlow's GradientTape: ops run while it lives are recorded, also inside a NoGrad scope further out.
///   GradientTape<float> tape;  auto w = tape.watch(value);  auto loss = f(w);  auto g = tape.gradient(loss, {w});
template <class T>
class GradientTape {
 public:
  explicit GradientTape(TapeOptions options = {}) : options_(options), scope_(true) {}

  /// A new leaf with this value that requires gradients.
  Variable<T> watch(const Tensor<T>& value) const { return Variable<T>(value, true); }

  /// grad(y, xs). Throws Error when asked a second time, unless persistent.
  std::vector<Variable<T>> gradient(const Variable<T>& y, const std::vector<Variable<T>>& xs) {
    check(options_.persistent || !std::exchange(used_, true), "GradientTape",
          "gradient() was already asked for; make the tape {.persistent = true}");
    return grad(y, xs, {.retain_graph = options_.persistent});
  }

 private:
  TapeOptions options_;
  RecordingScope scope_;
  bool used_ = false;
};

}  // namespace tinygan
