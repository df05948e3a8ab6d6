// Activations that a kernel can apply to its result, and the epilogue of products and convolutions.
#pragma once

#include <cstddef>

#include <tinygan/backend/bfloat16.hpp>
#include <tinygan/backend/pointwise_dims.hpp>

namespace tinygan {

/// f(x): x | max(x,0) | x>0 ? x : slope*x | 1/(1+e^-x) | tanh x. Each derivative is a function of f(x) alone
/// (for leaky_relu if slope > 0), so a fused layer saves only its output.
struct Activation {
  /// The functions; leaky_relu alone has a slope.
  enum class Kind { none, relu, leaky_relu, sigmoid, tanh };

  Kind kind = Kind::none;
  double slope = 0;  ///< of leaky_relu

  static const Activation none, relu, sigmoid, tanh;
  /// x > 0 ? x : slope x.
  static constexpr Activation leaky_relu(double slope) { return {Kind::leaky_relu, slope}; }
};
inline constexpr Activation Activation::none{Kind::none};
inline constexpr Activation Activation::relu{Kind::relu};
inline constexpr Activation Activation::sigmoid{Kind::sigmoid};
inline constexpr Activation Activation::tanh{Kind::tanh};

/// A kind of activation: its name, f, the cotangent of its input from that of its output, and whether f is smooth: not
/// z > 0 ? z : slope*z.
struct ActivationInfo {
  const char* name;
  UnaryOp op;
  BinaryOp grad;
  bool smooth;
};
inline constexpr ActivationInfo activation_table[] = {
    {"identity", UnaryOp::affine, BinaryOp::leaky_relu_grad, false},
    {"relu", UnaryOp::relu, BinaryOp::leaky_relu_grad, false},
    {"leaky_relu", UnaryOp::leaky_relu, BinaryOp::leaky_relu_grad, false},
    {"sigmoid", UnaryOp::sigmoid, BinaryOp::sigmoid_grad, true},
    {"tanh", UnaryOp::tanh, BinaryOp::tanh_grad, true}};
/// Name, kernels and smoothness of an activation.
constexpr const ActivationInfo& activation_info(Activation::Kind f) {
  return activation_table[static_cast<std::size_t>(f)];
}
/// Whether an activation has a derivative everywhere.
constexpr bool is_smooth(Activation::Kind f) { return activation_info(f).smooth; }

/// An activation as a kernel's argument.
template <class T>
struct KernelActivation {
  Activation::Kind kind = Activation::Kind::none;
  wide_t<T> slope = 0;

  KernelActivation() = default;
  KernelActivation(Activation f) : kind(f.kind), slope(static_cast<wide_t<T>>(f.slope)) {}  // NOLINT: implicit
  operator Activation() const { return {kind, static_cast<double>(slope)}; }                // NOLINT: implicit
};

/// s in f(z) = z > 0 ? z : s*z for an activation that is not smooth; 1, the identity, for a smooth one.
template <class T>
wide_t<T> negative_slope(const KernelActivation<T>& f) {
  return f.kind == Activation::Kind::relu         ? wide_t<T>(0)
         : f.kind == Activation::Kind::leaky_relu ? f.slope
                                                  : wide_t<T>(1);
}

/// The epilogue of a product or convolution with result r(.., c): activation(r + bias[c]).
template <class T>
struct Epilogue {
  const T* bias = nullptr;  ///< one value per innermost index of the result, or null
  KernelActivation<T> activation = {};
};

}  // namespace tinygan
