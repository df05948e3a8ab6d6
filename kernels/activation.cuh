// Activations in kernels: of epilogues, and of normalisations with their derivatives.
#pragma once

#include <tinygan/backend/activation.hpp>

#include "device/vector.cuh"
#include "launch.cuh"
#include "pointwise.cuh"

namespace tinygan::cuda {
namespace {

/// Epilogue of columns n to n + 3 of one row: activation(v + bias). Columns from N on are ignored. (The switch is not a
/// function of its own: nvcc 13.0 then branches through a table.)
template <class T>
__device__ __forceinline__ void finish_pack(const Epilogue<T>& e, int n, int N, Float4& v) {
  TINYGAN_UNROLL
  for (int k = 0; k < 4; ++k) {
    if (e.bias && n + k < N) v.at[k] += to_float(e.bias[n + k]);
    switch (e.activation.kind) {
      case Activation::Kind::none: break;
      case Activation::Kind::relu: v.at[k] = unary_value(UnaryOp::relu, 0.0f, 0.0f, v.at[k]); break;
      case Activation::Kind::leaky_relu:
        v.at[k] = unary_value(UnaryOp::leaky_relu, e.activation.slope, 0.0f, v.at[k]);
        break;
      case Activation::Kind::sigmoid: v.at[k] = unary_value(UnaryOp::sigmoid, 0.0f, 0.0f, v.at[k]); break;
      case Activation::Kind::tanh: v.at[k] = unary_value(UnaryOp::tanh, 0.0f, 0.0f, v.at[k]); break;
    }
  }
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
