#include "ops/cases/scan.hpp"

#include "support/check_ops.hpp"

using namespace tinygan;
using namespace tinygan::test;

TEST_CASE("cumulative sums") { check_ops(scan_cases()); }
TEST_CASE("cumulative sums have cases") { check_coverage("scan.hpp", scan_cases()); }

TEST_CASE("the gradient of a cumulative sum is the cumulative sum from the last element on") {
  const Variable<double> x(Tensor<double>::from({1.0, 2.0, 3.0}, {3}), true);
  const Variable<double> y = ops::cumsum(x, 0);
  CHECK(array(y) == Array{1, 3, 6});
  CHECK(array(grad(y, {x}, {}, Variable<double>(Tensor<double>::from({1.0, 10.0, 100.0}, {3})))[0]) ==
        Array{111, 110, 100});
}
