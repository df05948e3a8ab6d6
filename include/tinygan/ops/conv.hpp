// Convolution as one trilinear form <x,w,g>: its three partials, closed under differentiation.
//
// conv2d, conv2d_input_grad and conv2d_weight_grad are the partials with respect to g, x and w. The vjp of "partial
// with respect to slot o", for input slot s, is "partial with respect to slot s with the cotangent in slot o".
// Transposed convolution is conv2d_input_grad under its other name.
#pragma once

#include <tinygan/ops/matmul.hpp>

namespace tinygan::ops {

namespace detail {

template <class T>
void check_slot(const char* op, const char* slot, const Variable<T>& v, const Shape& expected) {
  check_input(op, slot, v);
  check(v.shape() == expected, op, slot, " has shape ", v.shape(), ", expected ", expected);
}

}  // namespace detail

template <class T>
Variable<T> conv2d_weight_grad(const Variable<T>& x, const Variable<T>& g, const ConvDims& d);
template <class T>
Variable<T> conv2d_input_grad(const Variable<T>& g, const Variable<T>& w, const ConvDims& d,
                              const Fused<T>& fused = {});

/// y(N,P,Q,K) = activation(sum_{r,s,c} x w + bias(K)), see ConvDims. Throws Error if x or w does not fit d.
template <class T>
Variable<T> conv2d(const Variable<T>& x, const Variable<T>& w, const ConvDims& d, const Fused<T>& fused = {}) {
  tinygan::detail::check_dims("conv2d", d);
  detail::check_slot("conv2d", "input", x, d.x_shape());
  detail::check_slot("conv2d", "filter", w, d.w_shape());
  check(x.device() == w.device(), "conv2d", "operands on ", x.device(), " and ", w.device());
  const KernelTable<T>& k = kernels<T>(x.device());
  const Epilogue<T> epilogue = detail::epilogue("conv2d", fused, d.K, x.device());
  Tensor<T> y(d.y_shape(), x.device());
  PoolWorkspace workspace(x.device());
  k.conv2d(d, epilogue, x.value().data(), w.value().data(), y.data(), workspace, Stream{});
  return record<T>("conv2d", y, detail::with_bias(x, w, fused),
                   [d, f = detail::FusedBackward<T>{fused.activation}](const Backward<T>& c) {
                     const Variable<T> h = f.before(c);
                     std::vector<Variable<T>> grads(2);
                     if (c.needs[0]) grads[0] = conv2d_input_grad(h, c.in[1], d);
                     if (c.needs[1]) grads[1] = conv2d_weight_grad(c.in[0], h, d);
                     f.bias(c, h, grads);
                     return grads;
                   });
}

/// dx(N,H,W,C) = activation(sum over p,q,k of g w + bias(C)): the partial with respect to x. Throws Error if g or w
/// does not fit d.
template <class T>
Variable<T> conv2d_input_grad(const Variable<T>& g, const Variable<T>& w, const ConvDims& d, const Fused<T>& fused) {
  tinygan::detail::check_dims("conv2d_input_grad", d);
  detail::check_slot("conv2d_input_grad", "cotangent", g, d.y_shape());
  detail::check_slot("conv2d_input_grad", "filter", w, d.w_shape());
  check(g.device() == w.device(), "conv2d_input_grad", "operands on ", g.device(), " and ", w.device());
  const KernelTable<T>& k = kernels<T>(g.device());
  const Epilogue<T> epilogue = detail::epilogue("conv2d_input_grad", fused, d.C, g.device());
  Tensor<T> dx(d.x_shape(), g.device());
  PoolWorkspace workspace(g.device());
  k.conv2d_input_grad(d, epilogue, g.value().data(), w.value().data(), dx.data(), workspace, Stream{});
  return record<T>("conv2d_input_grad", dx, detail::with_bias(g, w, fused),
                   [d, f = detail::FusedBackward<T>{fused.activation}](const Backward<T>& c) {
                     const Variable<T> h = f.before(c);
                     std::vector<Variable<T>> grads(2);
                     if (c.needs[0]) grads[0] = conv2d(h, c.in[1], d);
                     if (c.needs[1]) grads[1] = conv2d_weight_grad(h, c.in[0], d);
                     f.bias(c, h, grads);
                     return grads;
                   });
}

/// dw(R,S,C,K) = sum over images and pixel pairs of x g: the partial with respect to w. Throws Error if x or g does not
/// fit.
template <class T>
Variable<T> conv2d_weight_grad(const Variable<T>& x, const Variable<T>& g, const ConvDims& d) {
  tinygan::detail::check_dims("conv2d_weight_grad", d);
  detail::check_slot("conv2d_weight_grad", "input", x, d.x_shape());
  detail::check_slot("conv2d_weight_grad", "cotangent", g, d.y_shape());
  check(x.device() == g.device(), "conv2d_weight_grad", "operands on ", x.device(), " and ", g.device());
  const KernelTable<T>& k = kernels<T>(x.device());
  Tensor<T> dw(d.w_shape(), x.device());
  PoolWorkspace workspace(x.device());
  k.conv2d_weight_grad(d, x.value().data(), g.value().data(), dw.data(), workspace, Stream{});
  return record<T>("conv2d_weight_grad", dw, {x, g}, [d](const Backward<T>& c) {
    std::vector<Variable<T>> grads(2);
    if (c.needs[0]) grads[0] = conv2d_input_grad(c.in[1], c.g, d);
    if (c.needs[1]) grads[1] = conv2d(c.in[0], c.g, d);
    return grads;
  });
}

/// Convolution of x(N,H,W,C) with w(R,S,C,K) under stride, padding and dilation. Throws Error on a wrong rank, channel
/// mismatch or bad option.
template <class T>
Variable<T> conv2d(const Variable<T>& x, const Variable<T>& w, const ConvOptions& options, const Fused<T>& fused = {}) {
  detail::check_input("conv2d", "input", x);
  detail::check_input("conv2d", "filter", w);
  return conv2d(x, w, conv_dims(x.shape(), w.shape(), options), fused);
}

/// Transposed convolution of x(N,P,Q,K) with w(R,S,C,K), the filter of the convolution it is the adjoint of (Keras'
/// layout); the output has C channels. See conv_transpose_dims for its extents and errors.
template <class T>
Variable<T> conv2d_transpose(const Variable<T>& x, const Variable<T>& w, const ConvOptions& options,
                             const Fused<T>& fused = {}, OutputPadding output_padding = 0) {
  detail::check_input("conv2d_transpose", "input", x);
  detail::check_input("conv2d_transpose", "filter", w);
  return conv2d_input_grad(x, w, conv_transpose_dims(x.shape(), w.shape(), options, output_padding), fused);
}

}  // namespace tinygan::ops
