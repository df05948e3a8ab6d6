// Softmax and its logarithm along the last axis.
#pragma once

#include <tinygan/ops/norms.hpp>

namespace tinygan::ops {

namespace detail {

template <class T>
NormDims softmax_dims(const char* op, const Variable<T>& x) {
  check_input(op, "input", x);
  check(x.rank() >= 1, op, "a scalar has no axis");
  return {x.size() / x.shape()[-1], x.shape()[-1]};
}

}  // namespace detail

/// y = e^x / sum e^x along the last axis. Throws Error on a scalar.
template <class T>
Variable<T> softmax(const Variable<T>& x) {
  const NormDims d = detail::softmax_dims("softmax", x);
  Tensor<T> y(x.shape(), x.device());
  kernels<T>(x.device()).softmax(d, x.value().data(), y.data(), Stream{});
  return record<T>("softmax", y, {x},
                   [](const Backward<T>& c) { return std::vector{c.out * (c.g - sum(c.g * c.out, {-1}, true))}; });
}

/// y = x - ln(sum e^x) along the last axis. Throws Error on a scalar.
template <class T>
Variable<T> log_softmax(const Variable<T>& x) {
  const NormDims d = detail::softmax_dims("log_softmax", x);
  Tensor<T> y(x.shape(), x.device());
  kernels<T>(x.device()).log_softmax(d, x.value().data(), y.data(), Stream{});
  return record<T>("log_softmax", y, {x},
                   [](const Backward<T>& c) { return std::vector{c.g - exp(c.out) * sum(c.g, {-1}, true)}; });
}

}  // namespace tinygan::ops
