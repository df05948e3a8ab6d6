#include "ops/cases/dropout.hpp"

#include "support/check_ops.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;

TEST_CASE("dropout under a fixed key") { check_ops(dropout_cases()); }
TEST_CASE("dropout has cases") { check_coverage("dropout.hpp", dropout_cases()); }

TEST_CASE("dropout takes the next draw at every call, and another mask in the next step") {
  const Variable<float> ones(Tensor<float>::full({256}, 1.0f));
  Generator random(3);
  const Tensor<float> first = ops::dropout(ones, 0.5f, random).value();
  const Tensor<float> second = ops::dropout(ones, 0.5f, random).value();
  CHECK_FALSE(same_bits(first, second));
  random.next_step();
  const Tensor<float> later = ops::dropout(ones, 0.5f, random).value();
  CHECK_FALSE(same_bits(first, later));
  random.set_step(0);
  CHECK(same_bits(first, ops::dropout(ones, 0.5f, random).value()));
}

TEST_CASE("dropout keeps its share and the mean") {
  constexpr index_t n = 100000;
  Generator random(4);
  const Array y = array(ops::dropout(Variable<float>(Tensor<float>::full({n}, 1.0f)), 0.3f, random));
  double kept = 0, sum = 0;
  for (double v : y) kept += v != 0, sum += v;
  const double sigma = std::sqrt(0.3 * 0.7 / n);  // of a share of n draws
  CHECK(std::fabs(kept / n - 0.7) < 5 * sigma);
  CHECK(std::fabs(sum / n - 1) < 5 * sigma / 0.7);
}

TEST_CASE("dropout names a bad rate") {
  const Variable<float> x(Tensor<float>::zeros({2}));
  Generator random;
  CHECK(support::error_of([&] { ops::dropout(x, 1, random); }) == "dropout: rate 1, expected at least 0 and below 1");
  CHECK(support::error_of([&] { ops::dropout(x, std::nanf(""), random); }) ==
        "dropout: rate nan, expected at least 0 and below 1");
}
