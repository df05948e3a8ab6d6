// Operands of the tests: arrays of doubles that float holds exactly, drawn from a seed, and comparisons of results.
#pragma once

#include <algorithm>
#include <numeric>
#include <random>
#include <span>
#include <vector>

#include <tinygan/autograd/variable.hpp>

#include "support/compare.hpp"

namespace tinygan::test {

using Array = std::vector<double>;
using Arrays = std::vector<Array>;

/// How the elements of an operand are drawn.
enum class Draw {
  uniform,   ///< in [-1, 1)
  off_zero,  ///< of either sign, 0.1 to 1.1 in size
  positive,  ///< in [0.5, 1.5)
  distinct,  ///< multiples of 0.1, each once, in random order
  between,   ///< the same, moved by 0.05
  sides,     ///< 3 and -3 in turn, give or take a little: a bias that keeps results away from 0
};

/// The same numbers for the same arguments.
inline Array draw(Draw how, const Shape& shape, unsigned seed) {
  std::mt19937 bits(seed * 7919u + static_cast<unsigned>(shape.size()));
  const auto u = [&] { return static_cast<double>(bits()) * 0x1p-31 - 1.0; };
  Array values(static_cast<std::size_t>(shape.size()));
  std::iota(values.begin(), values.end(), 0.0);
  if (how == Draw::distinct || how == Draw::between) std::shuffle(values.begin(), values.end(), bits);
  const double middle = std::floor(static_cast<double>(values.size()) / 2);
  for (double& v : values) {
    switch (how) {
      case Draw::uniform: v = u(); break;
      case Draw::off_zero: v = u(), v += v < 0 ? -0.1 : 0.1; break;
      case Draw::positive: v = 1 + u() / 2; break;
      case Draw::distinct: v = 0.1 * (v - middle); break;
      case Draw::between: v = 0.1 * (v - middle) + 0.05; break;
      case Draw::sides: v = std::fmod(v, 2.0) * 6 - 3 + u() / 10; break;
    }
    v = static_cast<double>(static_cast<float>(v));
  }
  return values;
}

template <class T>
Tensor<T> tensor(const Array& values, const Shape& shape, Device device = Device::cpu()) {
  std::vector<T> converted;
  for (double v : values) converted.push_back(static_cast<T>(v));
  return Tensor<T>::from(std::span<const T>(converted), shape, device);
}

/// Values in [-1, 1).
template <class T>
Tensor<T> random_tensor(const Shape& shape, unsigned seed) {
  return tensor<T>(draw(Draw::uniform, shape, seed), shape);
}

template <class T>
Array array(const Tensor<T>& t) {
  const std::vector<T> values = t.to_vector();
  return Array(values.begin(), values.end());
}
template <class T>
Array array(const Variable<T>& v) {
  return array(v.value());
}

template <class T>
SameBits same_bits(const Tensor<T>& a, const Tensor<T>& b) {
  if (a.shape() != b.shape()) return {text("shapes ", a.shape(), " and ", b.shape())};
  return {first_difference(a.to_vector(), b.to_vector())};
}

/// Copies of the values of variables, to compare with later.
template <class T>
std::vector<Tensor<T>> snapshot(const std::vector<Variable<T>>& variables) {
  std::vector<Tensor<T>> copies;
  for (const Variable<T>& v : variables) copies.push_back(v.value().clone());
  return copies;
}
template <class T>
SameBits same_bits(const std::vector<Tensor<T>>& a, const std::vector<Tensor<T>>& b) {
  if (a.size() != b.size()) return {text(a.size(), " and ", b.size(), " tensors")};
  for (std::size_t i = 0; i < a.size(); ++i)
    if (const SameBits same = same_bits(a[i], b[i]); !same) return {text("tensor ", i, ": ", same.difference)};
  return {""};
}

}  // namespace tinygan::test
