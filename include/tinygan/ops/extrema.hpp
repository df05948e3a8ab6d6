// Maxima and minima over axes, with their gradients, and the indices of maxima and minima.
#pragma once

#include <cstdint>
#include <limits>

#include <tinygan/ops/pointwise.hpp>

namespace tinygan::ops {

namespace detail {

template <class T>
Variable<T> extremum(const char* op, ReduceOp kind, const Variable<T>& x, const Axes& axes, bool keep_axes) {
  check_input(op, "input", x);
  const std::vector<bool> mask = axis_mask(op, x.shape(), axes);
  const Shape kept = reduced_shape(x.shape(), mask, true);
  const Tensor<T> y = reduce_value(kind, x.value(), mask);
  return record<T>(op, y.reshape(reduced_shape(x.shape(), mask, keep_axes)), {x}, [kept](const Backward<T>& c) {
    const Tensor<T>& at = c.in[0].value();
    const Variable<T> reached = binary_value("equal", BinaryOp::equal, at, c.out.value().reshape(kept));
    const Variable<T> share = div(reached, sum_to(reached, kept));
    return std::vector{mul(reshape(c.g, kept), share)};
  });
}

template <class T>
Tensor<std::int32_t> extremum_index(const char* op, ReduceOp kind, const Variable<T>& x, int axis) {
  check_input(op, "input", x);
  const int at = resolve_axis(op, x.shape(), axis);
  const Shape& shape = x.shape();
  check(shape[at] <= std::numeric_limits<std::int32_t>::max(), op, "axis ", axis, " of ", shape,
        " has more than 2^31 - 1 elements");
  std::vector<bool> mask(static_cast<std::size_t>(shape.rank()), false);
  mask[static_cast<std::size_t>(at)] = true;
  Tensor<std::int32_t> index(reduced_shape(shape, mask, false), x.device());
  const ReduceDims d{shape.range_size(0, at), shape[at], shape.range_size(at + 1, shape.rank())};
  kernels<T>(x.device()).arg_extremum(kind, d, x.value().data(), index.data(), Stream{});
  return index;
}

}  // namespace detail

/// y = maximum of x over axes; they are dropped, or kept with extent 1. Where several elements reach it, they share its
/// cotangent equally. A NaN is the maximum. Throws Error on a missing or repeated axis.
template <class T>
Variable<T> max(const Variable<T>& x, const Axes& axes = {}, bool keep_axes = false) {
  return detail::extremum("max", ReduceOp::max, x, axes, keep_axes);
}

/// y = minimum of x over axes, as max.
template <class T>
Variable<T> min(const Variable<T>& x, const Axes& axes = {}, bool keep_axes = false) {
  return detail::extremum("min", ReduceOp::min, x, axes, keep_axes);
}

/// The index along an axis of the first maximum, or of the first NaN; the axis is dropped. Throws Error on a missing
/// axis.
template <class T>
Tensor<std::int32_t> argmax(const Variable<T>& x, int axis = -1) {
  return detail::extremum_index("argmax", ReduceOp::max, x, axis);
}

/// The index along an axis of the first minimum, as argmax.
template <class T>
Tensor<std::int32_t> argmin(const Variable<T>& x, int axis = -1) {
  return detail::extremum_index("argmin", ReduceOp::min, x, axis);
}

}  // namespace tinygan::ops
