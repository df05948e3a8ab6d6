// Pointwise ops: unary functions, broadcasting arithmetic, operators and activations.
#pragma once

#include <type_traits>

#include <tinygan/autograd/grad.hpp>
#include <tinygan/ops/reduce.hpp>

namespace tinygan::ops {

namespace detail {

/// The shape two operands broadcast to, NumPy's rule: aligned at the last axis, extents equal or 1.
inline Shape broadcast_shape(const char* op, const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  std::array<index_t, Shape::max_rank> extents{};
  for (int axis = 1; axis <= rank; ++axis) {
    const index_t ea = axis <= a.rank() ? a[-axis] : 1, eb = axis <= b.rank() ? b[-axis] : 1;
    check(ea == eb || ea == 1 || eb == 1, op, "shapes ", a, " and ", b, " do not broadcast");
    extents[static_cast<std::size_t>(rank - axis)] = std::max(ea, eb);
  }
  return Shape(std::span<const index_t>(extents.data(), static_cast<std::size_t>(rank)));
}

/// Strides of both operands over the result, neighbouring axes merged where both allow it.
inline BroadcastDims broadcast_dims(const Shape& out, const Shape& a, const Shape& b) {
  BroadcastDims d;
  int at = BroadcastDims::rank;  // the axis written last
  index_t a_run = 1, b_run = 1;
  for (int axis = 1; axis <= out.rank(); ++axis) {
    const index_t extent = out[-axis];
    const index_t ea = axis <= a.rank() ? a[-axis] : 1, eb = axis <= b.rank() ? b[-axis] : 1;
    const index_t a_stride = ea == 1 ? 0 : a_run, b_stride = eb == 1 ? 0 : b_run;
    a_run *= ea;
    b_run *= eb;
    if (extent == 1) continue;
    const bool merges = at < BroadcastDims::rank && a_stride == d.a_stride[at] * d.extent[at] &&
                        b_stride == d.b_stride[at] * d.extent[at];
    if (merges) {
      d.extent[at] *= extent;
    } else {
      --at;
      d.extent[at] = extent;
      d.a_stride[at] = a_stride;
      d.b_stride[at] = b_stride;
    }
  }
  return d;
}

template <class T>
Tensor<T> unary_value(UnaryOp op, const Tensor<T>& x, double alpha = 0, double beta = 0) {
  Tensor<T> y(x.shape(), x.device());
  kernels<T>(x.device())
      .unary(op, x.size(), kernel_scalar<T>(alpha), kernel_scalar<T>(beta), x.data(), y.data(), Stream{});
  return y;
}

template <class T>
Tensor<T> binary_value(const char* name, BinaryOp op, const Tensor<T>& a, const Tensor<T>& b, double alpha = 0) {
  check(a.device() == b.device(), name, "operands on ", a.device(), " and ", b.device());
  const Shape shape = broadcast_shape(name, a.shape(), b.shape());
  Tensor<T> y(shape, a.device());
  kernels<T>(a.device())
      .binary(op, broadcast_dims(shape, a.shape(), b.shape()), kernel_scalar<T>(alpha), a.data(), b.data(), y.data(),
              Stream{});
  return y;
}

/// g where input i wants it, summed back to that input's shape.
template <class T, class Rule>
Variable<T> for_input(const Backward<T>& c, std::size_t i, Rule rule) {
  return c.needs[i] ? sum_to(rule(), c.in[i].shape()) : Variable<T>{};
}

}  // namespace detail

// ---- arithmetic --------------------------------------------------------------------------------------------------

template <class T>
Variable<T> mul(const Variable<T>& a, const Variable<T>& b);
template <class T>
Variable<T> div(const Variable<T>& a, const Variable<T>& b);

/// y = alpha x + beta.
template <class T>
Variable<T> affine(const Variable<T>& x, double alpha, double beta) {
  detail::check_input("affine", "input", x);
  return record<T>("affine", detail::unary_value(UnaryOp::affine, x.value(), alpha, beta), {x},
                   [alpha](const Backward<T>& c) { return std::vector{affine(c.g, alpha, 0)}; });
}

/// y = -x.
template <class T>
Variable<T> neg(const Variable<T>& x) {
  return affine(x, -1, 0);
}

/// y = a + b, broadcasting. Throws Error on shapes that do not broadcast, as do all binary ops.
template <class T>
Variable<T> add(const Variable<T>& a, const Variable<T>& b) {
  detail::check_operands("add", a, b);
  return record<T>("add", detail::binary_value("add", BinaryOp::add, a.value(), b.value()), {a, b},
                   [](const Backward<T>& c) {
                     const auto g = [&] { return c.g; };
                     return std::vector{detail::for_input(c, 0, g), detail::for_input(c, 1, g)};
                   });
}

/// y = a - b.
template <class T>
Variable<T> sub(const Variable<T>& a, const Variable<T>& b) {
  detail::check_operands("sub", a, b);
  return record<
      T>("sub", detail::binary_value("sub", BinaryOp::sub, a.value(), b.value()), {a, b}, [](const Backward<T>& c) {
    return std::vector{detail::for_input(c, 0, [&] { return c.g; }), detail::for_input(c, 1, [&] { return neg(c.g); })};
  });
}

/// y = a b.
template <class T>
Variable<T> mul(const Variable<T>& a, const Variable<T>& b) {
  detail::check_operands("mul", a, b);
  return record<T>("mul", detail::binary_value("mul", BinaryOp::mul, a.value(), b.value()), {a, b},
                   [](const Backward<T>& c) {
                     return std::vector{detail::for_input(c, 0, [&] { return mul(c.g, c.in[1]); }),
                                        detail::for_input(c, 1, [&] { return mul(c.g, c.in[0]); })};
                   });
}

/// y = a / b.
template <class T>
Variable<T> div(const Variable<T>& a, const Variable<T>& b) {
  detail::check_operands("div", a, b);
  return record<T>("div", detail::binary_value("div", BinaryOp::div, a.value(), b.value()), {a, b},
                   [](const Backward<T>& c) {
                     return std::vector{detail::for_input(c, 0, [&] { return div(c.g, c.in[1]); }),
                                        detail::for_input(c, 1, [&] { return neg(div(mul(c.g, c.out), c.in[1])); })};
                   });
}

namespace detail {

/// max and min: the cotangent goes to the selected operand, to the first if they are equal.
template <class T>
Variable<T> select(const char* name, BinaryOp op, const Variable<T>& a, const Variable<T>& b) {
  check_operands(name, a, b);
  return record<T>(name, binary_value(name, op, a.value(), b.value()), {a, b},
                   [larger = op == BinaryOp::maximum](const Backward<T>& c) {
                     const Tensor<T>&left = c.in[larger ? 0 : 1].value(), &right = c.in[larger ? 1 : 0].value();
                     const Variable<T> first = binary_value("greater_equal", BinaryOp::greater_equal, left, right);
                     return std::vector{for_input(c, 0, [&] { return mul(c.g, first); }),
                                        for_input(c, 1, [&] { return mul(c.g, affine(first, -1, 1)); })};
                   });
}

}  // namespace detail

/// y = max(a, b).
template <class T>
Variable<T> maximum(const Variable<T>& a, const Variable<T>& b) {
  return detail::select("maximum", BinaryOp::maximum, a, b);
}

/// y = min(a, b).
template <class T>
Variable<T> minimum(const Variable<T>& a, const Variable<T>& b) {
  return detail::select("minimum", BinaryOp::minimum, a, b);
}

// ---- functions of one variable ------------------------------------------------------------------------------------

/// y = e^x.
template <class T>
Variable<T> exp(const Variable<T>& x) {
  detail::check_input("exp", "input", x);
  return record<T>("exp", detail::unary_value(UnaryOp::exp, x.value()), {x},
                   [](const Backward<T>& c) { return std::vector{mul(c.g, c.out)}; });
}

/// y = ln x.
template <class T>
Variable<T> log(const Variable<T>& x) {
  detail::check_input("log", "input", x);
  return record<T>("log", detail::unary_value(UnaryOp::log, x.value()), {x},
                   [](const Backward<T>& c) { return std::vector{div(c.g, c.in[0])}; });
}

/// y = x^(1/2).
template <class T>
Variable<T> sqrt(const Variable<T>& x) {
  detail::check_input("sqrt", "input", x);
  return record<T>("sqrt", detail::unary_value(UnaryOp::sqrt, x.value()), {x},
                   [](const Backward<T>& c) { return std::vector{affine(div(c.g, c.out), 0.5, 0)}; });
}

/// y = 1 / x.
template <class T>
Variable<T> reciprocal(const Variable<T>& x) {
  detail::check_input("reciprocal", "input", x);
  return record<T>("reciprocal", detail::unary_value(UnaryOp::reciprocal, x.value()), {x},
                   [](const Backward<T>& c) { return std::vector{neg(mul(c.g, mul(c.out, c.out)))}; });
}

/// y = x^2.
template <class T>
Variable<T> square(const Variable<T>& x) {
  detail::check_input("square", "input", x);
  return record<T>("square", detail::unary_value(UnaryOp::square, x.value()), {x},
                   [](const Backward<T>& c) { return std::vector{mul(c.g, affine(c.in[0], 2, 0))}; });
}

/// y = |x|; the derivative at 0 is 0.
template <class T>
Variable<T> abs(const Variable<T>& x) {
  detail::check_input("abs", "input", x);
  return record<T>("abs", detail::unary_value(UnaryOp::abs, x.value()), {x}, [](const Backward<T>& c) {
    return std::vector{mul(c.g, Variable<T>(detail::unary_value(UnaryOp::sign, c.in[0].value())))};
  });
}

/// y = min(max(x, low), high); the derivative is 1 inside, bounds included.
template <class T>
Variable<T> clamp(const Variable<T>& x, double low, double high) {
  detail::check_input("clamp", "input", x);
  check(low <= high, "clamp", "low ", low, " is above high ", high);
  return record<T>("clamp", detail::unary_value(UnaryOp::clamp, x.value(), low, high), {x}, [](const Backward<T>& c) {
    // inside exactly where clamping changed nothing
    const Tensor<T>&before = c.in[0].value(), &after = c.out.value();
    const Tensor<T> above = detail::binary_value("greater_equal", BinaryOp::greater_equal, before, after);
    const Tensor<T> below = detail::binary_value("greater_equal", BinaryOp::greater_equal, after, before);
    return std::vector{mul(c.g, Variable<T>(detail::binary_value("mul", BinaryOp::mul, above, below)))};
  });
}

// ---- activations ---------------------------------------------------------------------------------------------------

/// The cotangent of an activation's input from that of its output g and the output y; see Activation.
template <class T>
Variable<T> activation_grad(Activation f, const Variable<T>& g, const Variable<T>& y) {
  detail::check_input("activation_grad", "cotangent", g);
  detail::check_input("activation_grad", "output", y);
  switch (f.kind) {
    case Activation::Kind::none: return g;
    case Activation::Kind::relu:
    case Activation::Kind::leaky_relu: {
      const double alpha = f.kind == Activation::Kind::relu ? 0 : f.slope;
      return record<T>("leaky_relu_grad",
                       detail::binary_value("leaky_relu_grad", BinaryOp::leaky_relu_grad, g.value(), y.value(), alpha),
                       {g, y}, [f](const Backward<T>& c) {
                         return std::vector{activation_grad(f, c.g, c.in[1]), Variable<T>{}};
                       });
    }
    case Activation::Kind::sigmoid:
      return record<T>(
          "sigmoid_grad", detail::binary_value("sigmoid_grad", BinaryOp::sigmoid_grad, g.value(), y.value()), {g, y},
          [](const Backward<T>& c) {
            const Variable<T>& s = c.in[1];
            return std::vector{c.needs[0] ? activation_grad<T>(Activation::sigmoid, c.g, s) : Variable<T>{},
                               c.needs[1] ? mul(mul(c.g, c.in[0]), affine(s, -2, 1)) : Variable<T>{}};
          });
    case Activation::Kind::tanh:
      return record<T>("tanh_grad", detail::binary_value("tanh_grad", BinaryOp::tanh_grad, g.value(), y.value()),
                       {g, y}, [](const Backward<T>& c) {
                         const Variable<T>& t = c.in[1];
                         return std::vector{c.needs[0] ? activation_grad<T>(Activation::tanh, c.g, t) : Variable<T>{},
                                            c.needs[1] ? mul(mul(c.g, c.in[0]), affine(t, -2, 0)) : Variable<T>{}};
                       });
  }
  fail("activation_grad", "unknown activation");
}

/// y = f(x). Throws Error on a negative slope.
template <class T>
Variable<T> activation(Activation f, const Variable<T>& x) {
  const auto& [name, op, gradient, smooth] = activation_info(f.kind);
  detail::check_input(name, "input", x);
  if (f.kind == Activation::Kind::none) return x;
  check(f.slope >= 0, name, "slope ", f.slope, ", expected at least 0");
  return record<T>(name, detail::unary_value(op, x.value(), f.slope), {x},
                   [f](const Backward<T>& c) { return std::vector{activation_grad(f, c.g, c.out)}; });
}

/// y = max(x, 0).
template <class T>
Variable<T> relu(const Variable<T>& x) {
  return activation(Activation::relu, x);
}

/// y = x > 0 ? x : slope x.
template <class T>
Variable<T> leaky_relu(const Variable<T>& x, double slope) {
  return activation(Activation::leaky_relu(slope), x);
}

/// y = 1 / (1 + e^-x).
template <class T>
Variable<T> sigmoid(const Variable<T>& x) {
  return activation(Activation::sigmoid, x);
}

/// y = tanh x.
template <class T>
Variable<T> tanh(const Variable<T>& x) {
  return activation(Activation::tanh, x);
}

namespace detail {

/// sigmoid(x) with the derivative sigmoid(x) sigmoid(-x), which keeps its digits where the sigmoid rounds to 1.
template <class T>
Variable<T> softplus_slope(const Variable<T>& x) {
  return record<T>("softplus_slope", unary_value(UnaryOp::sigmoid, x.value()), {x}, [](const Backward<T>& c) {
    return std::vector{mul(c.g, mul(softplus_slope(c.in[0]), softplus_slope(neg(c.in[0]))))};
  });
}

}  // namespace detail

/// y = ln(1 + e^x), finite for every finite x.
template <class T>
Variable<T> softplus(const Variable<T>& x) {
  detail::check_input("softplus", "input", x);
  return record<T>("softplus", detail::unary_value(UnaryOp::softplus, x.value()), {x},
                   [](const Backward<T>& c) { return std::vector{mul(c.g, detail::softplus_slope(c.in[0]))}; });
}

}  // namespace tinygan::ops

