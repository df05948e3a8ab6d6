// Reverse-mode differentiation over the tape: grad(), backward() and the GradientTape face.
#pragma once

#include <initializer_list>
#include <utility>
#include <vector>

#include <tinygan/autograd/reverse_pass.hpp>

namespace tinygan {

/// Gradients of a scalar y with respect to each of xs; with a cotangent of y's shape, of <cotangent, y>. An x that y does
/// not depend on gets zeros. Only what lies between y and xs is differentiated. Each gradient has memory of its own. The elements
/// of y and xs may differ, with a cast() between them.
/// Throws Error if y is not a scalar and has no cotangent, if y or an x does not require gradients, if the tape was freed, or if
/// a value that a rule needs was modified in place after it was recorded.
template <class Y, class T = Y>
std::vector<Variable<T>> grad(const Variable<Y>& y, const std::vector<Variable<T>>& xs, const GradOptions& options = {},
                              const Variable<Y>& cotangent = {}) {
  const AnyVariable first = detail::first_cotangent("grad", y, cotangent);
  std::vector<Variable<T>> result;
  for (AnyVariable& g : detail::gradients(y, {xs.begin(), xs.end()}, options, first))
    result.push_back(std::move(g).as<T>());
  return result;
}
/// The same of xs in braces.
template <class Y, class T>
std::vector<Variable<T>> grad(const Variable<Y>& y, std::initializer_list<Variable<T>> xs,
                              const GradOptions& options = {}, const Variable<Y>& cotangent = {}) {
  return grad(y, std::vector<Variable<T>>(xs), options, cotangent);
}

/// Adds the gradient of a scalar y to grad() of every leaf that requires gradients. Throws Error like grad().
inline void backward(const AnyVariable& y, const GradOptions& options = {}, const AnyVariable& cotangent = {}) {
  check(!options.create_graph, "backward", "leaves accumulate tensors; use grad() for gradients to differentiate");
  const AnyVariable first = detail::first_cotangent("backward", y, cotangent);
  const std::vector<AnyVariable> leaves = detail::leaves_of(y);
  const std::vector<AnyVariable> grads = detail::gradients(y, leaves, options, first);
  const NoGrad no_grad;
  for (std::size_t i = 0; i < leaves.size(); ++i) leaves[i].node()->add_grad(grads[i]);
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
  template <class Y>
  std::vector<Variable<T>> gradient(const Variable<Y>& y, const std::vector<Variable<T>>& xs) {
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
