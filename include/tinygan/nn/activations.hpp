// Activation layers, for activations that are not fused into the previous layer.
#pragma once

#include <tinygan/nn/layer.hpp>
#include <tinygan/ops/softmax.hpp>

namespace tinygan::nn {

/// y = f(x), any shape.
template <class T = float>
class ActivationLayer : public Layer<T> {
 public:
  ActivationLayer(Activation f, double slope, const char* type) : f_(f), slope_(slope), type_(type) {
    check(slope >= 0, type, "slope ", slope, ", expected at least 0");
  }
  Variable<T> forward(const Variable<T>& x, const Pass&) override { return ops::activation(f_, slope_, x); }
  Shape output_shape(const Shape& x) const override { return x; }
  std::string type() const override { return type_; }
  std::string details() const override { return f_ == Activation::leaky_relu ? text(slope_) : std::string(); }

 private:
  Activation f_;
  double slope_;
  const char* type_;
};

/// y = max(x, 0).
template <class T = float>
struct ReLU : ActivationLayer<T> {
  ReLU() : ActivationLayer<T>(Activation::relu, 0, "relu") {}
};

/// y = x > 0 ? x : slope x. The default is the DCGAN paper's 0.2; Keras' is 0.3, PyTorch's 0.01.
template <class T = float>
struct LeakyReLU : ActivationLayer<T> {
  explicit LeakyReLU(double slope = 0.2) : ActivationLayer<T>(Activation::leaky_relu, slope, "leaky_relu") {}
};

/// y = 1 / (1 + e^-x).
template <class T = float>
struct Sigmoid : ActivationLayer<T> {
  Sigmoid() : ActivationLayer<T>(Activation::sigmoid, 0, "sigmoid") {}
};

/// y = tanh x.
template <class T = float>
struct Tanh : ActivationLayer<T> {
  Tanh() : ActivationLayer<T>(Activation::tanh, 0, "tanh") {}
};

/// y = e^x / sum e^x along the last axis.
template <class T = float>
class Softmax : public Layer<T> {
 public:
  Variable<T> forward(const Variable<T>& x, const Pass&) override { return ops::softmax(x); }
  Shape output_shape(const Shape& x) const override { return x; }
  std::string type() const override { return "softmax"; }
};

}  // namespace tinygan::nn
