// Products of many matrices: the last two axes are matrices, the ones before them number the products.
#pragma once

#include <algorithm>
#include <vector>

#include <tinygan/ops/matmul.hpp>

namespace tinygan::ops {

namespace detail {

/// The axes before the last two.
inline Shape batch_axes(const Shape& shape) {
  return Shape(shape.extents().first(static_cast<std::size_t>(shape.rank() - 2)));
}
inline Shape matrices(const Shape& batch, index_t rows, index_t columns) {
  std::vector<index_t> extents(batch.extents().begin(), batch.extents().end());
  extents.push_back(rows);
  extents.push_back(columns);
  return Shape(extents);
}

/// Of operands with the same axes before the last two.
template <class T>
Variable<T> products(const Variable<T>& a, const Variable<T>& b, MatmulOptions options) {
  const auto [ta, tb] = options;
  const GemmDims d{a.shape()[ta ? -1 : -2], b.shape()[tb ? -2 : -1], a.shape()[ta ? -2 : -1], ta, tb};
  const Shape batch = batch_axes(a.shape());
  Tensor<T> y(matrices(batch, d.M, d.N), a.device());
  PoolWorkspace workspace(a.device());
  kernels<T>(a.device())
      .batched_gemm(d, batch.size(), a.value().data(), b.value().data(), y.data(), workspace, Stream{});
  return record<T>("batched_matmul", y, {a, b}, [ta = ta, tb = tb](const Backward<T>& c) {
    std::vector<Variable<T>> grads(2);
    if (c.needs[0]) grads[0] = ta ? products(c.in[1], c.g, {tb, true}) : products(c.g, c.in[1], {false, !tb});
    if (c.needs[1]) grads[1] = tb ? products(c.g, c.in[0], {true, ta}) : products(c.in[0], c.g, {!ta, false});
    return grads;
  });
}

}  // namespace detail

/// C(.., M, N) = op(A)(.., M, K) op(B)(.., K, N), the axes before the last two broadcasting. A single matrix B is
/// multiplied in one product with all rows of A. Throws Error below rank 2, and unless inner extents and devices agree.
template <class T>
Variable<T> batched_matmul(const Variable<T>& a, const std::type_identity_t<Variable<T>>& b,
                           MatmulOptions options = {}) {
  constexpr const char* op = "batched_matmul";
  detail::check_operands(op, a, b);
  check(a.rank() >= 2 && b.rank() >= 2, op, "shapes ", a.shape(), " and ", b.shape(), ", expected matrices");
  check(a.device() == b.device(), op, "operands on ", a.device(), " and ", b.device());
  const auto [ta, tb] = options;
  check(a.shape()[ta ? -2 : -1] == b.shape()[tb ? -1 : -2], op, "inner extents of ", a.shape(),
        ta ? " (transposed)" : "", " and ", b.shape(), tb ? " (transposed)" : "", " differ");
  const Shape of_a = detail::batch_axes(a.shape()), of_b = detail::batch_axes(b.shape());
  if (of_b.size() == 1 && of_b.rank() <= of_a.rank() && !ta) {
    const Variable<T> rows = reshape(a, {a.size() / a.shape()[-1], a.shape()[-1]});
    const Variable<T> y = matmul(rows, reshape(b, {b.shape()[-2], b.shape()[-1]}), {false, tb});
    return reshape(y, detail::matrices(of_a, a.shape()[-2], y.shape()[1]));
  }
  const Shape batch = detail::broadcast_shape(op, of_a, of_b);
  const auto with_batch = [&](const Variable<T>& x) {
    return broadcast_to(x, detail::matrices(batch, x.shape()[-2], x.shape()[-1]));
  };
  return detail::products(with_batch(a), with_batch(b), options);
}

}  // namespace tinygan::ops
