// Matrix product with fused bias and activation; closed under differentiation.
#pragma once

#include <tinygan/ops/pointwise.hpp>

namespace tinygan::ops {

/// What follows a matrix product or convolution: activation(r + bias), bias along the last axis or undefined; or, where
/// `output` is defined, r activation'(.) as a function of that output (a cotangent on its way back, never recorded). With
/// `moments` the result brings along the moments of its columns, if the device's kernel can: for a batch_norm of it.
template <class T>
struct Fused {
  Variable<T> bias{};
  Activation activation = Activation::none;
  wide_t<T> slope = 0;
  Tensor<T> output{};
  bool moments = false;
};

namespace detail {

/// The kernel's view of a fused epilogue; checks the bias against the output's last axis. Moments go where `moments` has room.
template <class T>
Epilogue<T> epilogue(const char* op, const Fused<T>& f, index_t channels, Device device, const ColumnMoments<T>& moments) {
  if (f.output.defined()) return {nullptr, f.activation, f.slope, f.output.data(), nullptr};
  check(f.slope >= 0, op, "slope ", f.slope, ", expected at least 0");
  Epilogue<T> e{nullptr, f.activation, f.slope, nullptr, moments.values.data()};
  if (!f.bias.defined()) return e;
  check(f.bias.rank() == 1 && f.bias.size() == channels, op, "bias ", f.bias.shape(), ", expected (", channels, ",)");
  check(f.bias.device() == device, op, "bias on ", f.bias.device(), ", expected ", device);
  e.bias = f.bias.value().data();
  return e;
}

/// Room for what pieces(), the kernel's number of them, says; none unless they are wanted.
template <class T, class Pieces>
ColumnMoments<T> column_moments(const Fused<T>& f, index_t channels, Device device, const Pieces& pieces) {
  if (!f.moments) return {};
  const MomentDims dims{pieces(), channels};
  if (dims.pieces == 0) return {};
  return {dims, Tensor<wide_t<T>>({dims.size()}, device)};
}

/// The variable with the moments of its value.
template <class T>
Variable<T> with_moments(Variable<T> y, ColumnMoments<T> moments) {
  moments.version = y.value().version();
  y.node()->moments = std::move(moments);
  return y;
}

/// The cotangent in front of the epilogue, and the bias's share of it.
template <class T>
struct FusedBackward {
  Activation activation;
  wide_t<T> slope;

  Variable<T> before(const Backward<T>& c) const {
    return c.past_activation ? c.g : activation_grad(activation, slope, c.g, c.out);
  }
  /// Appends the bias gradient, if there is a bias, to the gradients of the two operands.
  void bias(const Backward<T>& c, const Variable<T>& h, std::vector<Variable<T>>& grads) const {
    if (c.in.size() == 3) grads.push_back(c.needs[2] ? sum_to(h, c.in[2].shape()) : Variable<T>{});
  }
};

/// What finishes the cotangent of input i.
template <class T>
Fused<T> passing(const Backward<T>& c, std::size_t i) {
  const FusedActivation<T> a = c.pass_activation(i);
  return {.activation = a.activation, .slope = a.slope, .output = a.out};
}

template <class T>
std::vector<Variable<T>> with_bias(const Variable<T>& a, const Variable<T>& b, const Fused<T>& f) {
  if (f.bias.defined()) return {a, b, f.bias};
  return {a, b};
}

}  // namespace detail

struct MatmulOptions {
  bool trans_a = false, trans_b = false;
};

/// C(M,N) = activation(op(A)(M,K) op(B)(K,N) + bias(N)). Throws Error unless both are matrices on one device whose inner
/// extents agree.
template <class T>
Variable<T> matmul(const Variable<T>& a, const Variable<T>& b, MatmulOptions options = {}, const Fused<T>& fused = {}) {
  detail::check_operands("matmul", a, b);
  check(a.rank() == 2 && b.rank() == 2, "matmul", "shapes ", a.shape(), " and ", b.shape(), ", expected two matrices");
  const auto [ta, tb] = options;
  const GemmDims d{a.shape()[ta ? 1 : 0], b.shape()[tb ? 0 : 1], a.shape()[ta ? 0 : 1], ta, tb};
  check(b.shape()[tb ? 1 : 0] == d.K, "matmul", "inner extents of ", a.shape(), ta ? " (transposed)" : "", " and ", b.shape(),
        tb ? " (transposed)" : "", " differ");
  check(a.device() == b.device(), "matmul", "operands on ", a.device(), " and ", b.device());
  const KernelTable<T>& k = kernels<T>(a.device());
  ColumnMoments<T> moments = detail::column_moments(fused, d.N, a.device(), [&] { return k.gemm_moment_pieces(d); });
  const Epilogue<T> epilogue = detail::epilogue("matmul", fused, d.N, a.device(), moments);
  Tensor<T> y({d.M, d.N}, a.device());
  const Workspace workspace(k.gemm_workspace(d), a.device());
  k.gemm(d, epilogue, a.value().data(), b.value().data(), y.data(), workspace.data(), Stream{});
  Variable<T> result = record<T>("matmul", y, detail::with_bias(a, b, fused),
                   [ta = ta, tb = tb, f = detail::FusedBackward<T>{fused.activation, fused.slope}](const Backward<T>& c) {
                     const Variable<T> h = f.before(c);
                     std::vector<Variable<T>> grads(2);
                     if (c.needs[0]) grads[0] = ta ? matmul(c.in[1], h, {tb, true}, detail::passing(c, 0))
                                                     : matmul(h, c.in[1], {false, !tb}, detail::passing(c, 0));
                     if (c.needs[1]) grads[1] = tb ? matmul(h, c.in[0], {true, ta}, detail::passing(c, 1))
                                                     : matmul(c.in[0], h, {!ta, false}, detail::passing(c, 1));
                     f.bias(c, h, grads);
                     return grads;
                   }, fused.activation, fused.slope);
  return detail::with_moments(std::move(result), std::move(moments));
}

}  // namespace tinygan::ops
