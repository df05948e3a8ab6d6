// First-order error bounds of anything on a tape: how far the rounding of every value on it can move a result.
//
// Source: S. Linnainmaa, "Taylor expansion of the accumulated rounding error", BIT 16 (1976), 146-160: the sum over all
// intermediate values v of |d result / d v| times the rounding of v, the derivatives by reverse mode.
#pragma once

#include <cmath>
#include <limits>
#include <type_traits>
#include <unordered_set>
#include <vector>

#include <tinygan/autograd/grad.hpp>

#include "support/values.hpp"

namespace tinygan::test {

/// How far rounding moves a number of T, relative to it.
template <class T>
inline constexpr double unit_roundoff = std::is_same_v<T, bfloat16>
                                            ? 0x1p-8
                                            : static_cast<double>(std::numeric_limits<wide_t<T>>::epsilon()) / 2;

/// What rounding does to one element of a result.
struct Rounding {
  double leaves = 0;  ///< sum of |d result / d v| |v| over the leaves v
  double inner = 0;   ///< the same over what ops computed, the result included
  double terms = 0;   ///< elements of one variable that the result depends on, at most: no sum on the way has more

  /// Of arithmetic on elements of T. A sum of n products is off by gamma_n = n u / (1 - n u) times the sum of their magnitudes
  /// (Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed. 2002, section 3.1), each magnitude being among
  /// those of `leaves` and `inner`; 8 u more are an elementary function of 3 ulp (cpu/math.hpp) and two roundings.
  /// bfloat16 is computed in float and rounded where it is stored. So are what is not on the tape: an op's constants, a
  /// factor of its result, and partial sums of its operands, as a sum over axes that are not neighbours goes axis by axis.
  template <class T>
  double bound() const {
    constexpr double u = unit_roundoff<wide_t<T>>, stored = std::is_same_v<T, wide_t<T>> ? 0 : unit_roundoff<T>;
    const double n = (terms + 8) * u;
    return n / (1 - n) * (leaves + inner) + stored * (leaves + 2 * inner);
  }
};

/// Every variable on the tape of y that requires gradients.
inline std::vector<AnyVariable> variables_on_tape(const AnyVariable& y) {
  std::vector<AnyVariable> all, pending{y};
  std::unordered_set<const NodeBase*> seen;
  while (!pending.empty()) {
    const AnyVariable v = std::move(pending.back());
    pending.pop_back();
    if (!v.defined() || !v.requires_grad() || !seen.insert(v.node().get()).second) continue;
    all.push_back(v);
    for (const AnyVariable& input : v.node()->inputs) pending.push_back(input);
  }
  return all;
}

/// Of each element of y. The tape is kept.
inline std::vector<Rounding> roundings(const Variable<double>& y) {
  std::vector<Rounding> result(static_cast<std::size_t>(y.size()));
  if (!y.requires_grad()) return result;
  const std::vector<AnyVariable> variables = variables_on_tape(y);
  std::vector<Array> values;
  for (const AnyVariable& v : variables) values.push_back(array(v.as<double>()));
  for (std::size_t i = 0; i < result.size(); ++i) {
    Array one(result.size(), 0.0);
    one[i] = 1;
    const std::vector<AnyVariable> slopes = tinygan::detail::gradients(
        y, variables, {.retain_graph = true}, Variable<double>(tensor<double>(one, y.shape())));
    for (std::size_t v = 0; v < variables.size(); ++v) {
      const Array slope = array(slopes[v].as<double>());
      double sum = 0, terms = 0;
      for (std::size_t k = 0; k < slope.size(); ++k) {
        sum += std::fabs(slope[k] * values[v][k]);
        terms += slope[k] != 0;
      }
      (variables[v].is_leaf() ? result[i].leaves : result[i].inner) += sum;
      result[i].terms = std::max(result[i].terms, terms);
    }
  }
  return result;
}

/// A result in arithmetic on elements of T against its tape in double: each element within its error bound. Leaves that do not
/// require gradients count as exact constants.
template <class T>
void check_rounded(const Array& found, const Variable<double>& exact) {
  const Array expected = array(exact);
  const std::vector<Rounding> rounding = roundings(exact);
  REQUIRE(found.size() == expected.size());
  check_elements(
      found, [&](index_t i) { return expected[static_cast<std::size_t>(i)]; },
      [&](index_t i) { return rounding[static_cast<std::size_t>(i)].template bound<T>(); });
}

/// A leaf of the same values, for a tape in double.
template <class T>
Variable<double> in_double(const Variable<T>& v) {
  return Variable<double>(tensor<double>(array(v), v.shape()), true);
}

}  // namespace tinygan::test
