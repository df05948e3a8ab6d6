// Matrix product with fused bias and activation; closed under differentiation.
#pragma once

#include <tinygan/ops/pointwise.hpp>

namespace tinygan::ops {

/// The epilogue of a matrix product or convolution: activation(r + bias), bias along the last axis or undefined.
template <class T>
struct Fused {
  Variable<T> bias{};
  Activation activation = Activation::none;
};

namespace detail {

/// The epilogue as a kernel's argument. Checks the bias against the output's last axis.
template <class T>
Epilogue<T> epilogue(const char* op, const Fused<T>& f, index_t channels, Device device) {
  check(f.activation.slope >= 0, op, "slope ", f.activation.slope, ", expected at least 0");
  Epilogue<T> e{nullptr, f.activation};
  if (!f.bias.defined()) return e;
  check(f.bias.rank() == 1 && f.bias.size() == channels, op, "bias ", f.bias.shape(), ", expected (", channels, ",)");
  check(f.bias.device() == device, op, "bias on ", f.bias.device(), ", expected ", device);
  e.bias = f.bias.value().data();
  return e;
}

/// Backward through an epilogue: the cotangent of its input, and the bias gradient.
template <class T>
struct FusedBackward {
  Activation activation;

  Variable<T> before(const Backward<T>& c) const { return activation_grad(activation, c.g, c.out); }
  /// Appends the bias gradient, if there is a bias, to the gradients of the two operands.
  void bias(const Backward<T>& c, const Variable<T>& h, std::vector<Variable<T>>& grads) const {
    if (c.in.size() == 3) grads.push_back(c.needs[2] ? sum_to(h, c.in[2].shape()) : Variable<T>{});
  }
};

template <class T>
std::vector<AnyVariable> with_bias(const Variable<T>& a, const Variable<T>& b, const Fused<T>& f) {
  if (f.bias.defined()) return {a, b, f.bias};
  return {a, b};
}

}  // namespace detail

/// Which operands of a product are transposed.
struct MatmulOptions {
  bool trans_a = false, trans_b = false;
};

/// C(M,N) = activation(op(A)(M,K) op(B)(K,N) + bias(N)). Throws Error unless both are matrices on one device whose
/// inner extents agree.
template <class T>
Variable<T> matmul(const Variable<T>& a, const Variable<T>& b, MatmulOptions options = {}, const Fused<T>& fused = {}) {
  detail::check_operands("matmul", a, b);
  check(a.rank() == 2 && b.rank() == 2, "matmul", "shapes ", a.shape(), " and ", b.shape(), ", expected two matrices");
  const auto [ta, tb] = options;
  const GemmDims d{a.shape()[ta ? 1 : 0], b.shape()[tb ? 0 : 1], a.shape()[ta ? 0 : 1], ta, tb};
  check(b.shape()[tb ? 1 : 0] == d.K, "matmul", "inner extents of ", a.shape(), ta ? " (transposed)" : "", " and ",
        b.shape(), tb ? " (transposed)" : "", " differ");
  check(a.device() == b.device(), "matmul", "operands on ", a.device(), " and ", b.device());
  const KernelTable<T>& k = kernels<T>(a.device());
  const Epilogue<T> epilogue = detail::epilogue("matmul", fused, d.N, a.device());
  Tensor<T> y({d.M, d.N}, a.device());
  PoolWorkspace workspace(a.device());
  k.gemm(d, epilogue, a.value().data(), b.value().data(), y.data(), workspace, Stream{});
  return record<T>("matmul", y, detail::with_bias(a, b, fused),
                   [ta = ta, tb = tb, f = detail::FusedBackward<T>{fused.activation}](const Backward<T>& c) {
                     const Variable<T> h = f.before(c);
                     std::vector<Variable<T>> grads(2);
                     if (c.needs[0]) grads[0] = ta ? matmul(c.in[1], h, {tb, true}) : matmul(h, c.in[1], {false, !tb});
                     if (c.needs[1]) grads[1] = tb ? matmul(h, c.in[0], {true, ta}) : matmul(c.in[0], h, {!ta, false});
                     f.bias(c, h, grads);
                     return grads;
                   });
}

}  // namespace tinygan::ops
