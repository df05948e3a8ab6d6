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

TEST_CASE("split and chunk give the slices that concat joins; stack joins along a new axis") {
  const Variable<float> x(random_tensor<float>({2, 6, 3}, 1), true);
  const auto parts = ops::split(x, {1, 2, 3}, 1);
  CHECK(parts[1].shape() == Shape{2, 2, 3});
  CHECK(array(ops::concat(parts, 1)) == array(x));
  CHECK(array(ops::concat(ops::chunk(x, 3, -2), 1)) == array(x));
  const Variable<double> a(Tensor<double>::from({1.0, 2.0}, {2}), true), b(Tensor<double>::from({3.0, 4.0}, {2}), true);
  CHECK(ops::stack<double>({a, b}, 0).shape() == Shape{2, 2});
  CHECK(array(ops::stack<double>({a, b}, 0)) == Array{1, 2, 3, 4});
  CHECK(array(ops::stack<double>({a, b}, -1)) == Array{1, 3, 2, 4});
  const Variable<double> c(Tensor<double>::from({1.0, 2.0, 10.0, 20.0}, {2, 2}));
  CHECK(array(grad(ops::stack<double>({a, b}, 1), {b}, {}, c)[0]) == Array{2, 20});
}

TEST_CASE("ops that move elements name what does not fit") {
  const Variable<float> x(Tensor<float>::zeros({2, 3})), y(Tensor<float>::zeros({2, 4})), s(Tensor<float>::scalar(0));
  CHECK(support::error_of([&] { ops::reshape(x, {7}); }) ==
        "reshape: shape (7,) has 7 elements, expected 6, as (2, 3) has");
  CHECK(support::error_of([&] { ops::slice(x, 1, 2, 4); }) ==
        "slice: [2, 4) of axis 1 of (2, 3), expected a range of at least 1 within [0, 3)");
  CHECK(support::error_of([&] { ops::slice(x, 1, 2, 2); }) ==
        "slice: [2, 2) of axis 1 of (2, 3), expected a range of at least 1 within [0, 3)");
  CHECK(support::error_of([&] { ops::pad(x, 1, -1, 0); }) == "pad: -1 zeros before and 0 after, expected at least 0");
  CHECK(support::error_of([&] {
          ops::split(x, {1, 3}, 1);
        }) == "split: parts of (2, 3) along axis 1, expected extents of at least 1 that add up to 3");
  CHECK(support::error_of([&] { ops::split(x, {1, 1}, 1); }) == "split: parts of 2 along axis 1 of (2, 3), expected 3");
  CHECK(support::error_of([&] { ops::chunk(x, 2, 1); }) ==
        "chunk: 2 parts of axis 1 of (2, 3), expected a divisor of 3");
  CHECK(support::error_of([&] { ops::stack<float>({x, y}, 0); }) == "stack: shapes (2, 3) and (2, 4) differ");
  CHECK(support::error_of([&] {
          ops::stack<float>({x, x}, 3);
        }) == "stack: axis 3 for inputs (2, 3), expected -3 to 2");
  CHECK(support::error_of([&] { ops::stack<float>({}, 0); }) == "stack: nothing to join");
  CHECK(support::error_of([&] {
          ops::concat<float>({x, y}, 0);
        }) == "concat: shapes (2, 3) and (2, 4) differ beside axis 0");
  CHECK(support::error_of([&] { ops::concat<float>({}, 0); }) == "concat: nothing to join");
  CHECK(support::error_of([&] { ops::permute(x, {0, 0}); }) == "permute: axis 0 is named twice");
  CHECK(support::error_of([&] { ops::permute(x, {0}); }) == "permute: 1 axes for shape (2, 3)");
  CHECK(support::error_of([&] { ops::transpose(s); }) == "transpose: shape () has no two axes");
  CHECK(support::error_of([&] { ops::flatten(s); }) == "flatten: a scalar has no batch axis");
}
