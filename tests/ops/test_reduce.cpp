#include "ops/cases/reduce.hpp"

#include "support/check_ops.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;

TEST_CASE("sums and broadcasts") { check_ops(reduce_cases()); }
TEST_CASE("means and norms") { check_ops(norms_cases()); }

TEST_CASE("every reduction has a case") {
  check_coverage("reduce.hpp", reduce_cases());
  check_coverage("norms.hpp", norms_cases());
}

TEST_CASE("a long sum keeps the error of blocked summation") {
  // A running sum of floats would lose a part in 2^24 * n; fixed pieces keep it near the logarithm of n.
  constexpr index_t n = 1 << 20;
  const Variable<float> x(Tensor<float>::full({n}, 0.1f));
  const double expected = static_cast<double>(0.1f) * n;
  CHECK(std::fabs(static_cast<double>(ops::sum(x).item()) - expected) <= 1024 * 1.2e-7 * expected);
}

TEST_CASE("max_last stops gradients") {
  const Variable<double> x(Tensor<double>::from({1.0, 3.0, 2.0}, {3}), true);
  CHECK_FALSE(ops::max_last(x).requires_grad());
}

TEST_CASE("reductions name what does not fit") {
  const Variable<float> x(Tensor<float>::zeros({2, 3, 4})), s(Tensor<float>::scalar(0));
  CHECK(support::error_of([&] { ops::sum(x, std::vector<int>{3}); }) == "Shape: no axis 3 in (2, 3, 4)");
  CHECK(support::error_of([&] { ops::sum(x, std::vector<int>{1, -2}); }) == "sum: axis -2 is named twice");
  CHECK(support::error_of([&] { ops::sum_to(x, {2, 4}); }) == "sum_to: cannot sum (2, 3, 4) to (2, 4)");
  CHECK(support::error_of([&] {
          ops::broadcast_to(x, {3, 4});
        }) == "broadcast_to: cannot broadcast (2, 3, 4) to (3, 4)");
  CHECK(support::error_of([&] { ops::max_last(s); }) == "max_last: a scalar has no axis");
}
