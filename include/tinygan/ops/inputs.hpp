// Checks that every op begins with: inputs that are there, axes that exist.
#pragma once

#include <tinygan/autograd/variable.hpp>

namespace tinygan::ops::detail {

/// Throws Error naming op and input if the variable has no value.
template <class T>
void check_input(const char* op, const char* name, const Variable<T>& v) {
  check(v.defined(), op, name, " is empty: default-constructed or moved from, expected a variable with a value");
}

/// Checks both operands of a binary op.
template <class T>
void check_operands(const char* op, const Variable<T>& a, const Variable<T>& b) {
  check_input(op, "operand 0", a);
  check_input(op, "operand 1", b);
}

/// The non-negative number of an axis given as in Python. Throws Error naming the op if the axis is out of range.
inline int resolve_axis(const char* op, const Shape& shape, int axis) {
  check(shape.rank() > 0, op, "axis ", axis, " of a scalar, which has none");
  check(axis >= -shape.rank() && axis < shape.rank(), op, "axis ", axis, " of ", shape, ", expected ", -shape.rank(),
        " to ", shape.rank() - 1);
  return shape.resolve(axis);
}

}  // namespace tinygan::ops::detail
