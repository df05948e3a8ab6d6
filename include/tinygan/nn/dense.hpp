// Dense: the fully connected layer.
#pragma once

#include <tinygan/nn/layer.hpp>
#include <tinygan/nn/spectral_norm.hpp>
#include <tinygan/ops/matmul.hpp>

namespace tinygan::nn {

/// Bias, activation and initialisation of a Dense layer.
struct DenseOptions {
  bool bias = true;
  Activation activation = Activation::none;
  Initializer kernel_initializer = Initializer::glorot_uniform();
  Initializer bias_initializer = Initializer::zeros();
  bool spectral_norm = false;  ///< the kernel divided by its largest singular value, see SpectralNorm
};

/// y(..,out) = activation(x(..,in) kernel(in,out) + bias(out)).
template <class T = float>
class Dense : public Layer<T> {
 public:
  /// Throws Error unless both sizes are at least 1.
  Dense(index_t in, index_t out, DenseOptions options = {}, Generator& random = default_generator());

  Variable<T> forward(const Variable<T>& x, const Pass& pass) override;

  Shape output_shape(const Shape& x) const override;

  OnnxValue export_to(OnnxGraph& graph, const OnnxValue& x) const override;
  std::string type() const override { return "dense"; }
  std::string details() const override {
    return detail::with_spectral_norm(activation_text(options_.activation), options_.spectral_norm);
  }
  const Variable<T>& kernel() const { return kernel_; }
  /// The kernel of a pass: kernel(), or that divided by its spectral norm.
  Variable<T> used_kernel(const Pass& pass) const { return spectral_norm_ ? (*spectral_norm_)(pass) : kernel_; }
  const Variable<T>& bias() const { return bias_; }

 private:
  index_t in_, out_;
  DenseOptions options_;
  Variable<T> kernel_, bias_;
  SpectralNorm<T>* spectral_norm_ = nullptr;  // a child module
};

template <class T>
Dense<T>::Dense(index_t in, index_t out, DenseOptions options, Generator& random)
    : in_(in), out_(out), options_(options) {
  check(in >= 1 && out >= 1, "dense", in, " inputs and ", out, " outputs, expected at least 1");
  check(options.activation.slope >= 0, "dense", "slope ", options.activation.slope, ", expected at least 0");
  kernel_ = this->add_parameter("kernel", {in, out}, options.kernel_initializer, {in, out}, random);
  if (options.bias) bias_ = this->add_parameter("bias", {out}, options.bias_initializer, {in, out}, random);
  if (options.spectral_norm) spectral_norm_ = &this->add_module("spectral_norm", SpectralNorm<T>(kernel_, random));
}

template <class T>
Variable<T> Dense<T>::forward(const Variable<T>& x, const Pass& pass) {
  const Shape y = output_shape(x.shape());
  const Variable<T> rows = ops::reshape(x, {x.size() / in_, in_});
  return ops::reshape(ops::matmul(rows, used_kernel(pass), {}, {bias_, options_.activation}), y);
}

template <class T>
Shape Dense<T>::output_shape(const Shape& x) const {
  this->check_usable();
  check(x.rank() >= 2 && x[-1] == in_, "dense", "input ", x, ", expected (.., ", in_, ")");
  return x.with(-1, out_);
}

template <class T>
OnnxValue Dense<T>::export_to(OnnxGraph& graph, const OnnxValue& x) const {
  const Shape shape = output_shape(x.shape);
  std::vector<std::string> inputs{x.name, graph.constant("kernel", used_kernel(Pass::infer()))};
  if (x.shape.rank() == 2) {
    if (bias_.defined()) inputs.push_back(graph.constant("bias", bias_));
    return {graph.activation(options_.activation, graph.add("Gemm", std::move(inputs))), shape};
  }
  inputs[0] = graph.channels_last(x);
  std::string y = graph.add("MatMul", std::move(inputs));
  if (bias_.defined()) y = graph.add("Add", {y, graph.constant("bias", bias_)});
  y = graph.activation(options_.activation, y);
  return {shape.rank() == 4 ? graph.channels_first(y, shape) : y, shape};
}

}  // namespace tinygan::nn
