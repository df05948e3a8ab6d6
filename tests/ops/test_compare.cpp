#include "ops/cases/compare.hpp"

#include "support/check_ops.hpp"

using namespace tinygan;
using namespace tinygan::test;

TEST_CASE("comparisons and selection") { check_ops(compare_cases()); }
TEST_CASE("every comparison has a case") { check_coverage("compare.hpp", compare_cases()); }

TEST_CASE("what is not selected may be infinite or NaN, and its cotangent is 0, on every device") {
  constexpr float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (const Device device : devices()) {
    INFO(device);
    const auto leaf = [&](std::initializer_list<float> v) {
      return Variable<float>(Tensor<float>::from(v, {4}, device), true);
    };
    const Variable<float> mask(Tensor<float>::from({1.0f, 0.0f, 2.0f, 0.0f}, {4}, device)), a = leaf({1, nan, 3, inf}),
                                                                                            b = leaf({inf, 2, nan, 4});
    const Variable<float> y = ops::where(mask, a, b);
    CHECK(array(y) == Array{1, 2, 3, 4});
    const auto grads = grad(ops::sum(y * y), {a, b});
    CHECK(array(grads[0]) == Array{2, 0, 6, 0});
    CHECK(array(grads[1]) == Array{0, 4, 0, 8});
    // ln x for x > 0 and 0 elsewhere, with its gradient.
    const Variable<float> x = leaf({1, -1, 2, 0}), zero(Tensor<float>::scalar(0, device));
    const Variable<float> safe = ops::where(ops::greater(x, zero), x, Tensor<float>::scalar(1, device));
    CHECK(array(grad(ops::sum(ops::log(safe)), {x})[0]) == Array{1, 0, 0.5, 0});
  }
}

TEST_CASE("comparisons with NaN are false, but not_equal") {
  const Variable<float> nan(Tensor<float>::scalar(std::numeric_limits<float>::quiet_NaN())),
      one(Tensor<float>::scalar(1));
  for (const Variable<float>& y : {ops::greater(nan, one), ops::greater_equal(nan, one), ops::less(nan, one),
                                   ops::less_equal(nan, one), ops::equal(nan, one), ops::equal(nan, nan)})
    CHECK(y.item() == 0);
  CHECK(ops::not_equal(nan, nan).item() == 1);
  CHECK(!ops::equal(one, one).requires_grad());
}
