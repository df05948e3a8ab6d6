#include "ops/cases/matmul.hpp"

#include "support/check_ops.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;

TEST_CASE("matrix products, plain and fused") { check_ops(matmul_cases()); }
TEST_CASE("matmul has cases") { check_coverage("matmul.hpp", matmul_cases()); }

TEST_CASE("matmul names what does not fit") {
  const Variable<float> a(Tensor<float>::zeros({2, 3})), b(Tensor<float>::zeros({4, 5})), v(Tensor<float>::zeros({3}));
  CHECK(support::error_of([&] { ops::matmul(a, b); }) == "matmul: inner extents of (2, 3) and (4, 5) differ");
  CHECK(support::error_of([&] {
          ops::matmul(a, b, {true, false});
        }) == "matmul: inner extents of (2, 3) (transposed) and (4, 5) differ");
  CHECK(support::error_of([&] { ops::matmul(a, v); }) == "matmul: shapes (2, 3) and (3,), expected two matrices");
  CHECK(support::error_of([&] { ops::matmul(a, a, {false, true}, {v}); }) == "matmul: bias (3,), expected (2,)");
  CHECK(support::error_of([&] {
          ops::matmul(a, a, {false, true}, {{}, Activation::leaky_relu(-1)});
        }) == "matmul: slope -1, expected at least 0");
}
