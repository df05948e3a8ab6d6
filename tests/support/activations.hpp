// Activations in double, for expected values.
#pragma once

#include <array>
#include <cmath>

#include <tinygan/backend/activation.hpp>

namespace tinygan::test {

/// Every activation, leaky_relu with this slope.
constexpr std::array<Activation, 5> all_activations(double slope) {
  return {Activation::none, Activation::relu, Activation::leaky_relu(slope), Activation::sigmoid, Activation::tanh};
}

inline const char* name_of(Activation f) { return activation_info(f.kind).name; }

/// f(z).
inline double activate(Activation f, double z) {
  switch (f.kind) {
    case Activation::Kind::none: return z;
    case Activation::Kind::relu: return z > 0 ? z : 0;
    case Activation::Kind::leaky_relu: return z > 0 ? z : f.slope * z;
    case Activation::Kind::sigmoid: return 1 / (1 + std::exp(-z));
    case Activation::Kind::tanh: return std::tanh(z);
  }
  return NAN;
}

/// f'(z).
inline double derivative(Activation f, double z) {
  const double y = activate(f, z);
  switch (f.kind) {
    case Activation::Kind::none: return 1;
    case Activation::Kind::relu: return z > 0 ? 1 : 0;
    case Activation::Kind::leaky_relu: return z > 0 ? 1 : f.slope;
    case Activation::Kind::sigmoid: return y * (1 - y);
    case Activation::Kind::tanh: return 1 - y * y;
  }
  return NAN;
}

/// Whether f is not differentiable at 0.
inline bool has_kink(Activation f) { return f.kind != Activation::Kind::none && !is_smooth(f.kind); }

}  // namespace tinygan::test
