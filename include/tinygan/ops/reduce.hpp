// Reductions and their adjoints: sum, mean, sum_to, broadcast_to, and norms made of them.
#pragma once

#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include <tinygan/autograd/grad.hpp>
#include <tinygan/ops/shape.hpp>

namespace tinygan::ops {

/// Axes to reduce over: one, `{1, 2}`, or all of them by default. Negative axes count from the last, as in Python.
class Axes {
 public:
  Axes() = default;
  Axes(int axis) : list_(std::vector<int>{axis}) {}  // NOLINT: implicit
  Axes(std::initializer_list<int> axes) : list_(axes) {}
  Axes(std::vector<int> axes) : list_(std::move(axes)) {}  // NOLINT: implicit

  bool all() const { return !list_.has_value(); }
  /// Unless all().
  const std::vector<int>& list() const { return *list_; }

 private:
  std::optional<std::vector<int>> list_;
};

template <class T>
Variable<T> broadcast_to(const Variable<T>& x, const Shape& shape);

namespace detail {

/// Which axes of a shape are named. Throws Error on one named twice or missing.
inline std::vector<bool> axis_mask(const char* op, const Shape& shape, const Axes& axes) {
  std::vector<bool> mask(static_cast<std::size_t>(shape.rank()), axes.all());
  if (axes.all()) return mask;
  for (const int axis : axes.list()) {
    const auto at = static_cast<std::size_t>(resolve_axis(op, shape, axis));
    check(!mask[at], op, "axis ", axis, " of ", shape, " is named twice");
    mask[at] = true;
  }
  return mask;
}

/// The shape with the masked axes set to 1, or dropped.
inline Shape reduced_shape(const Shape& shape, const std::vector<bool>& mask, bool keep) {
  std::vector<index_t> extents;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (!mask[static_cast<std::size_t>(axis)]) extents.push_back(shape[axis]);
    else if (keep) extents.push_back(1);
  }
  return Shape(extents);
}

/// Reduces the masked axes to extent 1, one run of neighbouring axes at a time, the last run first.
template <class T>
Tensor<T> reduce_value(ReduceOp op, Tensor<T> x, const std::vector<bool>& mask) {
  const KernelTable<T>& k = kernels<T>(x.device());
  for (int last = x.rank(); last > 0; --last) {
    if (!mask[static_cast<std::size_t>(last - 1)]) continue;
    int first = last - 1;
    while (first > 0 && mask[static_cast<std::size_t>(first - 1)]) --first;
    const Shape from = x.shape();
    const ReduceDims d{from.range_size(0, first), from.range_size(first, last), from.range_size(last, from.rank())};
    Shape to = from;
    for (int axis = first; axis < last; ++axis) to = to.with(axis, 1);
    if (d.reduced > 1) {
      Tensor<T> y(to, x.device());
      PoolWorkspace workspace(x.device());
      k.reduce(op, d, x.data(), y.data(), workspace, Stream{});
      x = y;
    } else {
      x = x.reshape(to);
    }
    last = first + 1;
  }
  return x;
}

}  // namespace detail

namespace detail {

/// The sum over axes on behalf of `op`, which errors name.
template <class T>
Variable<T> sum_over(const char* op, const Variable<T>& x, const Axes& axes, bool keep_axes) {
  check_input(op, "input", x);
  const std::vector<bool> mask = axis_mask(op, x.shape(), axes);
  const Shape kept = reduced_shape(x.shape(), mask, true);
  const Tensor<T> y = reduce_value(ReduceOp::sum, x.value(), mask);
  return record<T>("sum", y.reshape(reduced_shape(x.shape(), mask, keep_axes)), {x}, [kept](const Backward<T>& c) {
    return std::vector{broadcast_to(reshape(c.g, kept), c.in[0].shape())};
  });
}

}  // namespace detail

/// y = sum of x over axes; they are dropped, or kept with extent 1. Throws Error on a missing or repeated axis.
template <class T>
Variable<T> sum(const Variable<T>& x, const Axes& axes = {}, bool keep_axes = false) {
  return detail::sum_over("sum", x, axes, keep_axes);
}

/// y = x summed over the axes along which `shape` was broadcast to x's shape: the adjoint of broadcast_to.
template <class T>
Variable<T> sum_to(const Variable<T>& x, const Shape& shape) {
  detail::check_input("sum_to", "input", x);
  if (x.shape() == shape) return x;
  const int lead = x.rank() - shape.rank();
  check(lead >= 0, "sum_to", "cannot sum ", x.shape(), " to ", shape);
  std::vector<int> axes;
  for (int axis = 0; axis < x.rank(); ++axis) {
    const index_t to = axis < lead ? 1 : shape[axis - lead];
    check(to == x.shape()[axis] || to == 1, "sum_to", "cannot sum ", x.shape(), " to ", shape);
    if (to != x.shape()[axis] || axis < lead) axes.push_back(axis);
  }
  return reshape(sum(x, axes, true), shape);
}

/// y = x repeated to `shape` by NumPy's rule. Throws Error where that is impossible.
template <class T>
Variable<T> broadcast_to(const Variable<T>& x, const Shape& shape) {
  detail::check_input("broadcast_to", "input", x);
  if (x.shape() == shape) return x;
  const int lead = shape.rank() - x.rank();
  check(lead >= 0, "broadcast_to", "cannot broadcast ", x.shape(), " to ", shape);
  PermuteDims d;
  index_t run = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    const index_t from = axis < lead ? 1 : x.shape()[axis - lead];
    check(from == shape[axis] || from == 1, "broadcast_to", "cannot broadcast ", x.shape(), " to ", shape);
    const int at = PermuteDims::rank - shape.rank() + axis;
    d.extent[at] = shape[axis];
    d.stride[at] = from == 1 ? 0 : run;
    run *= from;
  }
  Tensor<T> y(shape, x.device());
  kernels<T>(x.device()).permute(d, x.value().data(), y.data(), Stream{});
  return record<T>("broadcast_to", y, {x},
                   [](const Backward<T>& c) { return std::vector{sum_to(c.g, c.in[0].shape())}; });
}

}  // namespace tinygan::ops
