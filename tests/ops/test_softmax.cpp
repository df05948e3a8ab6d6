#include "ops/cases/softmax.hpp"

#include "support/check_ops.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;

TEST_CASE("softmax and log_softmax") { check_ops(softmax_cases()); }
TEST_CASE("every softmax has a case") { check_coverage("softmax.hpp", softmax_cases()); }

TEST_CASE("softmax does not overflow") {
  const Variable<float> x(Tensor<float>::from({1000.0f, 0.0f, -1000.0f}, {1, 3}), true);
  CHECK(array(ops::softmax(x)) == Array{1, 0, 0});
  CHECK(array(ops::log_softmax(x)) == Array{0, -1000, -2000});
  for (double v : array(grad(ops::sum(ops::log_softmax(x)), {x})[0])) CHECK(std::isfinite(v));
}

TEST_CASE("softmax of a scalar is an error") {
  const Variable<float> s(Tensor<float>::scalar(1));
  CHECK(support::error_of([&] { ops::softmax(s); }) == "softmax: a scalar has no axis");
  CHECK(support::error_of([&] {
          ops::softmax(Variable<float>(Tensor<float>::zeros({2, 3})), 2);
        }) == "softmax: axis 2 of (2, 3), expected -2 to 1");
  CHECK(support::error_of([&] { ops::log_softmax(s); }) == "log_softmax: a scalar has no axis");
}
