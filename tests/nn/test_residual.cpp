// Residual against plain ops, and what it refuses.
#include <tinygan/nn/residual.hpp>

#include <tinygan/autograd/check_grads.hpp>
#include <tinygan/nn/activations.hpp>
#include <tinygan/nn/dense.hpp>
#include <tinygan/nn/normalisation.hpp>

#include "support/check_ops.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;

TEST_CASE("Residual: its layers' output added to the input") {
  for (const Device device : devices()) {
    CAPTURE(text(device));
    Generator random(1), same(1);
    nn::Residual layer(nn::Dense(4, 6, {}, random), nn::Tanh(), nn::Dense(6, 4, {}, random));
    nn::Sequential body(nn::Dense(4, 6, {}, same), nn::Tanh(), nn::Dense(6, 4, {}, same));
    layer.to(device);
    body.to(device);
    const Variable<float> x(random_tensor<float>({2, 3, 4}, 1).to(device));
    CHECK(same_bits(layer(x).value(), (x + body(x)).value()));
    CHECK(layer.output_shape(x.shape()) == x.shape());
  }
}

TEST_CASE("Residual: its layers see the pass, and are trained, named and moved with it") {
  Generator random(1);
  nn::Residual layer(nn::Dense(4, 4, {.bias = false}, random), nn::BatchNorm(4));
  const Variable<float> x(random_tensor<float>({8, 4}, 1));
  CHECK(array(layer(x, nn::Pass::train(random))) != array(layer(x)));
  CHECK(layer.normalises_over_batch());
  CHECK_FALSE(nn::Residual(nn::LayerNorm(4)).normalises_over_batch());
  const auto named = layer.named_parameters();
  REQUIRE(named.size() == 3);
  CHECK(named[0].name == "body.dense.kernel");
  CHECK(layer.details() == "dense, batch_norm");
  const Array before = array(layer(x));
  nn::Residual moved = std::move(layer);
  CHECK(array(moved(x)) == before);
}

TEST_CASE("derivatives of Residual to second order") {
  Generator random(1);
  nn::Residual<double> layer(nn::LayerNorm<double>(4),
                             nn::Dense<double>(4, 4, {.activation = Activation::tanh}, random));
  REQUIRE_NOTHROW(check_grads<double>([&](const auto& x) { return layer(x[0]); }, {random_tensor<double>({2, 3, 4}, 1)},
                                      {.order = 2}));
}

TEST_CASE("Residual names layers that change the shape") {
  nn::Residual layer(nn::Dense(4, 3));
  const std::string message = "residual: input (2, 4) and its layers' output (2, 3), expected the same shape";
  CHECK(error_of([&] { layer(Variable<float>(Tensor<float>::zeros({2, 4}))); }) == message);
  CHECK(error_of([&] { layer.output_shape({2, 4}); }) == message);
}
