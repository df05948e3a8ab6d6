// MinibatchStddev: the channel by hand, groups, gradients, and that it tells a collapsed batch from a varied one.
#include <tinygan/nn/minibatch_stddev.hpp>

#include <tinygan/autograd/check_grads.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;

TEST_CASE("MinibatchStddev: one more channel with the mean standard deviation of the sample's group") {
  nn::MinibatchStddev<double> layer(2);
  // Groups of two samples, N/g = 2 apart: (0, 2) and (1, 3). Two features each.
  const Variable<double> x(Tensor<double>::from({0, 4, 5, 5, 2, 8, 5, 5}, {4, 2}));
  CHECK(layer.output_shape({4, 2}) == Shape{4, 3});
  const Array y = array(layer(x));
  const double varied = (std::sqrt(1 + 1e-8) + std::sqrt(4 + 1e-8)) / 2, same = std::sqrt(1e-8);
  const Array expected{0, 4, varied, 5, 5, same, 2, 8, varied, 5, 5, same};
  REQUIRE(y.size() == expected.size());
  for (std::size_t i = 0; i < y.size(); ++i) CHECK(std::fabs(y[i] - expected[i]) < 1e-14);
  Generator random(1);
  CHECK(array(layer(x, nn::Pass::train(random))) == y);
}

TEST_CASE("MinibatchStddev: images keep their channels; the new one is constant within an image") {
  nn::MinibatchStddev<float> layer;
  const Variable<float> x = random_tensor<float>({8, 3, 2, 5}, 1);
  const Variable<float> y = layer(x);
  REQUIRE(y.shape() == Shape{8, 3, 2, 6});
  CHECK(layer.output_shape(x.shape()) == y.shape());
  CHECK(same_bits(ops::slice(y, -1, 0, 5).value(), x.value()));
  const Array spread = array(ops::slice(y, -1, 5, 6));
  for (std::size_t i = 0; i < spread.size(); ++i) {
    CHECK(spread[i] > 0);
    CHECK(spread[i] == spread[i / 6 % 2 * 6]);  // groups of 4: images 0, 2, 4, 6 and 1, 3, 5, 7
  }
  Tensor<float> repeated(x.shape());
  for (index_t i = 0; i < 8; ++i)
    for (index_t k = 0; k < 30; ++k) repeated.data()[i * 30 + k] = x.value().data()[k];
  for (const double v : array(ops::slice(layer(repeated), -1, 5, 6))) CHECK(std::fabs(v - 1e-4) < 1e-9);
}

TEST_CASE("MinibatchStddev: a small batch is one group; other sizes are errors") {
  nn::MinibatchStddev<float> layer(4);
  for (const index_t n : {1, 2, 3, 4, 8, 12}) CHECK(layer.output_shape({n, 5}) == Shape{n, 6});
  CHECK(error_of([&] {
          layer(random_tensor<float>({6, 5}, 1));
        }) == "minibatch_stddev: a batch of 6, expected at most 4 or a multiple of it");
  CHECK(error_of([&] { layer(random_tensor<float>({6}, 1)); }) ==
        "minibatch_stddev: input (6,) has rank 1, expected at least 2");
  CHECK(error_of([] { nn::MinibatchStddev<float>(1); }) == "minibatch_stddev: groups of 1, expected at least 2");
}

TEST_CASE("MinibatchStddev: gradients to second order") {
  nn::MinibatchStddev<double> layer(3);
  const auto f = [&](const std::vector<Variable<double>>& v) { return layer(v[0]); };
  CHECK_NOTHROW(check_grads<double>(f, {random_tensor<double>({6, 2, 2, 2}, 1)}, {.order = 2}));
}

TEST_CASE("MinibatchStddev of bfloat16 is computed in float and rounded once") {
  nn::MinibatchStddev<float> wide;
  nn::MinibatchStddev<bfloat16> narrow;
  const Tensor<bfloat16> x =
      cast<bfloat16>(random_tensor<float>({4, 3, 3, 2}, 1).to(Device::emulated()));  // the CPU has no such kernels
  CHECK(same_bits(cast<bfloat16>(wide(cast<float>(x)).value()), narrow(x).value()));
}
