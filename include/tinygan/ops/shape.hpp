// Ops that move elements without computing: reshape, slice, split, pad, concat, stack, permute.
#pragma once

#include <vector>

#include <tinygan/autograd/grad.hpp>
#include <tinygan/ops/inputs.hpp>
#include <tinygan/tensor/permute.hpp>

namespace tinygan::ops {

/// The same elements under another shape, without a copy. Throws Error if the sizes differ.
template <class T>
Variable<T> reshape(const Variable<T>& x, const Shape& shape) {
  detail::check_input("reshape", "input", x);
  if (x.shape() == shape) return x;
  return record<T>("reshape", x.value().reshape(shape), {x},
                   [](const Backward<T>& c) { return std::vector{reshape(c.g, c.in[0].shape())}; });
}

/// (N, ...) to (N, rest).
template <class T>
Variable<T> flatten(const Variable<T>& x) {
  detail::check_input("flatten", "input", x);
  check(x.rank() >= 1, "flatten", "a scalar has no batch axis");
  return reshape(x, {x.shape()[0], x.size() / x.shape()[0]});
}

template <class T>
Variable<T> pad(const Variable<T>& x, int axis, index_t before, index_t after);

/// y = x[..., begin:end, ...] along an axis. Throws Error outside it.
template <class T>
Variable<T> slice(const Variable<T>& x, int axis, index_t begin, index_t end) {
  detail::check_input("slice", "input", x);
  const int at = detail::resolve_axis("slice", x.shape(), axis);
  const index_t extent = x.shape()[at];
  check(begin >= 0 && begin < end && end <= extent, "slice", "[", begin, ", ", end, ") of axis ", axis, " of ",
        x.shape(), ", expected a range of at least 1 within [0, ", extent, ")");
  if (end - begin == extent) return x;
  const index_t inner = x.shape().range_size(at + 1, x.rank());
  Tensor<T> y;
  if (at == 0) {
    y = x.value().rows(begin, end);  // no copy
  } else {
    y = Tensor<T>(x.shape().with(at, end - begin), x.device());
    const CopyDims d{x.shape().range_size(0, at), (end - begin) * inner, extent * inner, (end - begin) * inner};
    kernels<T>(x.device()).copy(d, x.value().data() + begin * inner, y.data(), Stream{});
  }
  return record<T>("slice", y, {x}, [at, begin, after = extent - end](const Backward<T>& c) {
    return std::vector{pad(c.g, at, begin, after)};
  });
}

/// x with zeros along an axis, `before` of them before it and `after` after it: the adjoint of slice. Throws Error on a
/// negative number of zeros, or more elements than a tensor can have.
template <class T>
Variable<T> pad(const Variable<T>& x, int axis, index_t before, index_t after) {
  detail::check_input("pad", "input", x);
  const int at = detail::resolve_axis("pad", x.shape(), axis);
  check(before >= 0 && after >= 0, "pad", before, " zeros before and ", after, " after, expected at least 0");
  const index_t length = x.shape()[at];
  index_t extent;
  check(!__builtin_add_overflow(length, before, &extent) && !__builtin_add_overflow(extent, after, &extent), "pad",
        before, " zeros before and ", after, " after axis ", axis, " of ", x.shape(), " are too many");
  if (extent == length) return x;
  const index_t inner = x.shape().range_size(at + 1, x.rank());
  const Tensor<T> y = Tensor<T>::zeros(x.shape().with(at, extent), x.device());
  const CopyDims d{x.shape().range_size(0, at), length * inner, length * inner, extent * inner};
  kernels<T>(x.device()).copy(d, x.value().data(), y.data() + before * inner, Stream{});
  return record<T>("pad", y, {x}, [at, before, length](const Backward<T>& c) {
    return std::vector{slice(c.g, at, before, before + length)};
  });
}

/// Slices of the given extents, one after the other along an axis. Throws Error unless they add up to its extent.
template <class T>
std::vector<Variable<T>> split(const Variable<T>& x, const std::vector<index_t>& extents, int axis) {
  detail::check_input("split", "input", x);
  const index_t extent = x.shape()[detail::resolve_axis("split", x.shape(), axis)];
  index_t sum = 0;
  for (const index_t e : extents) {
    check(e >= 1 && e <= extent - sum, "split", "parts of ", x.shape(), " along axis ", axis,
          ", expected extents of at least 1 that add up to ", extent);
    sum += e;
  }
  check(sum == extent, "split", "parts of ", sum, " along axis ", axis, " of ", x.shape(), ", expected ", extent);
  std::vector<Variable<T>> parts;
  index_t begin = 0;
  for (const index_t e : extents) {
    parts.push_back(slice(x, axis, begin, begin + e));
    begin += e;
  }
  return parts;
}

/// `count` slices of equal extent along an axis. Throws Error unless count divides its extent.
template <class T>
std::vector<Variable<T>> chunk(const Variable<T>& x, index_t count, int axis) {
  detail::check_input("chunk", "input", x);
  const index_t extent = x.shape()[detail::resolve_axis("chunk", x.shape(), axis)];
  check(count >= 1 && extent % count == 0, "chunk", count, " parts of axis ", axis, " of ", x.shape(),
        ", expected a divisor of ", extent);
  return split(x, std::vector<index_t>(static_cast<std::size_t>(count), extent / count), axis);
}

/// Joins along an axis. Throws Error if another extent or the rank differs, or there is nothing to join.
template <class T>
Variable<T> concat(const std::vector<Variable<T>>& xs, int axis) {
  check(!xs.empty(), "concat", "nothing to join");
  for (std::size_t i = 0; i < xs.size(); ++i)
    check(xs[i].defined(), "concat", "input ", i, " is empty, expected a variable with a value");
  const int at = detail::resolve_axis("concat", xs[0].shape(), axis);
  index_t extent = 0;
  for (const Variable<T>& x : xs) {
    check(x.rank() == xs[0].rank() && x.shape().with(at, 1) == xs[0].shape().with(at, 1), "concat", "shapes ",
          xs[0].shape(), " and ", x.shape(), " differ beside axis ", axis);
    check(x.device() == xs[0].device(), "concat", "operands on ", xs[0].device(), " and ", x.device());
    extent += x.shape()[at];
  }
  Tensor<T> y(xs[0].shape().with(at, extent), xs[0].device());
  const index_t inner = y.shape().range_size(at + 1, y.rank());
  index_t begin = 0;
  for (const Variable<T>& x : xs) {
    const index_t run = x.shape()[at] * inner;
    kernels<T>(y.device())
        .copy({y.shape().range_size(0, at), run, run, extent * inner}, x.value().data(), y.data() + begin, Stream{});
    begin += run;
  }
  return record<T>("concat", y, {xs.begin(), xs.end()}, [at](const Backward<T>& c) {
    std::vector<Variable<T>> grads;
    index_t from = 0;
    for (std::size_t i = 0; i < c.in.size(); ++i) {
      const index_t to = from + c.in[i].shape()[at];
      grads.push_back(c.needs[i] ? slice(c.g, at, from, to) : Variable<T>{});
      from = to;
    }
    return grads;
  });
}

/// Joins tensors of one shape along a new axis, which is axis `axis` of the result. Throws Error if a shape differs, or
/// there is nothing to join.
template <class T>
Variable<T> stack(const std::vector<Variable<T>>& xs, int axis) {
  check(!xs.empty(), "stack", "nothing to join");
  for (std::size_t i = 0; i < xs.size(); ++i)
    check(xs[i].defined(), "stack", "input ", i, " is empty, expected a variable with a value");
  const Shape& shape = xs[0].shape();
  check(axis >= -shape.rank() - 1 && axis <= shape.rank(), "stack", "axis ", axis, " for inputs ", shape, ", expected ",
        -shape.rank() - 1, " to ", shape.rank());
  const int at = axis < 0 ? axis + shape.rank() + 1 : axis;
  std::vector<index_t> extents(shape.extents().begin(), shape.extents().end());
  extents.insert(extents.begin() + at, 1);
  std::vector<Variable<T>> parts;
  for (const Variable<T>& x : xs) {
    check(x.shape() == shape, "stack", "shapes ", shape, " and ", x.shape(), " differ");
    parts.push_back(reshape(x, Shape(extents)));
  }
  return concat(parts, at);
}

/// y with axis i being x's axis order[i]. Throws Error unless `order` names every axis once.
template <class T>
Variable<T> permute(const Variable<T>& x, const std::vector<int>& order) {
  detail::check_input("permute", "input", x);
  const tinygan::detail::Permutation p = tinygan::detail::permutation(x.shape(), order);
  const Tensor<T> y = tinygan::detail::permute(x.value(), p);
  return record<T>("permute", y, {x},
                   [inverse = p.inverse](const Backward<T>& c) { return std::vector{permute(c.g, inverse)}; });
}

/// The last two axes exchanged. Throws Error below rank 2.
template <class T>
Variable<T> transpose(const Variable<T>& x) {
  detail::check_input("transpose", "input", x);
  check(x.rank() >= 2, "transpose", "shape ", x.shape(), " has no two axes");
  std::vector<int> order;
  for (int axis = 0; axis < x.rank(); ++axis) order.push_back(axis);
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return permute(x, order);
}

}  // namespace tinygan::ops
