// Layers of conditional networks: they read the labels of the pass.
#pragma once

#include <tinygan/nn/layer.hpp>
#include <tinygan/nn/spectral_norm.hpp>
#include <tinygan/ops/cast.hpp>
#include <tinygan/ops/matmul.hpp>

namespace tinygan::nn {

namespace detail {

/// The labels of a pass (N,K). Throws Error, naming the layer, if there are none or their shape or device is another.
template <class T>
Variable<wide_t<T>> labels_of(const char* op, const Pass& pass, const Variable<T>& x, index_t classes) {
  const Shape expected{x.shape()[0], classes};
  check(pass.labels.defined(), op, "the pass has no labels, expected one-hot rows ", expected);
  Variable<wide_t<T>> labels = pass.labels.as<wide_t<T>>();
  check(labels.shape() == expected, op, "labels ", labels.shape(), ", expected one-hot rows ", expected);
  check(labels.device() == x.device(), op, "labels on ", labels.device(), ", input on ", x.device());
  return labels;
}

}  // namespace detail

/// (N,C) to (N,C+K): the one-hot labels of the pass behind x. In a dense layer that follows, each class has a vector
/// that is added to the result. Source: Mirza & Osindero, "Conditional Generative Adversarial Nets", 2014.
template <class T = float>
class AddLabels : public Layer<T> {
 public:
  /// Throws Error unless classes >= 1.
  explicit AddLabels(index_t classes);

  /// Throws Error if the pass has no labels (N,K).
  Variable<T> forward(const Variable<T>& x, const Pass& pass) override;
  Shape output_shape(const Shape& x) const override;
  OnnxValue export_to(OnnxGraph& graph, const OnnxValue& x) const override;
  std::string type() const override { return "add_labels"; }
  std::string details() const override { return text(classes_, " classes"); }

 private:
  index_t classes_;
};

/// Bias, initialisation and spectral norm of a Projection.
struct ProjectionOptions {
  bool bias = true;
  Initializer initializer = Initializer::glorot_uniform();  ///< of kernel and embedding
  bool spectral_norm = false;                               ///< of both
};

/// y(N,1) = x kernel + bias + <x, embedding[label]>: the last layer of a discriminator that judges image and class
/// together, x(N,C), kernel(C,1), embedding(K,C), labels of the pass.
/// Source: Miyato & Koyama, "cGANs with Projection Discriminator", 2018.
template <class T = float>
class Projection : public Layer<T> {
 public:
  /// Throws Error unless both sizes are at least 1.
  Projection(index_t in, index_t classes, ProjectionOptions options = {}, Generator& random = default_generator());

  /// Throws Error if the pass has no labels (N,K).
  Variable<T> forward(const Variable<T>& x, const Pass& pass) override;
  Shape output_shape(const Shape& x) const override;
  OnnxValue export_to(OnnxGraph& graph, const OnnxValue& x) const override;
  std::string type() const override { return "projection"; }
  std::string details() const override {
    return detail::with_spectral_norm(text(classes_, " classes"), kernel_norm_ != nullptr);
  }
  const Variable<T>& kernel() const { return kernel_; }
  const Variable<T>& embedding() const { return embedding_; }

 private:
  Variable<T> used_kernel(const Pass& pass) const { return kernel_norm_ ? (*kernel_norm_)(pass) : kernel_; }
  Variable<T> used_embedding(const Pass& pass) const { return embedding_norm_ ? (*embedding_norm_)(pass) : embedding_; }

  index_t in_, classes_;
  Variable<T> kernel_, bias_, embedding_;
  SpectralNorm<T>*kernel_norm_ = nullptr, *embedding_norm_ = nullptr;  // child modules
};

template <class T>
AddLabels<T>::AddLabels(index_t classes) : classes_(classes) {
  check(classes >= 1, "add_labels", classes, " classes, expected at least 1");
}

template <class T>
Variable<T> AddLabels<T>::forward(const Variable<T>& x, const Pass& pass) {
  output_shape(x.shape());
  return ops::concat<T>({x, cast<T>(detail::labels_of("add_labels", pass, x, classes_))}, 1);
}

template <class T>
Shape AddLabels<T>::output_shape(const Shape& x) const {
  this->check_usable();
  check(x.rank() == 2, "add_labels", "input ", x, ", expected (N,C)");
  return {x[0], x[1] + classes_};
}

template <class T>
OnnxValue AddLabels<T>::export_to(OnnxGraph& graph, const OnnxValue& x) const {
  const Shape shape = output_shape(x.shape);
  return {graph.add("Concat", {x.name, graph.labels("add_labels", classes_)}, {{"axis", 1}}), shape};
}

template <class T>
Projection<T>::Projection(index_t in, index_t classes, ProjectionOptions options, Generator& random)
    : in_(in), classes_(classes) {
  check(in >= 1 && classes >= 1, "projection", in, " inputs and ", classes, " classes, expected at least 1");
  kernel_ = this->add_parameter("kernel", {in, 1}, options.initializer, {in, 1}, random);
  if (options.bias) bias_ = this->add_parameter("bias", {1}, Initializer::zeros(), {in, 1}, random);
  embedding_ = this->add_parameter("embedding", {classes, in}, options.initializer, {in, 1}, random);
  if (!options.spectral_norm) return;
  kernel_norm_ = &this->add_module("spectral_norm", SpectralNorm<T>(kernel_, random));
  embedding_norm_ = &this->add_module("embedding_spectral_norm", SpectralNorm<T>(embedding_, random));
}

template <class T>
Variable<T> Projection<T>::forward(const Variable<T>& x, const Pass& pass) {
  output_shape(x.shape());
  const Variable<T> labels = cast<T>(detail::labels_of("projection", pass, x, classes_));
  const Variable<T> kernel = used_kernel(pass), embedding = used_embedding(pass);
  const Variable<T> of_class = ops::matmul(labels, embedding);  // (N,C)
  return ops::matmul(x, kernel, {}, {bias_}) + ops::sum(x * of_class, 1, true);
}

template <class T>
Shape Projection<T>::output_shape(const Shape& x) const {
  this->check_usable();
  check(x.rank() == 2 && x[1] == in_, "projection", "input ", x, ", expected (N, ", in_, ")");
  return {x[0], 1};
}

template <class T>
OnnxValue Projection<T>::export_to(OnnxGraph& graph, const OnnxValue& x) const {
  const Shape shape = output_shape(x.shape);
  std::vector<std::string> inputs{x.name, graph.constant("kernel", used_kernel(Pass::infer()))};
  if (bias_.defined()) inputs.push_back(graph.constant("bias", bias_));
  const std::string logit = graph.add("Gemm", std::move(inputs));
  const std::string embedding = graph.constant("embedding", used_embedding(Pass::infer()));
  const std::string of_class = graph.add("MatMul", {graph.labels("projection", classes_), embedding});  // (N,C)
  const std::string product = graph.add("Mul", {x.name, of_class}), axes = graph.constant("axes", OnnxInts{1});
  return {graph.add("Add", {logit, graph.add("ReduceSum", {product, axes}, {{"keepdims", 1}})}), shape};
}

}  // namespace tinygan::nn
