// Cases of ops/pointwise.hpp: unary functions, broadcasting arithmetic and activation gradients.
#pragma once

#include <tinygan/ops/pointwise.hpp>

#include "support/op_case.hpp"

namespace tinygan::test {

namespace detail {

/// y = f(x), with `ulps(x)` epsilons of error allowed and kinks where `kink(x)` is 0.
template <class Call>
void add_unary(std::vector<OpCase>& cases, const std::string& name, Draw how, Call call, double (*f)(double),
               double (*bound)(double x, double y), double (*kink)(double) = nullptr) {
  // Sizes around the vector widths (4, 8 and 16 lanes), a scalar, and an image.
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{7}, Shape{16}, Shape{3, 11}, Shape{2, 3, 5, 3}})
    cases.push_back(op_case(
        text(name, shape), {{shape, how}}, [call](const auto& x) { return call(x[0]); },
        [=](const Arrays& x) {
          Expected y(shape);
          for (std::size_t i = 0; i < y.value.size(); ++i) {
            const double value = f(x[0][i]);
            y.set(i, value, bound(x[0][i], value));
            if (kink) y.kink(kink(x[0][i]));
          }
          return y;
        }));
}

/// Offset in an operand of the element that meets element `at` of the result.
inline std::size_t broadcast_offset(const Shape& out, const Shape& operand, std::size_t at) {
  std::size_t offset = 0, run = 1;
  for (int axis = 1; axis <= out.rank(); ++axis) {
    const auto extent = static_cast<std::size_t>(out[-axis]), i = at % extent;
    at /= extent;
    if (axis > operand.rank()) continue;
    const auto own = static_cast<std::size_t>(operand[-axis]);
    if (own > 1) offset += i * run;
    run *= own;
  }
  return offset;
}

struct Arrangement {
  Shape a, b, out;
};

inline std::vector<Arrangement> arrangements() {
  return {{{}, {}, {}},
          {{1}, {1, 1}, {1, 1}},
          {{5}, {5}, {5}},
          {{3, 17}, {3, 17}, {3, 17}},
          {{2, 3, 4}, {}, {2, 3, 4}},
          {{}, {7}, {7}},
          {{2, 3, 4}, {4}, {2, 3, 4}},
          {{17}, {3, 17}, {3, 17}},
          {{2, 3, 4}, {3, 1}, {2, 3, 4}},
          {{2, 3, 4}, {3, 4}, {2, 3, 4}},
          {{2, 3, 4}, {2, 1, 4}, {2, 3, 4}},
          {{2, 3, 1}, {2, 3, 4}, {2, 3, 4}},
          {{2, 1, 4}, {1, 3, 1}, {2, 3, 4}},
          {{5, 1}, {1, 7}, {5, 7}},
          {{1, 2, 2, 5}, {2, 1, 1, 5}, {2, 2, 2, 5}},
          {{2, 3, 3, 5}, {1, 3, 3, 1}, {2, 3, 3, 5}},
          {{2, 1, 2, 1, 2, 3}, {2, 2, 1, 2, 2, 1}, {2, 2, 2, 2, 2, 3}}};
}

template <class Call>
void add_binary(std::vector<OpCase>& cases, const std::string& name, Draw a, Draw b, Call call,
                double (*f)(double, double), std::vector<std::size_t> linear,
                double (*kink)(double, double) = nullptr) {
  for (const Arrangement& s : arrangements())
    cases.push_back(op_case(
        text(name, s.a, s.b), {{s.a, a}, {s.b, b}}, [call](const auto& x) { return call(x[0], x[1]); },
        [=](const Arrays& x) {
          Expected y(s.out);
          for (std::size_t i = 0; i < y.value.size(); ++i) {
            const double u = x[0][broadcast_offset(s.out, s.a, i)], v = x[1][broadcast_offset(s.out, s.b, i)];
            y.set(i, f(u, v), std::fabs(f(u, v)));  // one rounding
            if (kink) y.kink(kink(u, v));
          }
          return y;
        },
        linear));
}

template <class Call>
void add_activation_grad(std::vector<OpCase>& cases, const std::string& name, Call call, double (*f)(double, double),
                         Draw y_draw) {
  const Shape shape{3, 7};
  cases.push_back(op_case(
      text(name, "_grad", shape), {{shape}, {shape, y_draw}}, [call](const auto& x) { return call(x[0], x[1]); },
      [=](const Arrays& x) {
        Expected r(shape);
        for (std::size_t i = 0; i < r.value.size(); ++i)
          r.set(i, f(x[0][i], x[1][i]), 4 * std::fabs(x[0][i]) * (1 + x[1][i] * x[1][i]));
        return r;
      },
      {0}));
}

