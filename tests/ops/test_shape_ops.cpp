#include "ops/cases/shape.hpp"

#include "support/check_ops.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;

TEST_CASE("ops that move elements") { check_ops(shape_cases()); }
TEST_CASE("every op that moves elements has a case") { check_coverage("shape.hpp", shape_cases()); }

TEST_CASE("reshape, flatten and slices of rows copy nothing") {
  const Variable<float> x(random_tensor<float>({4, 2, 3}, 1), true);
  CHECK(ops::reshape(x, {8, 3}).value().shares_storage(x.value()));
  CHECK(ops::flatten(x).value().shares_storage(x.value()));
  CHECK(ops::slice(x, 0, 1, 3).value().data() == x.value().data() + 6);
  CHECK(ops::reshape(x, {4, 2, 3}) == x);
}

TEST_CASE("a variable joined with itself gets every part's cotangent") {
  const Variable<double> x(Tensor<double>::from({1.0, 2.0}, {2}), true);
  const Variable<double> c(Tensor<double>::from({1.0, 2.0, 10.0, 20.0}, {4}));
  CHECK(array(grad(ops::concat<double>({x, x}, 0), {x}, {}, c)[0]) == Array{11, 22});
}

TEST_CASE("ops that move elements name what does not fit") {
  const Variable<float> x(Tensor<float>::zeros({2, 3})), y(Tensor<float>::zeros({2, 4})), s(Tensor<float>::scalar(0));
  CHECK(support::error_of([&] { ops::reshape(x, {7}); }) ==
        "reshape: shape (7,) has 7 elements, expected 6, as (2, 3) has");
  CHECK(support::error_of([&] { ops::slice(x, 1, 2, 4); }) ==
        "slice: [2, 4) of axis 1 of (2, 3), expected a range of at least 1 within [0, 3)");
  CHECK(support::error_of([&] { ops::slice(x, 1, 2, 2); }) ==
        "slice: [2, 2) of axis 1 of (2, 3), expected a range of at least 1 within [0, 3)");
  CHECK(support::error_of([&] { ops::embed(x, 1, 2, 4); }) ==
        "embed: extent 3 of axis 1 of (2, 3) at 2 does not fit in 4");
  CHECK(support::error_of([&] {
          ops::concat<float>({x, y}, 0);
        }) == "concat: shapes (2, 3) and (2, 4) differ beside axis 0");
  CHECK(support::error_of([&] { ops::concat<float>({}, 0); }) == "concat: nothing to join");
  CHECK(support::error_of([&] { ops::permute(x, {0, 0}); }) == "permute: axis 0 is named twice");
  CHECK(support::error_of([&] { ops::permute(x, {0}); }) == "permute: 1 axes for shape (2, 3)");
  CHECK(support::error_of([&] { ops::transpose(s); }) == "transpose: shape () has no two axes");
  CHECK(support::error_of([&] { ops::flatten(s); }) == "flatten: a scalar has no batch axis");
}
