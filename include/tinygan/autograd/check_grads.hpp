// check_grads: compares the tape's derivatives of a function with finite differences, to any order.
#pragma once

#include <cmath>

#include <tinygan/autograd/grad.hpp>
#include <tinygan/tensor/random.hpp>

namespace tinygan {

/// What check_grads() compares, how, and within which tolerance.
struct CheckGradsOptions {
  int order = 2;            ///< 1: gradients; 2: also gradients of gradients; and so on
  double step = 1e-3;       ///< of the finite difference along a unit-variance direction
  double tolerance = 1e-6;  ///< relative to |numeric| + |analytic| + 1
  std::uint64_t seed = 1;
};

namespace detail {

/// <a, b> without recording.
template <class T>
double inner_product(const Tensor<T>& a, const Tensor<T>& b) {
  const std::vector<T> x = a.to_vector(), y = b.to_vector();
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += static_cast<double>(x[i]) * static_cast<double>(y[i]);
  return sum;
}

template <class T>
std::vector<Tensor<T>> random_like(const std::vector<Tensor<T>>& xs, Generator& g) {
  std::vector<Tensor<T>> result;
  for (const Tensor<T>& x : xs) result.push_back(random_normal<T>(x.shape(), g));
  return result;
}

/// f(xs + h v) for a function of many variables.
template <class T, class F>
Tensor<T> evaluate_at(const F& f, const std::vector<Tensor<T>>& xs, const std::vector<Tensor<T>>& v, double h) {
  std::vector<Variable<T>> moved;
  for (std::size_t i = 0; i < xs.size(); ++i) {
    std::vector<T> values = xs[i].to_vector();
    const std::vector<T> direction = v[i].to_vector();
    for (std::size_t k = 0; k < values.size(); ++k) values[k] += static_cast<T>(h) * direction[k];
    moved.push_back(Variable<T>(Tensor<T>::from(values, xs[i].shape(), xs[i].device()), true));
  }
  return f(moved).value();
}

/// One order: <grad <c, f>, v> against a fourth-order central difference of <c, f> along v; then the same for the
/// function xs -> grad <c, f>, one input after the other.
template <class T>
void check_order(const std::function<Variable<T>(const std::vector<Variable<T>>&)>& f, const std::vector<Tensor<T>>& xs,
                 const CheckGradsOptions& options, int order, Generator& random, const std::string& path) {
  std::vector<Variable<T>> variables;
  for (const Tensor<T>& x : xs) variables.push_back(Variable<T>(x.clone(), true));
  const Variable<T> y = f(variables);
  const Tensor<T> c = random_normal<T>(y.shape(), random);
  const std::vector<Tensor<T>> v = random_like(xs, random);

  double analytic = 0;  // stays 0 for a constant, such as the second derivative of a linear function
  if (y.requires_grad()) {
    const std::vector<Variable<T>> gradient = grad(y, variables, {}, Variable<T>(c));
    for (std::size_t i = 0; i < xs.size(); ++i) analytic += inner_product(gradient[i].value(), v[i]);
  }

  const double h = options.step;
  const auto at = [&](double t) { return inner_product(evaluate_at(f, xs, v, t), c); };
  const double numeric = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
  const double error = std::fabs(analytic - numeric) / (std::fabs(analytic) + std::fabs(numeric) + 1);
  check(error <= options.tolerance, "check_grads", path, " of order ", order, ": analytic ", analytic, ", numeric ",
        numeric, ", relative error ", error, " above ", options.tolerance);

  if (order == options.order) return;
  for (std::size_t i = 0; i < xs.size(); ++i) {
    const auto partial = [&f, &c, i](const std::vector<Variable<T>>& at_xs) {
      const Variable<T> value = f(at_xs);
      if (!value.requires_grad()) return Variable<T>(Tensor<T>::zeros(at_xs[i].shape(), at_xs[i].device()));
      return grad(value, {at_xs[i]}, {.create_graph = true}, Variable<T>(c))[0];
    };
    check_order<T>(partial, xs, options, order + 1, random, text(path, ", input ", i));
  }
}

}  // namespace detail

/// Compares the tape's derivatives of f with finite differences, by random projections, up to options.order. f takes
/// leaves of the shapes of xs and returns one variable of any shape; it must be smooth within a few steps of xs. Use
/// double. Throws Error naming the order and input where they disagree.
/// Source: check_grads of HIPS autograd, https://github.com/HIPS/autograd.
template <class T, class F>
void check_grads(F&& f, const std::vector<Tensor<T>>& xs, const CheckGradsOptions& options = {}) {
  Generator random(options.seed, xs.empty() ? Device::cpu() : xs[0].device());
  detail::check_order<T>(f, xs, options, 1, random, "gradient");
}

}  // namespace tinygan
