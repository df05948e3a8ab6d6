// GroupNorm and InstanceNorm against their definition, with derivatives to second order.
#include <tinygan/nn/group_norm.hpp>

#include <tinygan/autograd/check_grads.hpp>
#include <tinygan/nn/normalisation.hpp>

#include "support/check_ops.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;

namespace {

/// gamma (x - mean) / sqrt(variance + eps) + beta by plain ops: x as (N, positions, groups, size).
Variable<double> definition(const Variable<double>& x, index_t groups, const Variable<double>& gamma,
                            const Variable<double>& beta, double epsilon) {
  const index_t N = x.shape()[0], C = x.shape()[-1];
  const Variable<double> by_group = ops::reshape(x, {N, x.size() / (N * C), groups, C / groups});
  const Variable<double> deviation = by_group - ops::mean(by_group, {1, 3}, true);
  const Variable<double> variance = ops::variance(by_group, {1, 3}, true);
  return ops::reshape(deviation / ops::sqrt(variance + epsilon), x.shape()) * gamma + beta;
}

}  // namespace

TEST_CASE("GroupNorm: statistics of each image and group of channels") {
  for (const Device device : devices())
    for (const index_t groups : {1, 2, 6}) {
      CAPTURE(text(device), groups);
      nn::GroupNorm<float> layer(groups, 6);
      layer.parameters()[0].set_value(random_tensor<float>({6}, 2));
      layer.parameters()[1].set_value(random_tensor<float>({6}, 3));
      const Variable<float> gamma = layer.parameters()[0].value().clone(), beta = layer.parameters()[1].value().clone();
      layer.to(device);
      const Variable<float> x(random_tensor<float>({2, 4, 3, 6}, 1).to(device));
      const Variable<float> y = layer(x);
      CHECK(y.shape() == layer.output_shape(x.shape()));
      check_rounded<float>(array(y), definition(in_double(x), groups, in_double(gamma), in_double(beta), 1e-5));
    }
}

TEST_CASE("InstanceNorm is GroupNorm with one channel in a group, without parameters") {
  nn::InstanceNorm<float> layer(3);
  CHECK(layer.parameter_count() == 0);
  nn::GroupNorm<float> groups(3, 3);
  const Variable<float> x(random_tensor<float>({2, 5, 4, 3}, 1));
  CHECK(same_bits(layer(x).value(), groups(x).value()));
  CHECK(nn::InstanceNorm<float>(3, {.affine = true}).parameter_count() == 6);
}

TEST_CASE("derivatives of GroupNorm to second order") {
  nn::GroupNorm<double> layer(2, 4);
  REQUIRE_NOTHROW(check_grads<double>([&](const auto& x) { return layer(x[0]); }, {random_tensor<double>({2, 3, 4}, 1)},
                                      {.order = 2}));
}

TEST_CASE("GroupNorm names what does not fit") {
  CHECK(error_of([] { nn::GroupNorm<float>(4, 6); }) ==
        "group_norm: 4 groups of 6 channels, expected a divisor of them");
  CHECK(error_of([] { nn::GroupNorm<float>(2, 6, {.epsilon = 0}); }) == "group_norm: epsilon 0, expected above 0");
  nn::InstanceNorm<float> layer(3);
  CHECK(error_of([&] { layer.output_shape({2, 4, 4}); }) == "instance_norm: input (2, 4, 4), expected (N, .., 3)");
  CHECK(error_of([&] {
          layer.output_shape({2, 1, 3});
        }) == "instance_norm: input (2, 1, 3) has one value in a group, statistics need at least 2");
  CHECK(nn::GroupNorm<float>(2, 4).details() == "2 groups");
}
