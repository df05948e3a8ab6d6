// OpCase: one op on one set of shapes: how it is called, what it must give by its definition, and what the generic
// checks have to know. A family of ops is a list of cases; check_ops() derives all tests from the list.
//
// Source of the idea: ggml's test-backend-ops, where one case gives test, gradient and performance modes.
#pragma once

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <tinygan/autograd/variable.hpp>
#include <tinygan/backend/bfloat16.hpp>

#include "support/values.hpp"

namespace tinygan::test {

/// What an op must give, in double, and the rounding error allowed in each element, in units of the machine epsilon:
/// the c K |a||b| of an error bound.
struct Expected {
  Shape shape;
  Array value, bound;
  double margin = std::numeric_limits<double>::infinity();  ///< distance from the nearest kink of the function

  explicit Expected(const Shape& s) : shape(s), value(static_cast<std::size_t>(s.size()), 0.0), bound(value) {}
  void set(std::size_t i, double v, double b) {
    value[i] = v;
    bound[i] = b;
  }
  /// Says how far from a kink the operand of one element was.
  void kink(double distance) { margin = std::min(margin, std::fabs(distance)); }
};

struct Input {
  Shape shape;
  Draw draw = Draw::uniform;
};

struct OpCase {
  std::string name;
  std::vector<Input> inputs;
  std::function<Variable<float>(const std::vector<Variable<float>>&)> in_float;
  std::function<Variable<double>(const std::vector<Variable<double>>&)> in_double;
  std::function<Expected(const Arrays&)> reference;
  std::vector<std::size_t> linear = {};  ///< the inputs in which it is linear while the others are held
  bool differentiable = true;            ///< false for constants, through which no gradient passes
  std::function<Variable<bfloat16>(const std::vector<Variable<bfloat16>>&)> in_bfloat16 = {};  ///< on devices only
  double flops = 0;  ///< multiplications and additions; 0: one per element of the result

  template <class T>
  Variable<T> operator()(const std::vector<Variable<T>>& xs) const {
    if constexpr (std::is_same_v<T, float>) return in_float(xs);
    else if constexpr (std::is_same_v<T, bfloat16>) return in_bfloat16(xs);
    else return in_double(xs);
  }
  /// What must be read and written at the least, for elements of a size.
  double bytes(std::size_t element) const {
    double n = 0;
    for (const Input& i : inputs) n += static_cast<double>(i.shape.size());
    return static_cast<double>(element) * (n + static_cast<double>(reference(draw_all()).value.size()));
  }
  /// The case's inputs: numbers that float holds, the same at every call.
  Arrays draw_all() const {
    Arrays all;
    for (const Input& i : inputs) all.push_back(draw(i.draw, i.shape, static_cast<unsigned>(all.size()) + 1));
    return all;
  }
};

/// A case from a generic call, a lambda that takes a vector of variables of either element type.
template <class Call>
OpCase op_case(std::string name, std::vector<Input> inputs, Call call, std::function<Expected(const Arrays&)> reference,
               std::vector<std::size_t> linear = {}, double flops = 0) {
  return {.name = std::move(name),
          .inputs = std::move(inputs),
          .in_float = call,
          .in_double = call,
          .reference = std::move(reference),
          .linear = std::move(linear),
          .in_bfloat16 = call,
          .flops = flops};
}

}  // namespace tinygan::test
