// Activations that a kernel can apply to its result, and the epilogue that carries one.
#pragma once

#include <tinygan/backend/bfloat16.hpp>

namespace tinygan {

/// f(x): x | max(x,0) | x>0 ? x : slope*x | 1/(1+e^-x) | tanh x. Each derivative is a function of f(x) alone
/// (for leaky_relu as long as slope > 0), so a fused layer saves only its output.
enum class Activation { none, relu, leaky_relu, sigmoid, tanh };

/// What happens to a matrix or convolution result r(.., c) before it is stored: activation(r + bias[c]); or, for a cotangent on
/// its way back, r activation'(.) as a function of the activation's output, which `output` points to.
template <class T>
struct Epilogue {
  const T* bias = nullptr;  ///< one value per innermost index of the result, or null
  Activation activation = Activation::none;
  wide_t<T> slope = 0;        ///< of leaky_relu
  const T* output = nullptr;  ///< of the result's shape; with it there is no bias
  wide_t<T>* moments = nullptr;  ///< where to leave the results' column moments (MomentDims), before rounding to T
};

/// activation'(x) as a function of y = activation(x).
template <class T>
constexpr T activation_slope(Activation activation, T slope, T y) {
  switch (activation) {
    case Activation::none: break;
    case Activation::relu: return y > T(0) ? T(1) : T(0);
    case Activation::leaky_relu: return y > T(0) ? T(1) : slope;
    case Activation::sigmoid: return y * (T(1) - y);
    case Activation::tanh: return T(1) - y * y;
  }
  return T(1);
}

}  // namespace tinygan
