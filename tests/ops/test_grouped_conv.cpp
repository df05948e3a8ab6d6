#include "ops/cases/grouped_conv.hpp"

#include "support/check_ops.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;

TEST_CASE("grouped and depthwise convolution") { check_ops(grouped_conv_cases()); }
TEST_CASE("grouped and depthwise convolution have cases") {
  check_coverage("grouped_conv.hpp", grouped_conv_cases(),
                 {"depthwise_conv2d", "depthwise_conv2d_input_grad", "depthwise_conv2d_weight_grad"});
}

TEST_CASE("grouped convolution names what does not fit") {
  const auto zeros = [](const Shape& s) { return Variable<float>(Tensor<float>::zeros(s)); };
  const Variable<float> x = zeros({1, 4, 4, 6});
  CHECK(error_of([&] {
          ops::depthwise_conv2d(x, zeros({3, 3, 4}), {});
        }) == "depthwise_conv2d: input (1, 4, 4, 6) and filter (3, 3, 4), expected (N, H, W, C) and (R, S, C)");
  CHECK(error_of([&] {
          ops::grouped_conv2d(x, zeros({3, 3, 2, 4}), 3, {});
        }) == "grouped_conv2d: 3 groups of 6 channels to 4, expected a divisor of both");
  CHECK(error_of([&] {
          ops::grouped_conv2d(x, zeros({3, 3, 6, 4}), 2, {});
        }) == "grouped_conv2d: filter (3, 3, 6, 4) for input (1, 4, 4, 6) in 2 groups, expected (R, S, 3, K)");
  CHECK(error_of([&] { ops::depthwise_conv2d(x, {}, {}); }) ==
        "depthwise_conv2d: filter is empty: default-constructed or moved from, expected a variable with a value");
}
