// Conv2D and Conv2DTranspose.
#pragma once

#include <algorithm>

#include <tinygan/nn/layer.hpp>
#include <tinygan/nn/spectral_norm.hpp>
#include <tinygan/ops/grouped_conv.hpp>
#include <tinygan/ops/shape.hpp>

namespace tinygan::nn {

/// Height and width; a single number stands for both: 4 or {3, 5}.
struct Size2D {
  constexpr Size2D(index_t both) : h(both), w(both) {}  // NOLINT: implicit
  constexpr Size2D(index_t rows, index_t columns) : h(rows), w(columns) {}

  index_t h, w;
};

/// Geometry, activation and initialisation of Conv2D and Conv2DTranspose; a number stands for both axes.
struct Conv2DOptions {
  Size2D kernel = 3, stride = 1;
  Padding padding = Padding::valid();
  Size2D dilation = 1;
  OutputPadding output_padding{};  ///< of the transposed layer: 1 or, by axis, {1, 0}
  index_t groups = 1;              ///< of Conv2D: kernel (R,S,in/groups,out); `in` groups are depthwise
  bool bias = true;
  Activation activation = Activation::none;
  Initializer kernel_initializer = Initializer::glorot_uniform();
  Initializer bias_initializer = Initializer::zeros();
  bool spectral_norm = false;  ///< the kernel divided by its largest singular value, see SpectralNorm

  /// "5x5, stride 2, leaky_relu 0.3".
  std::string details() const {
    std::string s = text(kernel.h, 'x', kernel.w);
    if (stride.h != 1 || stride.w != 1)
      s += stride.h == stride.w ? text(", stride ", stride.h) : text(", stride ", stride.h, 'x', stride.w);
    if (groups > 1) s += text(", ", groups, " groups");
    const std::string f = activation_text(activation);
    return detail::with_spectral_norm(f.empty() ? s : s + ", " + f, spectral_norm);
  }

  ConvOptions geometry() const { return {stride.h, stride.w, padding, dilation.h, dilation.w}; }
};

namespace detail {

inline void check_conv_layer(const char* op, index_t in, index_t out, const Conv2DOptions& o) {
  check(in >= 1 && out >= 1, op, in, " input and ", out, " output channels, expected at least 1");
  check(o.kernel.h >= 1 && o.kernel.w >= 1, op, "kernel ", o.kernel.h, "x", o.kernel.w, ", expected at least 1x1");
  check(o.groups >= 1 && in % o.groups == 0 && out % o.groups == 0, op, o.groups, " groups of ", in, " channels to ",
        out, ", expected a divisor of both");
  check(o.activation.slope >= 0, op, "slope ", o.activation.slope, ", expected at least 0");
  tinygan::detail::check_conv_options(op, o.geometry());
}

/// The inputs x, weight and bias of ONNX' Conv, weight (K,C,R,S), and of its ConvTranspose, weight (in,out,R,S): the
/// kernel (R,S,C,K) or (R,S,out,in) with its axes in this order. A bias that is not defined is left out.
template <class T>
std::vector<std::string> onnx_conv_inputs(OnnxGraph& graph, const OnnxValue& x, const Variable<wide_t<T>>& kernel,
                                          const Variable<T>& bias) {
  std::vector<std::string> inputs{x.name, graph.constant("kernel", ops::permute(kernel, {3, 2, 0, 1}))};
  if (bias.defined()) inputs.push_back(graph.constant("bias", bias));
  return inputs;
}

/// The attributes of both, but for the output padding.
inline std::vector<OnnxAttribute> onnx_conv_attributes(const ConvDims& d, index_t pad_bottom, index_t pad_right) {
  return {{"kernel_shape", OnnxInts{d.R, d.S}},
          {"strides", OnnxInts{d.stride_h, d.stride_w}},
          {"dilations", OnnxInts{d.dilation_h, d.dilation_w}},
          {"pads", OnnxInts{d.pad_top, d.pad_left, pad_bottom, pad_right}}};
}

/// One axis of ONNX' ConvTranspose: the kernel's extent, the padding behind and the output padding.
struct OnnxTransposedAxis {
  index_t kernel, pad_end, output_padding;
};

/// The taps of `in` coordinates cover (in-1) stride + extent from -pad on: those at `out` and behind are cut off, and
/// where they end before it, output padding has no taps. ONNX limits that to less than stride or dilation; zeros behind
/// the kernel make up for more.
constexpr OnnxTransposedAxis onnx_transposed_axis(index_t in, index_t kernel, index_t stride, index_t dilation,
                                                  index_t pad, index_t out) {
  index_t missing = out + pad - ((in - 1) * stride + (kernel - 1) * dilation + 1);
  for (; missing >= std::max(stride, dilation); missing -= dilation) ++kernel;
  return {kernel, std::max<index_t>(-missing, 0), std::max<index_t>(missing, 0)};
}

}  // namespace detail

/// y(N,P,Q,out) = activation(convolution of x(N,H,W,in) with kernel(R,S,in,out) + bias(out)).
template <class T = float>
class Conv2D : public Layer<T> {
 public:
  /// Throws Error on a size, stride or padding out of range.
  Conv2D(index_t in, index_t out, Conv2DOptions options, Generator& random = default_generator());

