#include "ops/cases/pointwise.hpp"

#include <limits>

#include "support/check_ops.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;

TEST_CASE("unary ops") { check_ops(unary_cases()); }
TEST_CASE("binary ops, in every arrangement of broadcasting") { check_ops(binary_cases()); }
TEST_CASE("gradients of activations as ops") { check_ops(activation_grad_cases()); }

TEST_CASE("every pointwise op has a case") {
  check_coverage("pointwise.hpp", pointwise_cases(), {"relu", "leaky_relu", "sigmoid", "tanh", "maximum", "minimum"});
}

TEST_CASE("operators between variables and numbers") {
  const Variable<double> x(Tensor<double>::from({1.0, -2.0, 4.0}, {3}), true);
  CHECK(array(x + 1) == Array{2, -1, 5});
  CHECK(array(1 + x) == Array{2, -1, 5});
  CHECK(array(x - 1) == Array{0, -3, 3});
  CHECK(array(1 - x) == Array{0, 3, -3});
  CHECK(array(x * 3) == Array{3, -6, 12});
  CHECK(array(3 * x) == Array{3, -6, 12});
  CHECK(array(x / 4) == Array{0.25, -0.5, 1});
  CHECK(array(-x) == Array{-1, 2, -4});
}

TEST_CASE("the same variable on both sides of a binary op gets both cotangents") {
  const Variable<double> x(Tensor<double>::from({3.0}, {1}), true);
  CHECK(array(grad(x * x, {x})[0]) == Array{6});
  CHECK(array(grad(x + x, {x})[0]) == Array{2});
  CHECK(array(grad(x - x, {x})[0]) == Array{0});
  CHECK(array(grad(x / x, {x})[0]) == Array{0});
}

TEST_CASE("functions stay finite far out, and so do their gradients") {
  for (const double far : {-100.0, 100.0, -1e4, 1e4}) {
    const Variable<float> x(Tensor<float>::full({5}, static_cast<float>(far)), true);
    for (const Variable<float>& y : {ops::softplus(x), ops::sigmoid(x), ops::tanh(x)}) {
      INFO(y.op() << " at " << far);
      for (double v : array(y)) CHECK(std::isfinite(v));
      for (double v : array(grad(ops::sum(y), {x})[0])) CHECK(std::isfinite(v));
    }
  }
  CHECK(ops::softplus(Variable<float>(Tensor<float>::scalar(100))).item() == 100);
  CHECK(ops::sigmoid(Variable<float>(Tensor<float>::scalar(100))).item() == 1);
  CHECK(ops::tanh(Variable<float>(Tensor<float>::scalar(-100))).item() == -1);
}

TEST_CASE("at kinks the documented one-sided derivative is taken") {
  const Variable<double> zero(Tensor<double>::zeros({1}), true), other(Tensor<double>::zeros({1}), true);
  CHECK(grad(ops::relu(zero), {zero})[0].item() == 0);
  CHECK(grad(ops::leaky_relu(zero, 0.25), {zero})[0].item() == 0.25);
  CHECK(grad(ops::abs(zero), {zero})[0].item() == 0);
  CHECK(grad(ops::clamp(zero, 0, 1), {zero})[0].item() == 1);
  const auto max = grad(ops::maximum(zero, other), {zero, other}), min = grad(ops::minimum(zero, other), {zero, other});
  CHECK((max[0].item() == 1 && max[1].item() == 0));
  CHECK(min[0].item() + min[1].item() == 1);
}

TEST_CASE("NaN goes through relu, leaky_relu and clamp") {
  const Variable<float> x(Tensor<float>::full({17}, std::numeric_limits<float>::quiet_NaN()));
  for (const Variable<float>& y : {ops::relu(x), ops::leaky_relu(x, 0.2f), ops::clamp(x, -1, 1)}) {
    INFO(y.op());
    for (double v : array(y)) CHECK(std::isnan(v));
  }
}

TEST_CASE("pointwise ops name what does not fit") {
  const Variable<float> a(Tensor<float>::zeros({2, 3})), b(Tensor<float>::zeros({2}));
  CHECK(support::error_of([&] { a + b; }) == "add: shapes (2, 3) and (2,) do not broadcast");
  CHECK(support::error_of([&] { a / b; }) == "div: shapes (2, 3) and (2,) do not broadcast");
  CHECK(support::error_of([&] { ops::clamp(a, 1, 0); }) == "clamp: low 1 is above high 0");
  CHECK(support::error_of([&] { ops::leaky_relu(a, -1); }) == "leaky_relu: slope -1, expected at least 0");
}
