// ReversePass: one backward pass over the tape, whatever the element types on it.
#pragma once

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <tinygan/autograd/variable.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/profile/scope.hpp>

namespace tinygan {

/// What grad() and backward() leave behind: a tape, a differentiable result.
struct GradOptions {
  bool create_graph = false;  ///< record the backward pass, so that its result can be differentiated
  bool retain_graph = false;  ///< keep the tape for another pass (implied by create_graph); otherwise the pass frees it
};

namespace detail {

/// Throws: an earlier backward pass freed the tape of v.
[[noreturn]] void fail_freed(const char* op, const AnyVariable& v);

/// The leaves that y depends on and that require gradients, in order of creation.
std::vector<AnyVariable> leaves_of(const AnyVariable& y);

/// The cotangent of the result: the caller's, or 1 for a scalar. Throws Error if y does not require gradients or the
/// cotangent does not match y.
AnyVariable first_cotangent(const char* op, const AnyVariable& y, const AnyVariable& cotangent);

/// grad() for any element types.
std::vector<AnyVariable> gradients(const AnyVariable& y, const std::vector<AnyVariable>& xs, const GradOptions& options,
                                   const AnyVariable& cotangent);

}  // namespace detail

}  // namespace tinygan

#ifdef TINYGAN_FUNC

namespace tinygan::detail {

TINYGAN_FUNC void fail_freed(const char* op, const AnyVariable& v) {
  fail(op, "the tape of '", v.op(),
       "' was freed by an earlier pass; call that pass with {.retain_graph = true}, or detach() its result");
}

TINYGAN_FUNC bool created_before(const AnyVariable& a, const AnyVariable& b) {
  return a.node()->order < b.node()->order;
}

/// One backward pass from a result to the targets.
class ReversePass {
 public:
  ReversePass(const AnyVariable& y, const std::vector<AnyVariable>& targets) {
    for (const AnyVariable& x : targets) entry(x).target = true;
    collect(y);
    for (const AnyVariable& x : targets)  // a target older than a freed node may be upstream of it
      if (freed_.defined() && created_before(x, freed_)) fail_freed("grad", freed_);
  }

  void run(const AnyVariable& y, const AnyVariable& cotangent, const GradOptions& options) {
    const RecordingScope scope(options.create_graph);
    const bool keep = options.create_graph || options.retain_graph;
    entry(y).cotangent = cotangent;
    while (!order_.empty()) {
      const AnyVariable v = std::move(order_.back());
      order_.pop_back();
      Entry& e = entry(v);
      if (!e.cotangent.defined()) continue;
      if (e.passes) propagate(v, e.cotangent, keep);
      if (!e.target) e.cotangent = {};  // frees its memory for the rest of the pass
    }
  }

  /// The cotangent delivered to a target; zeros if y does not depend on it.
  AnyVariable result(const AnyVariable& x) {
    const AnyVariable& g = entry(x).cotangent;
    return g.defined() ? g : x.node()->filled(0);
  }

 private:
  struct Entry {
    AnyVariable cotangent;
    bool seen = false, target = false;
    bool passes = false;  ///< some target is upstream
  };

  Entry& entry(const AnyVariable& v) { return entries_[v.node().get()]; }

  /// Everything upstream of y, in order of creation, which is a topological order.
  void collect(const AnyVariable& y) {
    std::vector<AnyVariable> pending{y};
    while (!pending.empty()) {
      const AnyVariable v = std::move(pending.back());
      pending.pop_back();
      if (!v.defined() || !v.requires_grad() || std::exchange(entry(v).seen, true)) continue;
      if (v.node()->freed && (!freed_.defined() || created_before(freed_, v))) freed_ = v;
      order_.push_back(v);
      for (const AnyVariable& input : v.node()->inputs) pending.push_back(input);
    }
    std::sort(order_.begin(), order_.end(), created_before);
    for (const AnyVariable& v : order_)
      for (const AnyVariable& input : v.node()->inputs)
        if (wanted(input)) entry(v).passes = true;
  }

  bool wanted(const AnyVariable& v) {
    if (!v.defined() || !v.requires_grad()) return false;
    const Entry& e = entry(v);
    return e.target || e.passes;
  }

  /// Throws Error naming an op and the value that was modified after the op recorded it.
  [[noreturn]] static void fail_stale(const NodeBase& node, const StaleValue& e) {
    constexpr const char* hint = "; differentiate first, or record the ops again afterwards";
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      if (node.inputs[i].defined() && node.inputs[i].stale())
        fail("grad", "input ", i, " of '", node.op, "', shape ", node.inputs[i].shape(),
             ", was modified in place after the op recorded it", hint);
    if (node.version() != node.recorded_version)
      fail("grad", "the output of '", node.op, "', shape ", node.shape(),
           ", was modified in place after the op recorded it", hint);
    fail("grad", "in the rule of '", node.op, "': ", e.what(), hint);
  }

  Cotangents apply_rule(const AnyVariable& v, const AnyVariable& g) {
    const NodeBase& node = *v.node();
    needs_.clear();
    for (const AnyVariable& input : node.inputs) needs_.push_back(wanted(input));
    const profile::Scope scope(node.op, profile::SliceKind::backward);
    try {
      return node.apply_rule(v, g, needs_);
    } catch (const StaleValue& e) {
      fail_stale(node, e);
    } catch (const Error& e) {
      if (detecting_anomalies()) fail("grad", "in the rule of '", node.op, "': ", e.what());
      throw;
    }
  }

