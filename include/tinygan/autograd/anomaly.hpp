// AnomalyScope: names the first op that computes a NaN or an infinity, in the forward or the backward pass.
#pragma once

#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <tinygan/autograd/tape.hpp>
#include <tinygan/base/outline.hpp>

namespace tinygan {

namespace detail {

[[gnu::visibility("default")]] bool& anomaly_flag();

}  // namespace detail

/// True while an AnomalyScope of this thread lives.
inline bool detecting_anomalies() { return detail::anomaly_flag(); }

/// A scope in which every op, and every vjp rule of a backward pass, throws Error on a value that is not finite; the
/// text names the op, the operand or gradient, and the element. For debugging only: every value is copied to the host.
/// There BatchNorm in inference also throws if its running statistics are the initial ones.
///   AnomalyScope anomalies;  auto loss = f(x);  auto g = grad(loss, parameters);
class AnomalyScope {
 public:
  AnomalyScope() : outer_(std::exchange(detail::anomaly_flag(), true)) {}
  ~AnomalyScope() { detail::anomaly_flag() = outer_; }
  AnomalyScope(const AnomalyScope&) = delete;
  AnomalyScope& operator=(const AnomalyScope&) = delete;

 private:
  bool outer_;
};

namespace detail {

/// "nan at (1, 0) of (2, 3)" for the first element that is not finite, or nullopt.
template <class T>
std::optional<std::string> first_non_finite(const Tensor<T>& x) {
  const std::vector<T> values = x.to_vector();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto v = static_cast<double>(values[i]);
    if (std::isfinite(v)) continue;
    std::string index;
    auto rest = static_cast<index_t>(i);
    for (int axis = x.rank() - 1; axis >= 0; --axis) {
      index = text(rest % x.extent(axis), index.empty() ? "" : ", ", index);
      rest /= x.extent(axis);
    }
    return text(std::isnan(v) ? "nan" : v > 0 ? "inf" : "-inf", " at (", index, ") of ", x.shape());
  }
  return {};
}

/// Throws Error if an input of an op or its result is not finite.
void check_op_is_finite(const char* op, const AnyVariable& result, const std::vector<AnyVariable>& inputs);

}  // namespace detail

}  // namespace tinygan

#ifdef TINYGAN_FUNC

namespace tinygan::detail {

TINYGAN_FUNC bool& anomaly_flag() {
  thread_local bool on = false;
  return on;
}

TINYGAN_FUNC void check_op_is_finite(const char* op, const AnyVariable& result,
                                     const std::vector<AnyVariable>& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined()) continue;
    if (const auto found = inputs[i].node()->first_non_finite())
      fail(op, "input ", i, " (", inputs[i].op(), ") holds ", *found);
  }
  if (const auto found = result.node()->first_non_finite()) fail(op, "from finite inputs, the result holds ", *found);
}

}  // namespace tinygan::detail

#endif
