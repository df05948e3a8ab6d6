// Softmax and its logarithm along an axis.
#pragma once

#include <utility>
#include <vector>

#include <tinygan/ops/norms.hpp>

namespace tinygan::ops {

namespace detail {

template <class T>
NormDims softmax_dims(const Variable<T>& x) {
  return {x.size() / x.shape()[-1], x.shape()[-1]};
}

/// f(x) along another axis than the last, which is exchanged with it and back.
template <class T, class F>
Variable<T> along_axis(const char* op, const Variable<T>& x, int axis, const F& f) {
  check_input(op, "input", x);
  check(x.rank() >= 1, op, "a scalar has no axis");
  const int at = resolve_axis(op, x.shape(), axis);
  if (at == x.rank() - 1) return f(x);
  std::vector<int> order;
  for (int i = 0; i < x.rank(); ++i) order.push_back(i);
  std::swap(order[static_cast<std::size_t>(at)], order.back());
  return permute(f(permute(x, order)), order);
}

/// y = e^x / sum e^x along the last axis.
template <class T>
Variable<T> softmax_last(const Variable<T>& x) {
  const NormDims d = softmax_dims(x);
  Tensor<T> y(x.shape(), x.device());
  kernels<T>(x.device()).softmax(d, x.value().data(), y.data(), Stream{});
  return record<T>("softmax", y, {x},
                   [](const Backward<T>& c) { return std::vector{c.out * (c.g - sum(c.g * c.out, {-1}, true))}; });
}

/// y = x - ln(sum e^x) along the last axis.
template <class T>
Variable<T> log_softmax_last(const Variable<T>& x) {
  const NormDims d = softmax_dims(x);
  Tensor<T> y(x.shape(), x.device());
  kernels<T>(x.device()).log_softmax(d, x.value().data(), y.data(), Stream{});
  return record<T>("log_softmax", y, {x},
                   [](const Backward<T>& c) { return std::vector{c.g - exp(c.out) * sum(c.g, {-1}, true)}; });
}

}  // namespace detail

/// y = e^x / sum e^x along an axis. Throws Error on a scalar or a missing axis.
template <class T>
Variable<T> softmax(const Variable<T>& x, int axis = -1) {
  return detail::along_axis("softmax", x, axis, [](const Variable<T>& v) { return detail::softmax_last(v); });
}

/// y = x - ln(sum e^x) along an axis. Throws Error as softmax.
template <class T>
Variable<T> log_softmax(const Variable<T>& x, int axis = -1) {
  return detail::along_axis("log_softmax", x, axis, [](const Variable<T>& v) { return detail::log_softmax_last(v); });
}

}  // namespace tinygan::ops
