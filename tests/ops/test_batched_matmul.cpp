#include "ops/cases/batched_matmul.hpp"

#include "support/check_ops.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;

TEST_CASE("products of many matrices") { check_ops(batched_matmul_cases()); }
TEST_CASE("products of many matrices have cases") { check_coverage("batched_matmul.hpp", batched_matmul_cases()); }

TEST_CASE("a product of many matrices is each of them by itself") {
  const Variable<float> a(random_tensor<float>({6, 65, 33}, 1)), b(random_tensor<float>({6, 33, 70}, 2));
  const Variable<float> y = ops::batched_matmul(a, b);
  for (index_t i = 0; i < 6; ++i) {
    const Variable<float> one = ops::matmul(Variable<float>(a.value()[i]), Variable<float>(b.value()[i]));
    CHECK(same_bits(y.value()[i], one.value()));
  }
}

TEST_CASE("products of many matrices name what does not fit") {
  const Variable<float> a(Tensor<float>::zeros({2, 3, 4})), b(Tensor<float>::zeros({3, 4, 5})),
      v(Tensor<float>::zeros({4}));
  CHECK(error_of([&] { ops::batched_matmul(a, v); }) == "batched_matmul: shapes (2, 3, 4) and (4,), expected matrices");
  CHECK(error_of([&] { ops::batched_matmul(a, b, {.trans_b = true}); }) ==
        "batched_matmul: inner extents of (2, 3, 4) and (3, 4, 5) (transposed) differ");
  CHECK(error_of([&] { ops::batched_matmul(a, b); }) == "batched_matmul: shapes (2,) and (3,) do not broadcast");
}
