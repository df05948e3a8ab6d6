// Pack: which image goes where, gradients, and batches that do not divide.
#include <tinygan/nn/pack.hpp>

#include <tinygan/autograd/check_grads.hpp>
#include <tinygan/ops/pointwise.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;

TEST_CASE("Pack: images as channels, N/m apart") {
  nn::Pack<float> layer(2);
  const Variable<float> x = random_tensor<float>({6, 2, 3, 4}, 1);
  const Variable<float> y = layer(x);
  REQUIRE(y.shape() == Shape{3, 2, 3, 8});
  CHECK(layer.output_shape(x.shape()) == y.shape());
  for (index_t i = 0; i < 3; ++i)
    for (index_t pixel = 0; pixel < 6; ++pixel)
      for (index_t c = 0; c < 4; ++c) {
        CHECK(y.value().data()[(i * 6 + pixel) * 8 + c] == x.value().data()[(i * 6 + pixel) * 4 + c]);
        CHECK(y.value().data()[(i * 6 + pixel) * 8 + 4 + c] == x.value().data()[((i + 3) * 6 + pixel) * 4 + c]);
      }
}

TEST_CASE("Pack of one image changes nothing") {
  nn::Pack<float> layer(1);
  const Variable<float> x = random_tensor<float>({3, 2, 2, 2}, 1);
  CHECK(same_bits(layer(x).value(), x.value()));
}

TEST_CASE("Pack: gradients to second order") {
  nn::Pack<double> layer(3);
  const auto f = [&](const std::vector<Variable<double>>& v) { return ops::square(layer(v[0])); };
  CHECK_NOTHROW(check_grads<double>(f, {random_tensor<double>({6, 2, 2, 1}, 1)}, {.order = 2}));
}

TEST_CASE("Pack: m divides the batch") {
  nn::Pack<float> layer(4);
  CHECK(error_of([&] {
          layer(random_tensor<float>({6, 2, 2, 1}, 1));
        }) == "pack: a batch of 6 images, expected a multiple of 4");
  CHECK(error_of([&] {
          layer(random_tensor<float>({8, 2}, 1));
        }) == "pack: input (8, 2) has rank 2, expected 4 (N,H,W,C)");
  CHECK(error_of([] { nn::Pack<float>(0); }) == "pack: 0 images, expected at least 1");
}
