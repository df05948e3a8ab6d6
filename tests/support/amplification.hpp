// Error bounds of whole trainings. A product computed with rounding is the exact product of weights that each moved a
// little (Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed. 2002, section 3.5); how far such a move of all
// weights moves a result is measured on the same training. So there is no guess of what cancels or amplifies.
#pragma once

#include <algorithm>
#include <cmath>
#include <random>
#include <type_traits>
#include <vector>

#include <tinygan/nn/module.hpp>

#include "support/rounding.hpp"

namespace tinygan::test {

/// Multiplies each weight of a model by 1 + relative or 1 - relative, by chance.
template <class T>
void move_weights(const nn::Module<T>& model, double relative, unsigned seed) {
  std::mt19937 bits(seed);
  for (const Variable<T>& p : model.parameters()) {
    Array values = array(p.master());
    for (double& v : values) v *= bits() % 2 == 0 ? 1 + relative : 1 - relative;
    p.set_master(tensor<wide_t<T>>(values, p.shape(), p.device()));
  }
}

/// run(moved, seed) is a training whose weights began with move_weights(moved, seed), as a list of results. Returns how far, by
/// `distance`, each result of three such runs was from that of run(0, 0), at most.
template <class Run, class Distance>
Array farthest(const Run& run, double moved, const Distance& distance) {
  const auto still = run(0.0, 0u);
  Array most(still.size(), 0.0);
  for (unsigned seed = 1; seed <= 3; ++seed) {
    const auto other = run(moved, seed);
    for (std::size_t k = 0; k < most.size(); ++k) most[k] = std::max(most[k], distance(other[k], still[k]));
  }
  return most;
}

/// What the products of an adversarial step do to a weight that each rounds, all in one direction. Each of at most 7 products
/// with it (of D's step forward and back, real and generated; of G's; the gradient's own) rounds two operands, and with
/// `stored` its result, by u, and a sum of n terms in single precision: by 4 sqrt(n) roundings, which it exceeds once in
/// 3000 (Higham and Mary, "A new approach to probabilistic rounding error analysis", SIAM J. Sci. Comput. 41, 2019), or n.
inline double moved_in_step(double u, bool stored, double n) {
  return 7 * ((stored ? 3 : 2) * u + std::min(n, 4 * std::sqrt(n)) * unit_roundoff<float>);
}

}  // namespace tinygan::test
