// BatchNorm as a layer: running statistics in both conventions, and what each mode may and may not touch.
#include <tinygan/nn/normalisation.hpp>
#include <tinygan/nn/sequential.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;
using V = Variable<float>;

namespace {

/// Two channels: means 3 and 0, biased variances 4 and 8/3, unbiased 6 and 4.
V batch() { return Tensor<float>::from({1, -2, 3, 0, 5, 2}, {3, 2}).reshape({3, 1, 1, 2}); }

/// A mean over 3 rows of numbers of mean size 3 at most, a product or two, a quotient and a sum: 3 + 8 roundings.
void check_near(const Array& found, const Array& expected, double u = unit_roundoff<float>) {
  check_elements(
      found, [&](index_t i) { return expected[static_cast<std::size_t>(i)]; },
      [&](index_t i) { return (3 + 8) * u * std::max(3.0, std::fabs(expected[static_cast<std::size_t>(i)])); });
}
void check_near(const Variable<float>& v, const Array& expected) { check_near(array(v), expected); }

}  // namespace

TEST_CASE("running statistics in Keras' convention") {
  nn::BatchNorm<float> layer(2, {.momentum = 0.9});
  Generator random;
  layer(batch(), nn::Pass::train(random));
  check_near(layer.buffers()[0], {0.3, 0});
  check_near(layer.buffers()[1], {0.9 + 0.1 * 8.0 / 3, 0.9 + 0.1 * 8.0 / 3});
  layer(batch(), nn::Pass::train(random));
  check_near(layer.buffers()[0], {0.57, 0});
}

TEST_CASE("running statistics in PyTorch's convention") {
  nn::BatchNorm<float> layer(2, nn::BatchNormOptions::torch());
  Generator random;
  layer(batch(), nn::Pass::train(random));
  check_near(layer.buffers()[0], {0.3, 0});
  check_near(layer.buffers()[1], {0.9 + 0.1 * 4, 0.9 + 0.1 * 4});
}

TEST_CASE("a pass may bring its own momentum: 0 takes the batch's statistics as they are") {
  nn::BatchNorm<float> layer(2);
  Generator random;
  nn::Pass pass = nn::Pass::train(random);
  pass.momentum = 0;
  layer(batch(), pass);
  check_near(layer.buffers()[0], {3, 0});
  check_near(layer.buffers()[1], {8.0 / 3, 8.0 / 3});
  CHECK(pass.frozen().momentum == 0);
}

TEST_CASE("the defaults are Keras': momentum 0.99, epsilon 1e-3") {
  nn::BatchNorm<float> layer(2);
  Generator random;
  layer(batch(), nn::Pass::train(random));
  check_near(layer.buffers()[0], {0.03, 0});
  nn::BatchNorm<double> one(1);
  const Variable<double> y = one(Variable<double>(Tensor<double>::from({1.0, 3.0}, {2, 1})), nn::Pass::train(random));
  check_near(array(y), {-1 / std::sqrt(1.001), 1 / std::sqrt(1.001)}, unit_roundoff<double>);
}

TEST_CASE("training normalises by the batch, inference by the running statistics") {
  nn::BatchNorm<float> layer(2, {.epsilon = 1e-7});
  Generator random;
  const double side = 2 / std::sqrt(8.0 / 3 + 1e-7);
  check_near(layer(batch(), nn::Pass::train(random)), {-side, -side, 0, 0, side, side});
  layer.buffers()[0].set_value(Tensor<float>::from({1, 2}, {2}));
  layer.buffers()[1].set_value(Tensor<float>::from({4, 16}, {2}));
  check_near(layer(batch(), nn::Pass::infer()), {0, -1, 1, -0.5, 2, 0});
}

TEST_CASE("an inference result does not depend on its batch mates") {
  nn::BatchNorm<float> layer(3, {.activation = Activation::leaky_relu(0.2)});
  Generator random;
  layer(V(random_tensor<float>({8, 2, 2, 3}, 1)), nn::Pass::train(random));
  const Tensor<float> x = random_tensor<float>({5, 2, 2, 3}, 2);
  const Tensor<float> together = layer(V(x), nn::Pass::infer()).value();
  for (index_t i = 0; i < 5; ++i)
    CHECK(same_bits(together.rows(i, i + 1), layer(V(x.rows(i, i + 1).clone()), nn::Pass::infer()).value()));
  CHECK_FALSE(same_bits(layer(V(x), nn::Pass::train(random)).value(), together));
}

TEST_CASE("inference and a frozen training pass leave the statistics bit for bit") {
  nn::BatchNorm<float> layer(2);
  Generator random;
  layer(batch(), nn::Pass::train(random));
  const auto before = snapshot(layer.buffers());
  layer(batch(), nn::Pass::infer());
  const Tensor<float> frozen = layer(batch(), nn::Pass::train(random).frozen()).value();
  CHECK(same_bits(before, snapshot(layer.buffers())));
  const Tensor<float> trained = layer(batch(), nn::Pass::train(random)).value();
  CHECK(same_bits(frozen, trained));  // both by the batch
  CHECK_FALSE(same_bits(before, snapshot(layer.buffers())));
}

TEST_CASE("batch_norm layers name what does not fit") {
  nn::BatchNorm<float> layer(2);
  Generator random;
  CHECK(error_of([&] {
          layer(V(Tensor<float>::zeros({2, 3})), nn::Pass::train(random));
        }) == "batch_norm: gamma has shape (2,), input (2, 3) expects (3,)");
  CHECK(error_of([&] {
          layer(V(Tensor<float>::zeros({1, 2})), nn::Pass::train(random));
        }) == "batch_norm: input (1, 2) has one value per channel, statistics need at least 2");
  CHECK(error_of([&] { layer.output_shape({4, 3}); }) == "batch_norm: input (4, 3), expected (..., 2)");
  CHECK(error_of([] { nn::BatchNorm<float>(0); }) == "batch_norm: 0 channels, expected at least 1");
  CHECK(error_of([] { nn::BatchNorm<float>(2, {.epsilon = 0}); }) == "batch_norm: epsilon 0, expected above 0");
  CHECK(error_of([] { nn::BatchNorm<float>(2, {.momentum = 1.5}); }) == "batch_norm: momentum 1.5, expected 0 to 1");
}

TEST_CASE(
    "inference before any training scales by gamma / sqrt(1 + eps), and the layer knows its statistics are the first") {
  nn::BatchNorm<float> layer(2);
  CHECK(layer.has_initial_statistics());
  const Array x = array(batch()), y = array(layer(batch(), nn::Pass::infer()));
  Array scaled;
  for (const double v : x) scaled.push_back(v / std::sqrt(1.001));
  check_near(y, scaled);
  CHECK(layer.has_initial_statistics());
  Generator random;
  layer(batch(), nn::Pass::train(random));
  CHECK_FALSE(layer.has_initial_statistics());
}

TEST_CASE("a pass's momentum outside [0, 1] is refused, and the statistics stay") {
  nn::BatchNorm<float> layer(2);
  Generator random;
  const auto before = snapshot(layer.buffers());
  nn::Pass pass = nn::Pass::train(random);
  for (const auto& [momentum, shown] : {std::pair{1.5, "1.5"}, std::pair{std::nan(""), "nan"}}) {
    pass.momentum = momentum;
    CHECK(error_of([&] { layer(batch(), pass); }) ==
          std::string("batch_norm: momentum ") + shown + " of the pass, expected 0 to 1");
  }
  CHECK(same_bits(before, snapshot(layer.buffers())));
}
