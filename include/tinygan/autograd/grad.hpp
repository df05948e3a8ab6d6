// Reverse-mode differentiation over the tape: grad(), backward() and GradientTape.
#pragma once

#include <initializer_list>
#include <utility>
#include <vector>

#include <tinygan/autograd/reverse_pass.hpp>
#include <tinygan/base/outline.hpp>

namespace tinygan {

/// Gradients of a scalar y with respect to each of xs; with a cotangent of y's shape, of <cotangent, y>. An x that y
/// does not depend on gets zeros. Only the ops between y and xs are differentiated. Each gradient has memory of its
/// own. y and xs may have different element types, with a cast() between them.
/// Throws Error if y is not a scalar and has no cotangent, if y or an x does not require gradients, if the tape was
/// freed, or if a value that a rule needs was modified in place after recording.
template <class Y, class T = Y>
std::vector<Variable<T>> grad(const Variable<Y>& y, const std::vector<Variable<T>>& xs, const GradOptions& options = {},
                              const Variable<Y>& cotangent = {}) {
  const AnyVariable first = detail::first_cotangent("grad", y, cotangent);
  std::vector<Variable<T>> result;
  for (AnyVariable& g : detail::gradients(y, {xs.begin(), xs.end()}, options, first))
    result.push_back(std::move(g).as<T>());
  return result;
}
/// The same, for xs in braces.
template <class Y, class T>
std::vector<Variable<T>> grad(const Variable<Y>& y, std::initializer_list<Variable<T>> xs,
                              const GradOptions& options = {}, const Variable<Y>& cotangent = {}) {
  return grad(y, std::vector<Variable<T>>(xs), options, cotangent);
}

/// Adds the gradient of a scalar y to grad() of every leaf that requires gradients. Throws Error like grad().
void backward(const AnyVariable& y, const GradOptions& options = {}, const AnyVariable& cotangent = {});

/// How a GradientTape records.
struct TapeOptions {
  bool persistent = false;  ///< gradient() may be called more than once
};

/// TensorFlow's interface: ops that run while a GradientTape lives are recorded, even within an outer NoGrad scope.
///   GradientTape<float> tape;  auto w = tape.watch(value);  auto loss = f(w);  auto g = tape.gradient(loss, {w});
template <class T>
class GradientTape {
 public:
  explicit GradientTape(TapeOptions options = {}) : options_(options), scope_(true) {}

  /// A new leaf with this value that requires gradients.
  Variable<T> watch(const Tensor<T>& value) const { return Variable<T>(value, true); }

  /// grad(y, xs). Throws Error on a second call, unless persistent.
  template <class Y>
  std::vector<Variable<T>> gradient(const Variable<Y>& y, const std::vector<Variable<T>>& xs) {
    check(options_.persistent || !std::exchange(used_, true), "GradientTape",
          "gradient() was called twice; make the tape {.persistent = true}");
    return grad(y, xs, {.retain_graph = options_.persistent});
  }

 private:
  TapeOptions options_;
  RecordingScope scope_;
  bool used_ = false;
};

}  // namespace tinygan

#ifdef TINYGAN_FUNC

namespace tinygan {

TINYGAN_FUNC void backward(const AnyVariable& y, const GradOptions& options, const AnyVariable& cotangent) {
  check(!options.create_graph, "backward", "leaves accumulate tensors; use grad() for gradients to differentiate");
  const AnyVariable first = detail::first_cotangent("backward", y, cotangent);
  const std::vector<AnyVariable> leaves = detail::leaves_of(y);
  const std::vector<AnyVariable> grads = detail::gradients(y, leaves, options, first);
  const NoGrad no_grad;
  for (std::size_t i = 0; i < leaves.size(); ++i) leaves[i].node()->add_grad(grads[i]);
}

}  // namespace tinygan

#endif
