// Elementary functions beyond those of pointwise.hpp: powers, sine, cosine, the error function, GELU and SiLU.
#pragma once

#include <tinygan/ops/pointwise.hpp>

namespace tinygan::ops {

/// y = x^exponent, NaN for a negative x unless the exponent is an integer. dy/dx = exponent x^(exponent - 1).
template <class T>
Variable<T> pow(const Variable<T>& x, double exponent) {
  detail::check_input("pow", "input", x);
  return record<T>("pow", detail::unary_value(UnaryOp::power, x.value(), exponent), {x},
                   [exponent](const Backward<T>& c) {
                     if (exponent == 0) return std::vector{affine(c.g, 0, 0)};  // not 0 x^-1, which is NaN at 0
                     if (exponent == 1) return std::vector{c.g};
                     return std::vector{mul(c.g, affine(pow(c.in[0], exponent - 1), exponent, 0))};
                   });
}

template <class T>
Variable<T> cos(const Variable<T>& x);

/// y = sin x, x in radians.
template <class T>
Variable<T> sin(const Variable<T>& x) {
  detail::check_input("sin", "input", x);
  return record<T>("sin", detail::unary_value(UnaryOp::sin, x.value()), {x},
                   [](const Backward<T>& c) { return std::vector{mul(c.g, cos(c.in[0]))}; });
}

/// y = cos x, x in radians.
template <class T>
Variable<T> cos(const Variable<T>& x) {
  detail::check_input("cos", "input", x);
  return record<T>("cos", detail::unary_value(UnaryOp::cos, x.value()), {x},
                   [](const Backward<T>& c) { return std::vector{neg(mul(c.g, sin(c.in[0])))}; });
}

/// y = 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x.
template <class T>
Variable<T> erf(const Variable<T>& x) {
  detail::check_input("erf", "input", x);
  return record<T>("erf", detail::unary_value(UnaryOp::erf, x.value()), {x}, [](const Backward<T>& c) {
    return std::vector{mul(c.g, affine(exp(neg(square(c.in[0]))), 1.1283791670955126, 0))};
  });
}

namespace detail {

/// dx = g gelu'(x), gelu'(x) = Phi(x) + x phi(x); gelu''(x) = (2 - x^2) phi(x), phi(x) = e^(-x^2 / 2) / sqrt(2 pi).
template <class T>
Variable<T> gelu_grad(const Variable<T>& g, const Variable<T>& x) {
  return record<T>("gelu_grad", binary_value("gelu_grad", BinaryOp::gelu_grad, g.value(), x.value()), {g, x},
                   [](const Backward<T>& c) {
                     const Variable<T>& at = c.in[1];
                     std::vector<Variable<T>> grads(2);
                     if (c.needs[0]) grads[0] = gelu_grad(c.g, at);
                     if (c.needs[1]) {
                       const Variable<T> squared = square(at);
                       const Variable<T> density = affine(exp(affine(squared, -0.5, 0)), 0.39894228040143268, 0);
                       grads[1] = mul(mul(c.g, c.in[0]), mul(affine(squared, -1, 2), density));
                     }
                     return grads;
                   });
}

/// dx = g silu'(x), silu'(x) = s (1 + x (1 - s)), s = sigmoid(x); silu''(x) = s (1 - s) (2 + x (1 - 2 s)).
template <class T>
Variable<T> silu_grad(const Variable<T>& g, const Variable<T>& x) {
  return record<T>("silu_grad", binary_value("silu_grad", BinaryOp::silu_grad, g.value(), x.value()), {g, x},
                   [](const Backward<T>& c) {
                     const Variable<T>& at = c.in[1];
                     std::vector<Variable<T>> grads(2);
                     if (c.needs[0]) grads[0] = silu_grad(c.g, at);
                     if (c.needs[1]) {
                       const Variable<T> s = sigmoid(at), slope = mul(s, affine(s, -1, 1));
                       const Variable<T> bend = affine(mul(at, affine(s, -2, 1)), 1, 2);
                       grads[1] = mul(mul(c.g, c.in[0]), mul(slope, bend));
                     }
                     return grads;
                   });
}

}  // namespace detail

/// y = x Phi(x), Phi being the standard normal distribution function; without the approximation by tanh. Source:
/// Hendrycks, Gimpel, "Gaussian Error Linear Units", 2016.
template <class T>
Variable<T> gelu(const Variable<T>& x) {
  detail::check_input("gelu", "input", x);
  return record<T>("gelu", detail::unary_value(UnaryOp::gelu, x.value()), {x},
                   [](const Backward<T>& c) { return std::vector{detail::gelu_grad(c.g, c.in[0])}; });
}

/// y = x sigmoid(x), also called swish. Source: Elfwing, Uchibe, Doya, "Sigmoid-Weighted Linear Units", 2017.
template <class T>
Variable<T> silu(const Variable<T>& x) {
  detail::check_input("silu", "input", x);
  return record<T>("silu", detail::unary_value(UnaryOp::silu, x.value()), {x},
                   [](const Backward<T>& c) { return std::vector{detail::silu_grad(c.g, c.in[0])}; });
}

}  // namespace tinygan::ops
