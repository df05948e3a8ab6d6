// Activations that a kernel can apply to its result, and the epilogue that carries one.
#pragma once

#include <tinygan/backend/bfloat16.hpp>

namespace tinygan {

/// f(x): x | max(x,0) | x>0 ? x : slope*x | 1/(1+e^-x) | tanh x. Each derivative is a function of f(x) alone
/// (for leaky_relu as long as slope > 0), so a fused layer saves only its output.
enum class Activation { none, relu, leaky_relu, sigmoid, tanh };

/// What happens to a matrix or convolution result r(.., c) before it is stored: activation(r + bias[c]).
template <class T>
struct Epilogue {
  const T* bias = nullptr;  ///< one value per innermost index of the result, or null
  Activation activation = Activation::none;
  wide_t<T> slope = 0;  ///< of leaky_relu
};

}  // namespace tinygan
