// Initialisers: the distributions of a parameter's initial values.
#pragma once

#include <cmath>

#include <tinygan/tensor/random.hpp>

namespace tinygan::nn {

/// fan_in and fan_out: numbers of inputs and outputs of a unit.
struct Fans {
  index_t in = 1, out = 1;
};

/// A distribution and its parameters a and b; make() draws from it.
struct Initializer {
  /// The distributions.
  enum class Kind { constant, uniform, normal, glorot_uniform, glorot_normal, he_uniform, he_normal, orthogonal };
  Kind kind = Kind::glorot_uniform;
  double a = 0, b = 0;

  /// All 0.
  static Initializer zeros() { return {Kind::constant, 0, 0}; }
  /// All the same.
  static Initializer constant(double value) { return {Kind::constant, value, 0}; }
  /// Evenly in [low, high).
  static Initializer uniform(double low, double high) { return {Kind::uniform, low, high}; }
  /// A normal distribution.
  static Initializer normal(double mean, double stddev) { return {Kind::normal, mean, stddev}; }
  /// U(-l, l), l = sqrt(6/(in+out)); Glorot & Bengio 2010.
  static Initializer glorot_uniform() { return {Kind::glorot_uniform}; }
  /// N(0, 2/(in+out)).
  static Initializer glorot_normal() { return {Kind::glorot_normal}; }
  /// U(-l, l), l = sqrt(6/in); He et al. 2015.
  static Initializer he_uniform() { return {Kind::he_uniform}; }
  /// N(0, 2/in).
  static Initializer he_normal() { return {Kind::he_normal}; }
  /// gain * Q, the rows or columns (whichever are fewer) of x as (size/last, last) orthonormal; Saxe et al. 2014.
  static Initializer orthogonal(double gain = 1) { return {Kind::orthogonal, gain, 0}; }

  /// A tensor of initial values. Throws Error on fans below 1, a NaN, and like random_uniform and random_normal.
  template <class T>
  Tensor<T> make(const Shape& shape, Fans fans, Generator& g) const;
};

namespace detail {

template <class T>
Tensor<T> symmetric(const Shape& shape, double limit, Generator& g) {
  return random_uniform(shape, g, static_cast<T>(-limit), static_cast<T>(limit));
}

/// Gram-Schmidt, twice over each vector, on a random normal matrix.
template <class T>
Tensor<T> orthonormal(const Shape& shape, double gain, Generator& g) {
  check(shape.rank() >= 2, "orthogonal", "shape ", shape, " has rank ", shape.rank(), ", expected at least 2");
  const Tensor<T> drawn = random_normal<T>(shape, g);
  std::vector<T> m = drawn.to_vector();
  const auto cols = static_cast<std::size_t>(shape[-1]), rows = m.size() / cols;
  const bool by_row = rows <= cols;
  const std::size_t count = std::min(rows, cols), length = std::max(rows, cols);
  const auto at = [&](std::size_t v, std::size_t i) -> T& { return by_row ? m[v * cols + i] : m[i * cols + v]; };
  const auto dot = [&](std::size_t v, std::size_t w) {
    double sum = 0;
    for (std::size_t i = 0; i < length; ++i) sum += static_cast<double>(at(v, i)) * static_cast<double>(at(w, i));
    return sum;
  };
  for (std::size_t v = 0; v < count; ++v) {
    for (int round = 0; round < 2; ++round)
      for (std::size_t w = 0; w < v; ++w) {
        const double overlap = dot(v, w);
        for (std::size_t i = 0; i < length; ++i) at(v, i) -= static_cast<T>(overlap * static_cast<double>(at(w, i)));
      }
    const double scale = 1 / std::sqrt(dot(v, v));
    for (std::size_t i = 0; i < length; ++i) at(v, i) = static_cast<T>(scale * static_cast<double>(at(v, i)));
  }
  for (T& value : m) value = static_cast<T>(gain * static_cast<double>(value));
  return Tensor<T>::from(m, shape, drawn.device());
}

}  // namespace detail

template <class T>
Tensor<T> Initializer::make(const Shape& shape, Fans fans, Generator& g) const {
  check(fans.in >= 1 && fans.out >= 1, "Initializer", "fans of ", fans.in, " inputs and ", fans.out,
        " outputs, expected at least 1");
  check(!std::isnan(a) && !std::isnan(b), "Initializer", "parameters ", a, " and ", b, ", expected numbers");
  const double in = static_cast<double>(fans.in), both = static_cast<double>(fans.in + fans.out);
  switch (kind) {
    case Kind::constant: return Tensor<T>::full(shape, static_cast<T>(a), g.device());
    case Kind::uniform: return random_uniform(shape, g, static_cast<T>(a), static_cast<T>(b));
    case Kind::normal: return random_normal(shape, g, static_cast<T>(a), static_cast<T>(b));
    case Kind::glorot_uniform: return detail::symmetric<T>(shape, std::sqrt(6 / both), g);
    case Kind::glorot_normal: return random_normal(shape, g, T(0), static_cast<T>(std::sqrt(2 / both)));
    case Kind::he_uniform: return detail::symmetric<T>(shape, std::sqrt(6 / in), g);
    case Kind::he_normal: return random_normal(shape, g, T(0), static_cast<T>(std::sqrt(2 / in)));
    case Kind::orthogonal: return detail::orthonormal<T>(shape, a, g);
  }
  fail("Initializer", "unknown kind");
}

}  // namespace tinygan::nn
