// Reductions made of other ops: mean, variance, sums of squares and norms.
#pragma once

#include <tinygan/ops/pointwise.hpp>

namespace tinygan::ops {

/// y = mean of x over axes. Throws Error like sum.
template <class T>
Variable<T> mean(const Variable<T>& x, const Axes& axes = {}, bool keep_axes = false) {
  const Variable<T> total = detail::sum_over("mean", x, axes, keep_axes);
  return affine(total, static_cast<double>(total.size()) / static_cast<double>(x.size()), 0);
}

/// y = sum of (x - mean)^2 / (n - correction) over axes, n elements each. Without correction it is the biased variance,
/// as NumPy's; PyTorch's has correction 1. Throws Error like sum, and unless n > correction >= 0.
template <class T>
Variable<T> variance(const Variable<T>& x, const Axes& axes = {}, bool keep_axes = false, double correction = 0) {
  const Variable<T> centre = mean(x, axes, true);
  const double n = static_cast<double>(x.size()) / static_cast<double>(centre.size());
  check(correction >= 0 && n > correction, "variance", "correction ", correction, " for ", n,
        " elements, expected at least 0 and fewer than them");
  return affine(detail::sum_over("variance", square(sub(x, centre)), axes, keep_axes), 1 / (n - correction), 0);
}

/// y = variance(x)^(1/2); the derivatives where all x are equal are 0. Throws Error like variance.
template <class T>
Variable<T> stddev(const Variable<T>& x, const Axes& axes = {}, bool keep_axes = false, double correction = 0);

/// y = sum of x^2 over axes.
template <class T>
Variable<T> sum_squares(const Variable<T>& x, const Axes& axes = {}, bool keep_axes = false) {
  detail::check_input("sum_squares", "input", x);
  return detail::sum_over("sum_squares", square(x), axes, keep_axes);
}

namespace detail {

/// y = s^(1/2) of sums of squares; the derivatives at 0 are 0.
template <class T>
Variable<T> norm_of_squares(const Variable<T>& s) {
  return record<T>("norm", unary_value(UnaryOp::sqrt, s.value()), {s}, [](const Backward<T>& c) {
    const Variable<T> positive = unary_value(UnaryOp::sign, c.out.value());
    // g / y where y > 0 and 0 / 1 elsewhere: no derivative of this is infinite either
    return std::vector{affine(div(mul(c.g, positive), add(c.out, affine(positive, -1, 1))), 0.5, 0)};
  });
}

}  // namespace detail

/// y = (sum of x^2 + epsilon)^(1/2) over axes. Without epsilon the derivatives where all x are 0 are 0, as PyTorch's; a
/// positive one makes them continuous. Throws Error like sum, and on a negative epsilon.
template <class T>
Variable<T> norm(const Variable<T>& x, const Axes& axes = {}, bool keep_axes = false, double epsilon = 0) {
  detail::check_input("norm", "input", x);
  check(epsilon >= 0, "norm", "epsilon ", epsilon, ", expected at least 0");
  const Variable<T> squares = detail::sum_over("norm", square(x), axes, keep_axes);
  return epsilon == 0 ? detail::norm_of_squares(squares) : sqrt(affine(squares, 1, epsilon));
}

template <class T>
Variable<T> stddev(const Variable<T>& x, const Axes& axes, bool keep_axes, double correction) {
  return detail::norm_of_squares(variance(x, axes, keep_axes, correction));
}

/// y = maximum of x along the last axis, kept with extent 1, as a constant: gradients do not pass.
template <class T>
Variable<T> max_last(const Variable<T>& x) {
  detail::check_input("max_last", "input", x);
  check(x.rank() >= 1, "max_last", "a scalar has no axis");
  std::vector<bool> mask(static_cast<std::size_t>(x.rank()), false);
  mask.back() = true;
  return detail::reduce_value(ReduceOp::max, x.value(), mask);
}

}  // namespace tinygan::ops
