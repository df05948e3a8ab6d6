// Cumulative sums along an axis.
#pragma once

#include <tinygan/ops/inputs.hpp>

namespace tinygan::ops {

namespace detail {

/// Sums from the first element on, or from the last: each is the other's adjoint.
template <class T>
Variable<T> scan(const char* op, const Variable<T>& x, int axis, ScanDims::Order order) {
  check_input(op, "input", x);
  const int at = resolve_axis(op, x.shape(), axis);
  const Shape& shape = x.shape();
  Tensor<T> y(shape, x.device());
  const ScanDims d{shape.range_size(0, at), shape[at], shape.range_size(at + 1, shape.rank()), order};
  kernels<T>(x.device()).cumsum(d, x.value().data(), y.data(), Stream{});
  return record<T>("cumsum", y, {x}, [at, order](const Backward<T>& c) {
    const bool forward = order == ScanDims::Order::forward;
    return std::vector{scan("cumsum", c.g, at, forward ? ScanDims::Order::reverse : ScanDims::Order::forward)};
  });
}

}  // namespace detail

/// y[.., i, ..] = sum of x[.., j, ..] over j <= i along an axis. Throws Error on a missing axis.
template <class T>
Variable<T> cumsum(const Variable<T>& x, int axis) {
  return detail::scan("cumsum", x, axis, ScanDims::Order::forward);
}

}  // namespace tinygan::ops
