// Grouped and depthwise convolution. The depthwise one is a trilinear form, as in conv.hpp, whose three partials are
// each other's gradients; groups of several channels are convolutions of slices.
#pragma once

#include <vector>

#include <tinygan/ops/conv.hpp>

namespace tinygan::ops {

namespace detail {

inline Shape depthwise_filter(const ConvDims& d) { return {d.R, d.S, d.C}; }

template <class T>
Variable<T> depthwise_weight_grad(const Variable<T>& x, const Variable<T>& g, const ConvDims& d);
template <class T>
Variable<T> depthwise_input_grad(const Variable<T>& g, const Variable<T>& w, const ConvDims& d);

template <class T>
Variable<T> depthwise(const Variable<T>& x, const Variable<T>& w, const ConvDims& d) {
  Tensor<T> y(d.y_shape(), x.device());
  kernels<T>(x.device()).depthwise_conv2d(d, x.value().data(), w.value().data(), y.data(), Stream{});
  return record<T>("depthwise_conv2d", y, {x, w}, [d](const Backward<T>& c) {
    std::vector<Variable<T>> grads(2);
    if (c.needs[0]) grads[0] = depthwise_input_grad(c.g, c.in[1], d);
    if (c.needs[1]) grads[1] = depthwise_weight_grad(c.in[0], c.g, d);
    return grads;
  });
}

template <class T>
Variable<T> depthwise_input_grad(const Variable<T>& g, const Variable<T>& w, const ConvDims& d) {
  Tensor<T> dx(d.x_shape(), g.device());
  kernels<T>(g.device()).depthwise_conv2d_input_grad(d, g.value().data(), w.value().data(), dx.data(), Stream{});
  return record<T>("depthwise_conv2d_input_grad", dx, {g, w}, [d](const Backward<T>& c) {
    std::vector<Variable<T>> grads(2);
    if (c.needs[0]) grads[0] = depthwise(c.g, c.in[1], d);
    if (c.needs[1]) grads[1] = depthwise_weight_grad(c.g, c.in[0], d);
    return grads;
  });
}

template <class T>
Variable<T> depthwise_weight_grad(const Variable<T>& x, const Variable<T>& g, const ConvDims& d) {
  Tensor<T> dw(depthwise_filter(d), x.device());
  PoolWorkspace workspace(x.device());
  kernels<T>(x.device())
      .depthwise_conv2d_weight_grad(d, x.value().data(), g.value().data(), dw.data(), workspace, Stream{});
  return record<T>("depthwise_conv2d_weight_grad", dw, {x, g}, [d](const Backward<T>& c) {
    std::vector<Variable<T>> grads(2);
    if (c.needs[0]) grads[0] = depthwise_input_grad(c.in[1], c.g, d);
    if (c.needs[1]) grads[1] = depthwise(c.in[0], c.g, d);
    return grads;
  });
}

}  // namespace detail

/// y(N,P,Q,C) = sum over r,s of x(N,H,W,C) w(R,S,C): every channel by itself. Throws Error on a wrong rank, channel
/// mismatch or bad option.
template <class T>
Variable<T> depthwise_conv2d(const Variable<T>& x, const Variable<T>& w, const ConvOptions& options) {
  detail::check_input("depthwise_conv2d", "input", x);
  detail::check_input("depthwise_conv2d", "filter", w);
  check(x.device() == w.device(), "depthwise_conv2d", "operands on ", x.device(), " and ", w.device());
  const Shape& s = w.shape();
  check(s.rank() == 3 && x.rank() == 4 && s[2] == x.shape()[3], "depthwise_conv2d", "input ", x.shape(), " and filter ",
        s, ", expected (N, H, W, C) and (R, S, C)");
  return detail::depthwise(x, w, conv_dims(x.shape(), {s[0], s[1], s[2], s[2]}, options, "depthwise_conv2d"));
}

/// The convolution of x(N,H,W,C) with w(R,S,C/groups,K): channels C/groups i on belong to group i and give the
/// channels from K/groups i on, then bias and activation as conv2d. groups = C is depthwise. Throws Error like conv2d,
/// and unless groups divides C and K.
template <class T>
Variable<T> grouped_conv2d(const Variable<T>& x, const Variable<T>& w, index_t groups, const ConvOptions& options,
                           const Fused<T>& fused = {}) {
  if (groups == 1) return conv2d(x, w, options, fused);
  constexpr const char* op = "grouped_conv2d";
  detail::check_input(op, "input", x);
  detail::check_input(op, "filter", w);
  check(x.rank() == 4 && w.rank() == 4, op, "input ", x.shape(), " and filter ", w.shape(), ", expected rank 4");
  const index_t C = x.shape()[3], K = w.shape()[3];
  check(groups >= 1 && C % groups == 0 && K % groups == 0, op, groups, " groups of ", C, " channels to ", K,
        ", expected a divisor of both");
  check(w.shape()[2] == C / groups, op, "filter ", w.shape(), " for input ", x.shape(), " in ", groups,
        " groups, expected (R, S, ", C / groups, ", K)");
  if (groups == C) {
    const Shape& s = x.shape();
    const index_t copies = K / C;  // of each channel
    Variable<T> wide = x;
    if (copies > 1)
      wide = reshape(broadcast_to(reshape(x, {s[0], s[1], s[2], C, 1}), {s[0], s[1], s[2], C, copies}),
                     {s[0], s[1], s[2], K});
    const Variable<T> y = depthwise_conv2d(wide, reshape(w, {w.shape()[0], w.shape()[1], K}), options);
    static_cast<void>(detail::epilogue(op, fused, K, x.device()));  // checks the bias
    return activation(fused.activation, fused.bias.defined() ? add(y, fused.bias) : y);
  }
  const std::vector<Variable<T>> xs = chunk(x, groups, 3), ws = chunk(w, groups, 3);
  std::vector<Variable<T>> biases, ys;
  if (fused.bias.defined()) biases = chunk(fused.bias, groups, 0);
  for (std::size_t i = 0; i < xs.size(); ++i)
    ys.push_back(conv2d(xs[i], ws[i], options, {biases.empty() ? Variable<T>() : biases[i], fused.activation}));
  return concat(ys, 3);
}

}  // namespace tinygan::ops
