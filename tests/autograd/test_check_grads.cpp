// check_grads finds what it is there to find.
#include <tinygan/autograd/check_grads.hpp>
#include <tinygan/ops/norms.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::contains;
using support::error_of;

namespace {

using V = Variable<double>;

/// y = x^3 by a rule that may be wrong: factor 3 x^2 as a function of x, recorded or cut off.
V cube(const V& x, double factor, bool cut) {
  std::vector<double> values = x.value().to_vector();
  for (double& v : values) v = v * v * v;
  return record<double>("cube", Tensor<double>::from(values, x.shape()), {x}, [factor, cut](const Backward<double>& c) {
    const V slope = factor * ops::square(c.in[0]);
    return std::vector{c.g * (cut ? slope.detach() : slope)};
  });
}

std::string verdict(double factor, bool cut, int order) {
  return error_of([&] {
    check_grads<double>([&](const std::vector<V>& x) { return cube(x[0], factor, cut); },
                        {random_tensor<double>({5}, 1)}, {.order = order});
  });
}

}  // namespace

TEST_CASE("check_grads accepts a right rule to the third order") {
  for (int order : {1, 2, 3}) CHECK(verdict(3, false, order) == "");
}

TEST_CASE("check_grads finds a wrong first derivative") {
  CHECK(contains(verdict(2.999, false, 1), "check_grads: gradient of order 1: analytic"));
}

TEST_CASE("check_grads finds a rule that is right but cannot be differentiated") {
  CHECK(verdict(3, true, 1) == "");
  CHECK(contains(verdict(3, true, 2), "check_grads: gradient, input 0 of order 2: analytic"));
}

TEST_CASE("check_grads finds a NaN") {
  const auto f = [](const std::vector<V>& x) { return ops::sqrt(x[0] - 100); };
  CHECK(contains(error_of([&] { check_grads<double>(f, {random_tensor<double>({3}, 1)}); }),
                 "check_grads: gradient of order 1"));
}

TEST_CASE("check_grads checks each of several inputs") {
  const auto wrong_in_second = [](const std::vector<V>& x) {
    return record<double>("product", (x[0] * x[1]).value(), {x[0], x[1]}, [](const Backward<double>& c) {
      return std::vector{c.g * c.in[1], c.g * c.in[0].detach()};
    });
  };
  const std::vector<Tensor<double>> at{random_tensor<double>({3}, 1), random_tensor<double>({3}, 2)};
  CHECK(contains(error_of([&] { check_grads<double>(wrong_in_second, at); }),
                 "check_grads: gradient, input 1 of order 2"));
}
