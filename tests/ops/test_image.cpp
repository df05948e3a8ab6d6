#include "ops/cases/image.hpp"

#include <cmath>

#include "support/check_ops.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;

TEST_CASE("translation and cutout of images") { check_ops(image_cases()); }
TEST_CASE("every op of images has a case") { check_coverage("image.hpp", image_cases()); }

TEST_CASE("a translation moves down and to the right, a cutout erases a NaN") {
  const Variable<float> x(Tensor<float>::from({1.0f, 2.0f, 3.0f, 4.0f}, {1, 2, 2, 1}));
  const auto at = [](std::int32_t row, std::int32_t column) {
    return Tensor<std::int32_t>::from({row, column}, {1, 2});
  };
  CHECK(array(ops::translate(x, at(1, 0))) == Array{0, 0, 1, 2});
  CHECK(array(ops::translate(x, at(0, 1))) == Array{0, 1, 0, 3});
  CHECK(array(ops::translate(x, at(-1, -1))) == Array{4, 0, 0, 0});
  const Variable<float> nan(Tensor<float>::full({1, 2, 2, 1}, NAN));
  for (const double v : array(ops::cutout(nan, at(-1, -1), 3, 3))) CHECK(v == 0);
}

TEST_CASE("offsets that change between the forward and the backward pass are an error") {
  const Variable<float> x(Tensor<float>::full({1, 2, 2, 1}, 1.0f), true);
  Tensor<std::int32_t> offsets = Tensor<std::int32_t>::zeros({1, 2});
  const Variable<float> y = ops::translate(x, offsets);
  offsets.copy_from(std::vector<std::int32_t>{1, 1});
  CHECK_THROWS_AS(grad(ops::sum(y), {x}), Error);
}

TEST_CASE("ops of images name what does not fit") {
  const Variable<float> x(Tensor<float>::zeros({3, 2, 2, 1})), row(Tensor<float>::zeros({3, 2}));
  const Tensor<std::int32_t> two = Tensor<std::int32_t>::zeros({2, 2}), three = Tensor<std::int32_t>::zeros({3, 2});
  CHECK(support::error_of([&] { ops::translate(row, three); }) ==
        "translate: input (3, 2) has rank 2, expected 4 (N,H,W,C)");
  CHECK(support::error_of([&] { ops::translate(x, two); }) ==
        "translate: offsets (2, 2), expected (3, 2), a row and a column for each image");
  CHECK(support::error_of([&] { ops::translate(x, Tensor<std::int32_t>{}); }) ==
        "translate: offsets are empty, expected a tensor");
  CHECK(support::error_of([&] { ops::cutout(x, two, 1, 1); }) ==
        "cutout: corners (2, 2), expected (3, 2), a row and a column for each image");
  CHECK(support::error_of([&] { ops::cutout(x, three, 0, 1); }) == "cutout: a window of 0x1, expected at least 1x1");
}
