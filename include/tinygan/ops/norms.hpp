// Reductions made of other ops: mean, sums of squares and norms.
#pragma once

#include <tinygan/ops/pointwise.hpp>

namespace tinygan::ops {

/// y = mean of x over axes. Throws Error like sum.
template <class T>
Variable<T> mean(const Variable<T>& x, const Axes& axes = {}, bool keep_axes = false) {
  const Variable<T> total = sum(x, axes, keep_axes);
  return affine(total, static_cast<wide_t<T>>(total.size()) / static_cast<wide_t<T>>(x.size()), 0);
}

/// y = sum of x^2 over axes.
template <class T>
Variable<T> sum_squares(const Variable<T>& x, const Axes& axes = {}, bool keep_axes = false) {
  return sum(square(x), axes, keep_axes);
}

/// y = (sum of x^2 + epsilon)^(1/2) over axes; a positive epsilon keeps the derivative finite at 0.
template <class T>
Variable<T> norm(const Variable<T>& x, const Axes& axes = {}, bool keep_axes = false, wide_t<T> epsilon = 0) {
  const Variable<T> squares = sum_squares(x, axes, keep_axes);
  return sqrt(epsilon == 0 ? squares : affine(squares, 1, epsilon));
}

/// y = maximum of x along the last axis, kept with extent 1, as a constant: gradients do not pass.
template <class T>
Variable<T> max_last(const Variable<T>& x) {
  check(x.rank() >= 1, "max_last", "a scalar has no axis");
  std::vector<bool> mask(static_cast<std::size_t>(x.rank()), false);
  mask.back() = true;
  return detail::reduce_value(ReduceOp::max, x.value(), mask);
}

}  // namespace tinygan::ops
