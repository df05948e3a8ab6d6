// Activation layers, for activations that are not fused into the previous layer.
#pragma once

#include <cmath>

#include <tinygan/nn/layer.hpp>
#include <tinygan/ops/elementary.hpp>
#include <tinygan/ops/softmax.hpp>

namespace tinygan::nn {

/// y = f(x), any shape.
template <class T = float>
class ActivationLayer : public Layer<T> {
 public:
  ActivationLayer(Activation f, const char* type);
  Variable<T> forward(const Variable<T>& x, const Pass&) override { return ops::activation(f_, x); }
  Shape output_shape(const Shape& x) const override { return x; }
  OnnxValue export_to(OnnxGraph& graph, const OnnxValue& x) const override;
  std::string type() const override { return type_; }
  std::string details() const override;

 private:
  Activation f_;
  const char* type_;
};

template <class T>
ActivationLayer<T>::ActivationLayer(Activation f, const char* type) : f_(f), type_(type) {
  check(f.slope >= 0, type, "slope ", f.slope, ", expected at least 0");
}

template <class T>
std::string ActivationLayer<T>::details() const {
  return f_.kind == Activation::Kind::leaky_relu ? text(f_.slope) : std::string();
}

template <class T>
OnnxValue ActivationLayer<T>::export_to(OnnxGraph& graph, const OnnxValue& x) const {
  return {graph.activation(f_, x.name), x.shape};
}

/// y = max(x, 0).
template <class T = float>
struct ReLU : ActivationLayer<T> {
  ReLU() : ActivationLayer<T>(Activation::relu, "relu") {}
};

/// y = x > 0 ? x : slope x. The default is the DCGAN paper's 0.2; Keras' is 0.3, PyTorch's 0.01.
template <class T = float>
struct LeakyReLU : ActivationLayer<T> {
  explicit LeakyReLU(double slope = 0.2) : ActivationLayer<T>(Activation::leaky_relu(slope), "leaky_relu") {}
};

/// y = 1 / (1 + e^-x).
template <class T = float>
struct Sigmoid : ActivationLayer<T> {
  Sigmoid() : ActivationLayer<T>(Activation::sigmoid, "sigmoid") {}
};

/// y = tanh x.
template <class T = float>
struct Tanh : ActivationLayer<T> {
  Tanh() : ActivationLayer<T>(Activation::tanh, "tanh") {}
};

/// y = x Phi(x), see ops::gelu.
template <class T = float>
class GELU : public Layer<T> {
 public:
  Variable<T> forward(const Variable<T>& x, const Pass&) override { return ops::gelu(x); }
  Shape output_shape(const Shape& x) const override { return x; }
  OnnxValue export_to(OnnxGraph& graph, const OnnxValue& x) const override;
  std::string type() const override { return "gelu"; }
};

/// y = x / (1 + e^-x).
template <class T = float>
class SiLU : public Layer<T> {
 public:
  Variable<T> forward(const Variable<T>& x, const Pass&) override { return ops::silu(x); }
  Shape output_shape(const Shape& x) const override { return x; }
  OnnxValue export_to(OnnxGraph& graph, const OnnxValue& x) const override {
    return {graph.add("Mul", {x.name, graph.add("Sigmoid", {x.name})}), x.shape};
  }
  std::string type() const override { return "silu"; }
};

/// y = e^x / sum e^x along the last axis.
template <class T = float>
class Softmax : public Layer<T> {
 public:
  Variable<T> forward(const Variable<T>& x, const Pass&) override { return ops::softmax(x); }
  Shape output_shape(const Shape& x) const override { return x; }
  OnnxValue export_to(OnnxGraph& graph, const OnnxValue& x) const override;
  std::string type() const override { return "softmax"; }
};

/// Of older operators: Gelu is one since opset 20.
template <class T>
OnnxValue GELU<T>::export_to(OnnxGraph& graph, const OnnxValue& x) const {
  const std::string erf = graph.add("Erf", {graph.add("Mul", {x.name, graph.constant("root_half", std::sqrt(0.5))})});
  const std::string twice = graph.add("Add", {erf, graph.constant("one", 1)});
  return {graph.add("Mul", {graph.add("Mul", {x.name, graph.constant("half", 0.5)}), twice}), x.shape};
}

template <class T>
OnnxValue Softmax<T>::export_to(OnnxGraph& graph, const OnnxValue& x) const {
  return {graph.add("Softmax", {x.name}, {{"axis", x.shape.rank() == 4 ? 1 : -1}}), x.shape};
}

}  // namespace tinygan::nn
