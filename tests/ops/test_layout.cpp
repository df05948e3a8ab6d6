// The differentiable layout ops: values as those of the tensors, gradients to second order.
#include <tinygan/ops/layout.hpp>

#include <tinygan/autograd/check_grads.hpp>
#include <tinygan/ops/pointwise.hpp>
#include <tinygan/ops/reduce.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;

TEST_CASE("layout ops give what the permutations of tensors give") {
  const Tensor<float> x = random_tensor<float>({2, 3, 4, 5}, 1);
  const Variable<float> v(x);
  CHECK(same_bits(ops::to_nchw(v).value(), to_nchw(x)));
  CHECK(same_bits(ops::to_nhwc(v).value(), to_nhwc(x)));
  CHECK(same_bits(ops::to_kcrs(v).value(), to_kcrs(x)));
  CHECK(same_bits(ops::to_rsck(v).value(), to_rsck(x)));
}

TEST_CASE("the cotangent of a layout op returns in the operand's layout") {
  const Variable<double> x(random_tensor<double>({2, 3, 4, 5}, 1), true);
  const Tensor<double> g = random_tensor<double>({2, 5, 3, 4}, 2);
  const Variable<double> dx = grad(ops::to_nchw(x), {x}, {}, Variable<double>(g))[0];
  CHECK(same_bits(dx.value(), to_nhwc(g)));
  const auto curved = [](const std::vector<Variable<double>>& at) {
    return ops::sum(ops::square(ops::to_nchw(at[0])) * ops::to_kcrs(ops::square(at[1])));
  };
  REQUIRE_NOTHROW(check_grads<double>(
      curved, {random_tensor<double>({1, 2, 3, 2}, 3), random_tensor<double>({2, 3, 2, 1}, 4)}, {.order = 2}));
}

TEST_CASE("layout ops name what does not fit") {
  const Variable<float> x(Tensor<float>::zeros({2, 3, 4}));
  CHECK(error_of([&] { ops::to_nchw(x); }) == "to_nchw: input (2, 3, 4) has rank 3, expected 4 (N,H,W,C)");
  CHECK(error_of([&] { ops::to_nhwc(x); }) == "to_nhwc: input (2, 3, 4) has rank 3, expected 4 (N,C,H,W)");
  CHECK(error_of([&] { ops::to_kcrs(x); }) == "to_kcrs: input (2, 3, 4) has rank 3, expected 4 (R,S,C,K)");
  CHECK(error_of([&] { ops::to_rsck(x); }) == "to_rsck: input (2, 3, 4) has rank 3, expected 4 (K,C,R,S)");
  CHECK(error_of([] { ops::to_nchw(Variable<float>{}); }) ==
        "to_nchw: input is empty: default-constructed or moved from, expected a variable with a value");
}
