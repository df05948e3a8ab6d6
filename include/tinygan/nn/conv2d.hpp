// Conv2D and Conv2DTranspose.
#pragma once

#include <tinygan/nn/layer.hpp>
#include <tinygan/nn/spectral_norm.hpp>
#include <tinygan/ops/grouped_conv.hpp>

namespace tinygan::nn {

/// Height and width; a single number stands for both: 4 or {3, 5}.
struct Size2D {
  constexpr Size2D(index_t both) : h(both), w(both) {}  // NOLINT: implicit
  constexpr Size2D(index_t rows, index_t columns) : h(rows), w(columns) {}

  index_t h, w;
};

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

}  // namespace detail

/// y(N,P,Q,out) = activation(convolution of x(N,H,W,in) with kernel(R,S,in,out) + bias(out)).
template <class T = float>
class Conv2D : public Layer<T> {
 public:
  /// Throws Error on a size, stride or padding out of range.
  Conv2D(index_t in, index_t out, Conv2DOptions options, Generator& random = default_generator());

  Variable<T> forward(const Variable<T>& x, const Pass& pass) override;
  Shape output_shape(const Shape& x) const override;
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

/// y(N,H,W,out) = activation(transposed convolution of x(N,P,Q,in) with kernel(R,S,out,in) + bias(out)), Keras' layout.
template <class T = float>
class Conv2DTranspose : public Layer<T> {
 public:
  /// Throws Error on a size, stride or padding out of range.
  Conv2DTranspose(index_t in, index_t out, Conv2DOptions options, Generator& random = default_generator());

  Variable<T> forward(const Variable<T>& x, const Pass& pass) override;
  Shape output_shape(const Shape& x) const override;
  std::string type() const override { return "conv2d_transpose"; }
  std::string details() const override { return options_.details(); }
  const Variable<T>& kernel() const { return kernel_; }
  /// The kernel of a pass: kernel(), or that divided by its spectral norm, that of the convolution whose adjoint this is.
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

}  // namespace tinygan::nn