inline double logistic(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace detail

inline std::vector<OpCase> unary_cases() {
  std::vector<OpCase> cases;
  const auto exact = [](double, double) { return 0.0; };
  const auto rounded = [](double, double y) { return std::fabs(y); };
  const auto elementary = [](double, double y) { return 4 * std::fabs(y); };  // 3 ulp, see cpu/math.hpp
  using detail::add_unary;
  add_unary(
      cases, "affine", Draw::uniform, [](const auto& x) { return ops::affine(x, 2.5f, -0.75f); },
      [](double x) { return 2.5 * x - 0.75; }, [](double x, double y) { return std::fabs(2.5 * x) + std::fabs(y); });
  add_unary(
      cases, "neg", Draw::uniform, [](const auto& x) { return ops::neg(x); }, [](double x) { return -x; }, exact);
  add_unary(
      cases, "exp", Draw::uniform, [](const auto& x) { return ops::exp(x); }, [](double x) { return std::exp(x); },
      elementary);
  add_unary(
      cases, "log", Draw::positive, [](const auto& x) { return ops::log(x); }, [](double x) { return std::log(x); },
      elementary);
  add_unary(
      cases, "sqrt", Draw::positive, [](const auto& x) { return ops::sqrt(x); }, [](double x) { return std::sqrt(x); },
      rounded);
  add_unary(
      cases, "reciprocal", Draw::positive, [](const auto& x) { return ops::reciprocal(x); },
      [](double x) { return 1 / x; }, rounded);
  add_unary(
      cases, "square", Draw::uniform, [](const auto& x) { return ops::square(x); }, [](double x) { return x * x; },
      rounded);
  add_unary(
      cases, "abs", Draw::off_zero, [](const auto& x) { return ops::abs(x); }, [](double x) { return std::fabs(x); },
      exact, [](double x) { return x; });
  add_unary(
      cases, "clamp", Draw::between, [](const auto& x) { return ops::clamp(x, -0.5f, 0.5f); },
      [](double x) { return std::min(std::max(x, -0.5), 0.5); }, exact, [](double x) { return std::fabs(x) - 0.5; });
  add_unary(
      cases, "softplus", Draw::uniform, [](const auto& x) { return ops::softplus(x); },
      [](double x) { return std::log1p(std::exp(x)); }, elementary);
  add_unary(
      cases, "sigmoid", Draw::uniform, [](const auto& x) { return ops::sigmoid(x); }, detail::logistic, elementary);
  add_unary(
      cases, "tanh", Draw::uniform, [](const auto& x) { return ops::tanh(x); }, [](double x) { return std::tanh(x); },
      elementary);
  add_unary(
      cases, "relu", Draw::off_zero, [](const auto& x) { return ops::relu(x); },
      [](double x) { return std::max(x, 0.0); }, exact, [](double x) { return x; });
  add_unary(
      cases, "leaky_relu", Draw::off_zero, [](const auto& x) { return ops::leaky_relu(x, 0.25f); },
      [](double x) { return x > 0 ? x : 0.25 * x; }, exact, [](double x) { return x; });
  return cases;
}

inline std::vector<OpCase> binary_cases() {
  std::vector<OpCase> cases;
  using detail::add_binary;
  add_binary(
      cases, "add", Draw::uniform, Draw::uniform, [](const auto& a, const auto& b) { return a + b; },
      [](double a, double b) { return a + b; }, {});
  add_binary(
      cases, "sub", Draw::uniform, Draw::uniform, [](const auto& a, const auto& b) { return a - b; },
      [](double a, double b) { return a - b; }, {});
  add_binary(
      cases, "mul", Draw::uniform, Draw::uniform, [](const auto& a, const auto& b) { return a * b; },
      [](double a, double b) { return a * b; }, {0, 1});
  add_binary(
      cases, "div", Draw::uniform, Draw::positive, [](const auto& a, const auto& b) { return a / b; },
      [](double a, double b) { return a / b; }, {0});
  const auto gap = [](double a, double b) { return a - b; };
  add_binary(
      cases, "maximum", Draw::distinct, Draw::between, [](const auto& a, const auto& b) { return ops::maximum(a, b); },
      [](double a, double b) { return std::max(a, b); }, {}, gap);
  add_binary(
      cases, "minimum", Draw::distinct, Draw::between, [](const auto& a, const auto& b) { return ops::minimum(a, b); },
      [](double a, double b) { return std::min(a, b); }, {}, gap);
  return cases;
}

/// activation_grad(g, y) as an op of its own, y being the activation's output.
inline std::vector<OpCase> activation_grad_cases() {
  std::vector<OpCase> cases;
  using detail::add_activation_grad;
  add_activation_grad(
      cases, "identity", [](const auto& g, const auto& y) { return ops::activation_grad(Activation::none, g, y); },
      [](double g, double) { return g; }, Draw::uniform);
  add_activation_grad(
      cases, "relu", [](const auto& g, const auto& y) { return ops::activation_grad(Activation::relu, g, y); },
      [](double g, double y) { return y > 0 ? g : 0; }, Draw::off_zero);
  add_activation_grad(
      cases, "leaky_relu",
      [](const auto& g, const auto& y) { return ops::activation_grad(Activation::leaky_relu(0.25), g, y); },
      [](double g, double y) { return y > 0 ? g : 0.25 * g; }, Draw::off_zero);
  add_activation_grad(
      cases, "sigmoid", [](const auto& g, const auto& y) { return ops::activation_grad(Activation::sigmoid, g, y); },
      [](double g, double y) { return g * y * (1 - y); }, Draw::uniform);
  add_activation_grad(
      cases, "tanh", [](const auto& g, const auto& y) { return ops::activation_grad(Activation::tanh, g, y); },
      [](double g, double y) { return g * (1 - y * y); }, Draw::uniform);
  return cases;
}

inline std::vector<OpCase> pointwise_cases() {
  std::vector<OpCase> cases = unary_cases();
  for (const auto& more : {binary_cases(), activation_grad_cases()})
    cases.insert(cases.end(), more.begin(), more.end());
  return cases;
}

}  // namespace tinygan::test