  /// Throws Error unless g has the element type, shape and device of input i.
  static void check_cotangent(const NodeBase& node, std::size_t i, const NodeBase& g) {
    const NodeBase& input = *node.inputs[i].node();
    check(g.element() == input.element(), "grad", "the rule of '", node.op, "' returned a cotangent of ",
          g.element_name(), " for input ", i, " of ", input.element_name());
    check(g.shape() == input.shape(), "grad", "the rule of '", node.op, "' returned shape ", g.shape(), " for input ",
          i, " of shape ", input.shape());
    check(g.device() == input.device(), "grad", "the rule of '", node.op, "' returned a cotangent on ", g.device(),
          " for input ", i, " on ", input.device());
    if (detecting_anomalies()) [[unlikely]]
      if (const auto found = g.first_non_finite())
        fail("grad", "the gradient of '", node.op, "' by input ", i, " holds ", *found);
  }

  void propagate(const AnyVariable& v, const AnyVariable& g, bool keep) {
    NodeBase& node = *v.node();
    Cotangents cotangents = apply_rule(v, g);
    check(cotangents.size() == needs_.size(), "grad", "the rule of '", node.op, "' returned ", cotangents.size(),
          " cotangents for ", needs_.size(), " inputs; an undefined cotangent stands for zero");
    for (std::size_t i = 0; i < needs_.size(); ++i) {
      if (!needs_[i] || !cotangents[i].defined()) continue;
      AnyVariable delivered = std::move(cotangents[i]);
      delivered.save(0);  // not a saved handle any more: its version is not checked
      check_cotangent(node, i, *delivered.node());
      AnyVariable& sum = entry(node.inputs[i]).cotangent;
      sum = sum.defined() ? delivered.node()->add_to(std::move(sum), delivered) : std::move(delivered);
    }
    if (!keep) {
      node.inputs.clear();
      node.drop_rule();
      node.freed = true;
    }
  }

  std::unordered_map<const NodeBase*, Entry> entries_;
  std::vector<AnyVariable> order_;
  std::vector<bool> needs_;  ///< of the current rule: which inputs need a cotangent
  AnyVariable freed_;        ///< the latest node upstream of y whose tape is freed
};

TINYGAN_FUNC std::vector<AnyVariable> leaves_of(const AnyVariable& y) {
  std::vector<AnyVariable> leaves, pending{y};
  std::unordered_set<const NodeBase*> seen;
  while (!pending.empty()) {
    const AnyVariable v = std::move(pending.back());
    pending.pop_back();
    if (!v.defined() || !v.requires_grad() || !seen.insert(v.node().get()).second) continue;
    if (v.node()->freed) fail_freed("backward", v);
    if (v.is_leaf()) leaves.push_back(v);
    for (const AnyVariable& input : v.node()->inputs) pending.push_back(input);
  }
  std::sort(leaves.begin(), leaves.end(), created_before);
  return leaves;
}

/// Copies gradients that share memory with each other or with the caller's cotangent: rules may return one tensor for
/// several inputs, or the cotangent itself. The tape also holds recorded gradients; it detects writes to them.
TINYGAN_FUNC void separate(std::vector<AnyVariable>& gradients, const AnyVariable& cotangent, bool recorded) {
  const RecordingScope scope(recorded);
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    AnyVariable& g = gradients[i];
    const NodeBase& node = *g.node();
    bool shared = (!recorded && (g.node().use_count() > 1 || !node.unique())) || node.shares_storage(*cotangent.node());
    for (std::size_t k = 0; k < i && !shared; ++k) shared = node.shares_storage(*gradients[k].node());
    if (shared) g = node.copy(g);
  }
}

TINYGAN_FUNC AnyVariable first_cotangent(const char* op, const AnyVariable& y, const AnyVariable& cotangent) {
  check(y.defined(), op, "the result to differentiate is empty");
  check(y.requires_grad(), op, "the result of '", y.op(),
        "' does not depend on anything that requires gradients; was it computed under NoGrad, or from detach()?");
  if (!cotangent.defined()) {
    check(y.shape().size() == 1, op, "the result has shape ", y.shape(),
          ", expected a scalar; pass a cotangent for any other shape");
    return y.node()->filled(1);
  }
  const NodeBase &result = *y.node(), &given = *cotangent.node();
  check(given.element() == result.element(), op, "cotangent of ", given.element_name(), ", expected ",
        result.element_name());
  check(given.shape() == result.shape(), op, "cotangent of shape ", given.shape(), ", expected ", result.shape());
  check(given.device() == result.device(), op, "cotangent on ", given.device(), ", the result on ", result.device());
  return cotangent;
}

TINYGAN_FUNC std::vector<AnyVariable> gradients(const AnyVariable& y, const std::vector<AnyVariable>& xs,
                                                const GradOptions& options, const AnyVariable& cotangent) {
  for (std::size_t i = 0; i < xs.size(); ++i)
    check(xs[i].defined() && xs[i].requires_grad(), "grad", "variable ", i, " does not require gradients");
  std::vector<AnyVariable> result;
  {
    const profile::Scope scope("backward pass");
    ReversePass pass(y, xs);
    pass.run(y, cotangent, options);
    for (const AnyVariable& x : xs) result.push_back(pass.result(x));
  }
  separate(result, cotangent, options.create_graph);
  return result;
}

}  // namespace tinygan::detail

#endif
