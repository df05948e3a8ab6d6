// Activations in kernels: of epilogues, and of normalisations with their derivatives.
#pragma once

#include <tinygan/backend/activation.hpp>

#include "launch.cuh"
#include "pointwise.cuh"

namespace tinygan::cuda {
namespace {

/// f(z), for a kind that is known at run time.
template <class T>
__device__ __forceinline__ float activate(const KernelActivation<T>& f, float z) {
  switch (f.kind) {
    case Activation::Kind::none: break;
    case Activation::Kind::relu: return unary_value(UnaryOp::relu, 0.0f, 0.0f, z);
    case Activation::Kind::leaky_relu: return unary_value(UnaryOp::leaky_relu, f.slope, 0.0f, z);
    case Activation::Kind::sigmoid: return unary_value(UnaryOp::sigmoid, 0.0f, 0.0f, z);
    case Activation::Kind::tanh: return unary_value(UnaryOp::tanh, 0.0f, 0.0f, z);
  }
  return z;
}

/// f(z) and f'(z) of a normalisation. Smooth ones (sigmoid, tanh) are distinguished at run time; the others are
/// z > 0 ? z : slope z.
template <bool Smooth>
struct NormActivation {
  float slope;
  bool is_tanh;

  template <class T>
  explicit NormActivation(const KernelActivation<T>& f)
      : slope(negative_slope(f)), is_tanh(f.kind == Activation::Kind::tanh) {}

  __device__ __forceinline__ float value(float z) const {
    if constexpr (!Smooth) return z > 0.0f ? z : slope * z;
    if (is_tanh) return tanhf(z);
    const float e = expf(-fabsf(z));  // at most 1: no overflow
    return (z >= 0.0f ? 1.0f : e) / (1.0f + e);
  }

  /// g f'(z).
  __device__ __forceinline__ float cotangent(float z, float g) const {
    if constexpr (!Smooth) return z > 0.0f ? g : slope * g;
    const float y = value(z);
    return is_tanh ? g * (1.0f - y * y) : g * (y * (1.0f - y));
  }
};

/// f.operator()<smooth>() for the activation's kind: a run-time choice made a compile-time one.
template <class F>
void with_activation(Activation::Kind a, const F& f) {
  if (is_smooth(a)) f.template operator()<true>();
  else f.template operator()<false>();
}

}  // namespace
}  // namespace tinygan::cuda
