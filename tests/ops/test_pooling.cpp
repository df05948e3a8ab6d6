#include "ops/cases/pooling.hpp"

#include "support/check_ops.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;

TEST_CASE("pooling and upsampling") { check_ops(pooling_cases()); }
TEST_CASE("every pooling op has a case") { check_coverage("pooling.hpp", pooling_cases()); }

TEST_CASE("max_pool2d gives the cotangent to the first of equal maxima") {
  const Variable<double> x(Tensor<double>::full({1, 2, 2, 1}, 5.0), true);
  CHECK(array(grad(ops::max_pool2d(x, {}), {x})[0]) == Array{1, 0, 0, 0});
}

TEST_CASE("max_pool2d of values below zero does not see the padding") {
  const Variable<float> x(Tensor<float>::full({1, 3, 3, 1}, -2.0f));
  for (double v : array(ops::max_pool2d(x, {.padding = Padding::same()}))) CHECK(v == -2);
}

TEST_CASE("pooling names what does not fit") {
  const Variable<float> x(Tensor<float>::zeros({1, 3, 3, 2})), flat(Tensor<float>::zeros({3, 3}));
  CHECK(support::error_of([&] { ops::max_pool2d(flat, {}); }) ==
        "max_pool2d: input (3, 3) has rank 2, expected 4 (N,H,W,C)");
  CHECK(support::error_of([&] { ops::max_pool2d(x, {.window_h = 0}); }) ==
        "max_pool2d: window 0x2, expected at least 1x1");
  CHECK(support::error_of([&] { ops::average_pool2d(x, {.stride_w = 0}); }) ==
        "average_pool2d: stride 2x0, expected at least 1x1");
  CHECK(support::error_of([&] { ops::max_pool2d(x, {.window_h = 4}); }) ==
        "max_pool2d: kernel extent 4 is larger than the padded input extent 3");
  CHECK(support::error_of([&] { ops::max_pool2d(x, {.padding = Padding::all(2)}); }) ==
        "max_pool2d: padding is not smaller than the window 2x2");
  CHECK(support::error_of([&] { ops::upsample2d(x, 0, 1); }) == "upsample2d: scale 0x1, expected at least 1x1");
  CHECK(support::error_of([&] { ops::upsample2d(flat, 2, 2); }) ==
        "upsample2d: input (3, 3) has rank 2, expected 4 (N,H,W,C)");
}
