// Layers of conditional networks: values by hand, gradients, and what happens without labels.
#include <tinygan/nn/conditional.hpp>

#include <tinygan/autograd/check_grads.hpp>
#include <tinygan/nn/losses.hpp>
#include <tinygan/nn/sequential.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;

namespace {

/// A pass over samples of these classes.
template <class T>
nn::Pass of_classes(const std::vector<int>& labels, index_t classes, nn::Pass pass = nn::Pass::infer()) {
  return pass.with_labels(Variable<T>(nn::one_hot<T>(labels, classes)));
}

}  // namespace

TEST_CASE("AddLabels: the one-hot labels of the pass behind the input") {
  nn::AddLabels<float> layer(3);
  const Variable<float> x(Tensor<float>::from({7, 8, 9, 10}, {2, 2}));
  CHECK(layer.output_shape(x.shape()) == Shape{2, 5});
  CHECK(array(layer(x, of_classes<float>({2, 0}, 3))) == Array{7, 8, 0, 0, 1, 9, 10, 1, 0, 0});
}

TEST_CASE("Projection: x kernel + bias + <x, embedding[label]>") {
  Generator random(1);
  nn::Projection<double> layer(2, 3, {}, random);
  layer.kernel().set_value(Tensor<double>::from({2, -1}, {2, 1}));
  layer.embedding().set_value(Tensor<double>::from({1, 1, 10, 0, 0, 100}, {3, 2}));
  layer.named_parameters()[1].variable.set_value(Tensor<double>::from({0.5}, {1}));
  const Variable<double> x(Tensor<double>::from({3, 4, 3, 4, 3, 4}, {3, 2}));
  CHECK(array(layer(x, of_classes<double>({0, 1, 2}, 3))) == Array{2.5 + 7, 2.5 + 30, 2.5 + 400});
  CHECK(layer.output_shape({3, 2}) == Shape{3, 1});
  CHECK(layer.parameter_count() == 2 + 1 + 6);
  CHECK(nn::Projection<double>(2, 3, {.bias = false}, random).parameter_count() == 2 + 6);
}

TEST_CASE("Projection: gradients to second order, with spectral norm in a frozen pass too") {
  for (const bool spectral_norm : {false, true}) {
    Generator random(1);
    nn::Projection<double> layer(3, 2, {.spectral_norm = spectral_norm}, random);
    CHECK(layer.named_buffers().size() == (spectral_norm ? 2 : 0));
    const nn::Pass pass = of_classes<double>({1, 0, 1}, 2, nn::Pass::train(random).frozen());
    const auto f = [&](const std::vector<Variable<double>>& v) { return ops::square(layer(v[0], pass)); };
    CHECK_NOTHROW(check_grads<double>(f, {random_tensor<double>({3, 3}, 1)}, {.order = 2}));
  }
}

TEST_CASE("gradients reach the embeddings of the classes in the batch, and no others") {
  Generator random(2);
  nn::Projection<double> layer(2, 3, {}, random);
  const Variable<double> y = layer(random_tensor<double>({2, 2}, 1), of_classes<double>({2, 2}, 3));
  const Array slope = array(grad(ops::sum(y), {layer.embedding()})[0]);
  for (std::size_t i = 0; i < 6; ++i) CHECK((slope[i] != 0) == (i >= 4));
}

TEST_CASE("a pass without labels, with too few, or of another number of classes, is an error that says so") {
  Generator random(1);
  nn::AddLabels<float> add(3);
  nn::Projection<float> projection(2, 3, {}, random);
  const Variable<float> x = random_tensor<float>({4, 2}, 1);
  CHECK(error_of([&] { add(x); }) == "add_labels: the pass has no labels, expected one-hot rows (4, 3)");
  CHECK(error_of([&] { projection(x); }) == "projection: the pass has no labels, expected one-hot rows (4, 3)");
  CHECK(error_of([&] {
          add(x, of_classes<float>({1, 2}, 3));
        }) == "add_labels: labels (2, 3), expected one-hot rows (4, 3)");
  CHECK(error_of([&] {
          projection(x, of_classes<float>({1, 2, 0, 1}, 5));
        }) == "projection: labels (4, 5), expected one-hot rows (4, 3)");
  CHECK(error_of([&] { add.output_shape({4, 2, 2}); }) == "add_labels: input (4, 2, 2), expected (N,C)");
  CHECK(error_of([&] { projection.output_shape({4, 3}); }) == "projection: input (4, 3), expected (N, 2)");
  CHECK(error_of([] { nn::AddLabels<float>(0); }) == "add_labels: 0 classes, expected at least 1");
  CHECK(error_of([&] { nn::Projection<float>(0, 3, {}, random); }) ==
        "projection: 0 inputs and 3 classes, expected at least 1");
}

TEST_CASE("labels of a pass are fp32 for layers of bfloat16") {
  Generator random(3);
  nn::Projection<bfloat16> layer(4, 2, {.spectral_norm = true}, random);
  layer.to(Device::emulated());  // the CPU has no kernels for bfloat16
  const Tensor<float> x = random_tensor<float>({3, 4}, 1).to(Device::emulated());
  const Tensor<float> labels = nn::one_hot<float>(std::vector<int>{0, 1, 1}, 2, Device::emulated());
  const Variable<bfloat16> y = layer(cast<bfloat16>(x), nn::Pass::infer().with_labels(Variable<float>(labels)));
  CHECK(y.shape() == Shape{3, 1});
  for (const double v : array(y)) CHECK(std::isfinite(v));
}
