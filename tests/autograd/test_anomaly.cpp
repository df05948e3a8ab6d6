// AnomalyScope: the first op with a value that is not finite.
#include <limits>

#include <tinygan/autograd/anomaly.hpp>
#include <tinygan/nn/normalisation.hpp>
#include <tinygan/ops/norms.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;

namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

}  // namespace

TEST_CASE("an anomaly scope names the op, the operand and the element") {
  const Variable<float> x = Tensor<float>::from({1, 2, 3, 4, not_a_number, 6}, {2, 3});
  CHECK(error_of([&] { ops::relu(x * 2.0f); }) == "");
  const AnomalyScope anomalies;
  CHECK(error_of([&] { ops::relu(x * 2.0f); }) == "affine: input 0 (leaf) holds nan at (1, 1) of (2, 3)");
  const Variable<float> zero = Tensor<float>::scalar(0);
  CHECK(error_of([&] { ops::log(zero); }) == "log: from finite inputs, the result holds -inf at () of ()");
  CHECK(error_of([&] { 1.0f - ops::reciprocal(zero); }) ==
        "reciprocal: from finite inputs, the result holds inf at () of ()");
  CHECK(error_of([&] { ops::exp(zero); }) == "");
}

TEST_CASE("values from before the scope are named by the op that computed them") {
  const Variable<float> before = ops::log(Variable<float>(Tensor<float>::zeros({2})));
  const AnomalyScope anomalies;
  CHECK(error_of([&] { before + 1.0f; }) == "affine: input 0 (log) holds -inf at (0) of (2,)");
}

TEST_CASE("an anomaly scope names the rule whose gradient is not finite") {
  const Variable<double> x(Tensor<double>::zeros({2}), true);
  const Variable<double> y = ops::sum(ops::sqrt(x));
  CHECK(error_of([&] { grad(y, {x}, {.retain_graph = true}); }) == "");
  const AnomalyScope anomalies;
  CHECK(error_of([&] { grad(y, {x}); }) ==
        "grad: in the rule of 'sqrt': div: from finite inputs, the result holds inf at (0) of (2,)");
  const Variable<double> own = record<double>("own", Tensor<double>::scalar(0), {x}, [](const Backward<double>&) {
    return std::vector<Variable<double>>{Tensor<double>::full({2}, std::numeric_limits<double>::infinity())};
  });
  CHECK(error_of([&] { grad(own, {x}); }) == "grad: the gradient of 'own' by input 0 holds inf at (0) of (2,)");
}

TEST_CASE("scopes nest, and end") {
  CHECK_FALSE(detecting_anomalies());
  {
    const AnomalyScope outer;
    { const AnomalyScope inner; }
    CHECK(detecting_anomalies());
  }
  CHECK_FALSE(detecting_anomalies());
}

TEST_CASE("in an anomaly scope a batch normalisation that was never trained says so") {
  nn::BatchNorm<float> layer(2);
  const Variable<float> x(random_tensor<float>({4, 2}, 1));
  CHECK(error_of([&] { layer(x, nn::Pass::infer()); }) == "");
  const AnomalyScope anomalies;
  CHECK(error_of([&] { layer(x, nn::Pass::infer()); }) == "batch_norm: inference with the initial running statistics, "
                                                          "mean 0 and variance 1: train the model or load its weights "
                                                          "first");
  Generator random(1);
  layer(x, nn::Pass::train(random));
  CHECK(error_of([&] { layer(x, nn::Pass::infer()); }) == "");
}