  Variable<T> forward(const Variable<T>& x, const Pass& pass) override;
  Shape output_shape(const Shape& x) const override;
  OnnxValue export_to(OnnxGraph& graph, const OnnxValue& x) const override;
  std::string type() const override { return "conv2d"; }
  std::string details() const override { return options_.details(); }
  const Variable<T>& kernel() const { return kernel_; }
  /// The kernel of a pass: kernel(), or that divided by its spectral norm.
  Variable<T> used_kernel(const Pass& pass) const { return spectral_norm_ ? (*spectral_norm_)(pass) : kernel_; }
  const Variable<T>& bias() const { return bias_; }

 private:
  Conv2DOptions options_;
  Variable<T> kernel_, bias_;
  SpectralNorm<T>* spectral_norm_ = nullptr;  // a child module
};

template <class T>
Conv2D<T>::Conv2D(index_t in, index_t out, Conv2DOptions options, Generator& random) : options_(options) {
  detail::check_conv_layer("conv2d", in, out, options);
  check(options.output_padding.h == 0 && options.output_padding.w == 0, "conv2d", "output padding ",
        options.output_padding.h, "x", options.output_padding.w, ", expected 0: only transposed convolutions have one");
  const index_t group_in = in / options.groups;
  const Shape kernel{options.kernel.h, options.kernel.w, group_in, out};
  kernel.check_size("conv2d");
  const index_t area = options.kernel.h * options.kernel.w;
  const Fans fans{area * group_in, area * out / options.groups};
  kernel_ = this->add_parameter("kernel", kernel, options.kernel_initializer, fans, random);
  if (options.bias) bias_ = this->add_parameter("bias", {out}, options.bias_initializer, fans, random);
  if (options.spectral_norm) spectral_norm_ = &this->add_module("spectral_norm", SpectralNorm<T>(kernel_, random));
}

template <class T>
Variable<T> Conv2D<T>::forward(const Variable<T>& x, const Pass& pass) {
  return ops::grouped_conv2d(x, used_kernel(pass), options_.groups, options_.geometry(), {bias_, options_.activation});
}

template <class T>
Shape Conv2D<T>::output_shape(const Shape& x) const {
  this->check_usable();
  return conv_dims(x, kernel_.shape().with(2, kernel_.shape()[2] * options_.groups), options_.geometry()).y_shape();
}

template <class T>
OnnxValue Conv2D<T>::export_to(OnnxGraph& graph, const OnnxValue& x) const {
  const Shape shape = output_shape(x.shape);
  const ConvDims d =
      conv_dims(x.shape, kernel_.shape().with(2, kernel_.shape()[2] * options_.groups), options_.geometry());
  const index_t bottom = onnx_pad_end(d.H, d.P, (d.R - 1) * d.dilation_h + 1, d.stride_h, d.pad_top),
                right = onnx_pad_end(d.W, d.Q, (d.S - 1) * d.dilation_w + 1, d.stride_w, d.pad_left);
  const Variable<wide_t<T>> kernel(used_kernel(Pass::infer()).master());
  std::vector<OnnxAttribute> attributes = detail::onnx_conv_attributes(d, bottom, right);
  if (options_.groups > 1) attributes.push_back({"group", options_.groups});
  const std::string y = graph.add("Conv", detail::onnx_conv_inputs(graph, x, kernel, bias_), std::move(attributes));
  return {graph.activation(options_.activation, y), shape};
}

/// y(N,H,W,out) = activation(transposed convolution of x(N,P,Q,in) with kernel(R,S,out,in) + bias(out)), Keras' layout.
template <class T = float>
class Conv2DTranspose : public Layer<T> {
 public:
  /// Throws Error on a size, stride or padding out of range.
  Conv2DTranspose(index_t in, index_t out, Conv2DOptions options, Generator& random = default_generator());

