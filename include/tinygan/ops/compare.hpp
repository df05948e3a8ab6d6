// Comparisons, which give 0 or 1 and pass no gradient, and selection by such a mask.
#pragma once

#include <tinygan/ops/pointwise.hpp>

namespace tinygan::ops {

namespace detail {

template <class T>
Variable<T> compare(const char* name, BinaryOp op, const Variable<T>& a, const Variable<T>& b) {
  check_operands(name, a, b);
  return binary_value(name, op, a.value(), b.value());
}

/// a where the mask is not 0 (BinaryOp::keep) or where it is (BinaryOp::drop), else 0: linear in a, its own adjoint.
template <class T>
Variable<T> masked(BinaryOp op, const Variable<T>& a, const Variable<T>& mask) {
  return record<T>("masked", binary_value("where", op, a.value(), mask.value()), {a, mask}, [op](const Backward<T>& c) {
    return std::vector{for_input(c, 0, [&] { return masked(op, c.g, c.in[1]); }), Variable<T>{}};
  });
}

}  // namespace detail

/// y = a > b ? 1 : 0, broadcasting, 0 where either is NaN; a constant. So are all comparisons.
template <class T>
Variable<T> greater(const Variable<T>& a, const std::type_identity_t<Variable<T>>& b) {
  return detail::compare("greater", BinaryOp::greater, a, b);
}

/// y = a >= b ? 1 : 0.
template <class T>
Variable<T> greater_equal(const Variable<T>& a, const std::type_identity_t<Variable<T>>& b) {
  return detail::compare("greater_equal", BinaryOp::greater_equal, a, b);
}

/// y = a < b ? 1 : 0.
template <class T>
Variable<T> less(const Variable<T>& a, const std::type_identity_t<Variable<T>>& b) {
  detail::check_operands("less", a, b);
  return detail::compare("less", BinaryOp::greater, b, a);
}

/// y = a <= b ? 1 : 0.
template <class T>
Variable<T> less_equal(const Variable<T>& a, const std::type_identity_t<Variable<T>>& b) {
  detail::check_operands("less_equal", a, b);
  return detail::compare("less_equal", BinaryOp::greater_equal, b, a);
}

/// y = a == b ? 1 : 0.
template <class T>
Variable<T> equal(const Variable<T>& a, const std::type_identity_t<Variable<T>>& b) {
  return detail::compare("equal", BinaryOp::equal, a, b);
}

/// y = a == b ? 0 : 1; 1 where either is NaN.
template <class T>
Variable<T> not_equal(const Variable<T>& a, const std::type_identity_t<Variable<T>>& b) {
  return affine(detail::compare("not_equal", BinaryOp::equal, a, b), -1, 1);
}

/// y = mask != 0 ? a : b, all three broadcasting. What is not selected may be infinite or NaN, and gets the cotangent
/// 0. No gradient passes to the mask.
template <class T>
Variable<T> where(const Variable<T>& mask, const std::type_identity_t<Variable<T>>& a,
                  const std::type_identity_t<Variable<T>>& b) {
  detail::check_input("where", "mask", mask);
  detail::check_operands("where", a, b);
  const Variable<T> constant(mask.value());
  return add(detail::masked(BinaryOp::keep, a, constant), detail::masked(BinaryOp::drop, b, constant));
}

}  // namespace tinygan::ops