namespace tinygan {

/// Elementwise a + b, broadcasting as NumPy does, as do the other operators. Throws Error if shapes do not broadcast.
template <class T>
Variable<T> operator+(const Variable<T>& a, const std::type_identity_t<Variable<T>>& b) {
  return ops::add(a, b);
}
/// a - b.
template <class T>
Variable<T> operator-(const Variable<T>& a, const std::type_identity_t<Variable<T>>& b) {
  return ops::sub(a, b);
}
/// a b, element by element.
template <class T>
Variable<T> operator*(const Variable<T>& a, const std::type_identity_t<Variable<T>>& b) {
  return ops::mul(a, b);
}
/// a / b, element by element.
template <class T>
Variable<T> operator/(const Variable<T>& a, const std::type_identity_t<Variable<T>>& b) {
  return ops::div(a, b);
}
/// -x.
template <class T>
Variable<T> operator-(const Variable<T>& x) {
  return ops::neg(x);
}
/// x + s.
template <class T>
Variable<T> operator+(const Variable<T>& x, double s) {
  return ops::affine(x, 1, s);
}
/// s + x.
template <class T>
Variable<T> operator+(double s, const Variable<T>& x) {
  return ops::affine(x, 1, s);
}
/// x - s.
template <class T>
Variable<T> operator-(const Variable<T>& x, double s) {
  return ops::affine(x, 1, -s);
}
/// s - x.
template <class T>
Variable<T> operator-(double s, const Variable<T>& x) {
  return ops::affine(x, -1, s);
}
/// s x.
template <class T>
Variable<T> operator*(const Variable<T>& x, double s) {
  return ops::affine(x, s, 0);
}
/// s x.
template <class T>
Variable<T> operator*(double s, const Variable<T>& x) {
  return ops::affine(x, s, 0);
}
/// x / s.
template <class T>
Variable<T> operator/(const Variable<T>& x, double s) {
  return ops::affine(x, 1 / s, 0);
}

}  // namespace tinygan
