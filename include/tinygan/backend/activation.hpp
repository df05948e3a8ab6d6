// Activations that a kernel can apply to its result, and the epilogue of products and convolutions.
#pragma once

#include <tinygan/backend/bfloat16.hpp>

namespace tinygan {

/// f(x): x | max(x,0) | x>0 ? x : slope*x | 1/(1+e^-x) | tanh x. Each derivative is a function of f(x) alone
/// (for leaky_relu if slope > 0), so a fused layer saves only its output.
struct Activation {
  enum class Kind { none, relu, leaky_relu, sigmoid, tanh };

  Kind kind = Kind::none;
  double slope = 0;  ///< of leaky_relu

  static const Activation none, relu, sigmoid, tanh;
  static constexpr Activation leaky_relu(double slope) { return {Kind::leaky_relu, slope}; }
};
inline constexpr Activation Activation::none{Kind::none};
inline constexpr Activation Activation::relu{Kind::relu};
inline constexpr Activation Activation::sigmoid{Kind::sigmoid};
inline constexpr Activation Activation::tanh{Kind::tanh};

/// An activation as a kernel's argument.
template <class T>
struct KernelActivation {
  Activation::Kind kind = Activation::Kind::none;
  wide_t<T> slope = 0;

  KernelActivation() = default;
  KernelActivation(Activation f) : kind(f.kind), slope(static_cast<wide_t<T>>(f.slope)) {}  // NOLINT: implicit
  operator Activation() const { return {kind, static_cast<double>(slope)}; }                // NOLINT: implicit
};

/// The epilogue of a product or convolution with result r(.., c): activation(r + bias[c]).
template <class T>
struct Epilogue {
  const T* bias = nullptr;  ///< one value per innermost index of the result, or null
  KernelActivation<T> activation = {};
};

}  // namespace tinygan