  Variable<T> forward(const Variable<T>& x, const Pass& pass) override;
  Shape output_shape(const Shape& x) const override;
  OnnxValue export_to(OnnxGraph& graph, const OnnxValue& x) const override;
  std::string type() const override { return "conv2d_transpose"; }
  std::string details() const override { return options_.details(); }
  const Variable<T>& kernel() const { return kernel_; }
  /// The kernel of a pass: kernel(), or that divided by its spectral norm, that of the convolution whose adjoint this
  /// is.
  Variable<T> used_kernel(const Pass& pass) const { return spectral_norm_ ? (*spectral_norm_)(pass) : kernel_; }
  const Variable<T>& bias() const { return bias_; }

 private:
  Conv2DOptions options_;
  Variable<T> kernel_, bias_;
  SpectralNorm<T>* spectral_norm_ = nullptr;  // a child module
};

template <class T>
Conv2DTranspose<T>::Conv2DTranspose(index_t in, index_t out, Conv2DOptions options, Generator& random)
    : options_(options) {
  detail::check_conv_layer("conv2d_transpose", in, out, options);
  check(options.groups == 1, "conv2d_transpose", options.groups, " groups, expected 1: only conv2d has them");
  tinygan::detail::check_output_padding("conv2d_transpose", options.output_padding, options.geometry());
  const Shape kernel{options.kernel.h, options.kernel.w, out, in};
  kernel.check_size("conv2d_transpose");
  const index_t area = options.kernel.h * options.kernel.w;
  const Fans fans{area * in, area * out};
  kernel_ = this->add_parameter("kernel", kernel, options.kernel_initializer, fans, random);
  if (options.bias) bias_ = this->add_parameter("bias", {out}, options.bias_initializer, fans, random);
  if (options.spectral_norm) spectral_norm_ = &this->add_module("spectral_norm", SpectralNorm<T>(kernel_, random));
}

template <class T>
Variable<T> Conv2DTranspose<T>::forward(const Variable<T>& x, const Pass& pass) {
  return ops::conv2d_transpose(x, used_kernel(pass), options_.geometry(), {bias_, options_.activation},
                               options_.output_padding);
}

template <class T>
Shape Conv2DTranspose<T>::output_shape(const Shape& x) const {
  this->check_usable();
  return conv_transpose_dims(x, kernel_.shape(), options_.geometry(), options_.output_padding).x_shape();
}

template <class T>
OnnxValue Conv2DTranspose<T>::export_to(OnnxGraph& graph, const OnnxValue& x) const {
  const Shape shape = output_shape(x.shape);
  ConvDims d = conv_transpose_dims(x.shape, kernel_.shape(), options_.geometry(), options_.output_padding);
  const auto rows = detail::onnx_transposed_axis(d.P, d.R, d.stride_h, d.dilation_h, d.pad_top, d.H);
  const auto columns = detail::onnx_transposed_axis(d.Q, d.S, d.stride_w, d.dilation_w, d.pad_left, d.W);
  d.R = rows.kernel, d.S = columns.kernel;
  std::vector<OnnxAttribute> attributes = detail::onnx_conv_attributes(d, rows.pad_end, columns.pad_end);
  attributes.push_back({"output_padding", OnnxInts{rows.output_padding, columns.output_padding}});
  const Variable<wide_t<T>> kernel(used_kernel(Pass::infer()).master());
  const std::vector<std::string> inputs = detail::onnx_conv_inputs(
      graph, x, ops::pad(ops::pad(kernel, 0, 0, d.R - kernel.shape()[0]), 1, 0, d.S - kernel.shape()[1]), bias_);
  const std::string y = graph.add("ConvTranspose", inputs, std::move(attributes));
  return {graph.activation(options_.activation, y), shape};
}

}  // namespace tinygan::nn
