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

TEST_CASE("cumulative sums are sequential in double and rounded once, however many rows are summed together") {
  for (const Shape& shape : {Shape{301, 130}, Shape{130, 301}})
    for (const int axis : {0, 1}) {
      CAPTURE(shape, axis);
      const Tensor<float> x = random_tensor<float>(shape, 1);
      const index_t step = axis == 0 ? shape[1] : 1, extent = shape[axis];
      std::vector<float> expected;
      double sum = 0;
      std::vector<double> sums(static_cast<std::size_t>(shape[1]), 0.0);
      for (index_t i = 0; i < shape.size(); ++i) {
        const float value = x.host()[static_cast<std::size_t>(i)];
        double& s = axis == 0 ? sums[static_cast<std::size_t>(i % step)] : sum;
        if (i / step % extent == 0) s = 0;
        s += static_cast<double>(value);
        expected.push_back(static_cast<float>(s));
      }
      CHECK(ops::cumsum(Variable<float>(x), axis).value().to_vector() == expected);
    }
}
