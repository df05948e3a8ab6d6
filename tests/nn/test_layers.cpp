// Every layer: its output shape and that of its forward pass, what it computes, and its complaints.
#include <tinygan/nn/activations.hpp>
#include <tinygan/nn/conv2d.hpp>
#include <tinygan/nn/dense.hpp>
#include <tinygan/nn/dropout.hpp>
#include <tinygan/nn/normalisation.hpp>
#include <tinygan/nn/pooling.hpp>
#include <tinygan/nn/reshape.hpp>
#include <tinygan/nn/sequential.hpp>
#include <tinygan/nn/summary.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;
using V = Variable<float>;

namespace {

/// forward(x), after a check that output_shape foretold its shape, in both modes.
V run(nn::Layer<float>& layer, const V& x) {
  Generator random(1);
  INFO(layer.type());
  const V trained = layer(x, nn::Pass::train(random)), y = layer(x, nn::Pass::infer());
  CHECK(layer.output_shape(x.shape()) == trained.shape());
  CHECK(layer.output_shape(x.shape()) == y.shape());
  return y;
}

/// An input of (4,6,6,3), and one of (4,5).
V image() { return random_tensor<float>({4, 6, 6, 3}, 1); }
V rows() { return random_tensor<float>({4, 5}, 1); }

}  // namespace

TEST_CASE("Dense: x kernel + bias, activated") {
  nn::Dense<float> plain(5, 3), fused(5, 3, {.activation = Activation::leaky_relu(0.5)});
  plain.bias().set_value(random_tensor<float>({3}, 2));
  fused.kernel().set_value(plain.kernel().value());
  fused.bias().set_value(plain.bias().value());
  const V x = rows();
  const Variable<double> exact = ops::matmul(in_double(x), in_double(plain.kernel())) + in_double(plain.bias());
  check_rounded<float>(array(run(plain, x)), exact);
  check_rounded<float>(array(run(fused, x)), ops::leaky_relu(exact, 0.5f));
  CHECK(plain.parameter_count() == 18);
  CHECK(nn::Dense<float>(5, 3, {.bias = false}).parameter_count() == 15);
  CHECK(error_of([&] { run(plain, image()); }) == "dense: input (4, 6, 6, 3), expected (.., 5)");
  const V sequences(random_tensor<float>({2, 3, 5}, 4));
  CHECK(run(plain, sequences).shape() == Shape{2, 3, 3});
  CHECK(array(run(plain, sequences)) == array(run(plain, ops::reshape(sequences, {6, 5}))));
  CHECK(error_of([] { nn::Dense<float>(0, 3); }) == "dense: 0 inputs and 3 outputs, expected at least 1");
}

TEST_CASE("Conv2D: shapes, bias, fused activation") {
  using nn::Conv2DOptions;
  nn::Conv2D<float> same(3, 8, {.kernel = 5, .stride = 2, .padding = Padding::same()}), valid(3, 2, {.bias = false});
  CHECK(run(same, image()).shape() == Shape{4, 3, 3, 8});
  CHECK(run(valid, image()).shape() == Shape{4, 4, 4, 2});
  CHECK(same.kernel().shape() == Shape{5, 5, 3, 8});
  CHECK(same.parameter_count() == 608);
  nn::Conv2D<float> depthwise(3, 6, {.groups = 3});
  CHECK(run(depthwise, image()).shape() == Shape{4, 4, 4, 6});
  CHECK(depthwise.kernel().shape() == Shape{3, 3, 1, 6});
  CHECK(depthwise.details() == "3x3, 3 groups");
  CHECK(error_of([] { nn::Conv2D<float>(3, 4, {.groups = 3}); }) ==
        "conv2d: 3 groups of 3 channels to 4, expected a divisor of both");
  CHECK(error_of([] { nn::Conv2DTranspose<float>(3, 3, {.groups = 3}); }) ==
        "conv2d_transpose: 3 groups, expected 1: only conv2d has them");
  CHECK(valid.parameter_count() == 54);
  nn::Conv2D<float> fused(3, 2, {.activation = Activation::leaky_relu(0.25)});
  fused.kernel().set_value(valid.kernel().value());
  const Variable<double> exact = ops::conv2d(in_double(image()), in_double(valid.kernel()), ConvOptions{});
  check_rounded<float>(array(run(valid, image())), exact);
  check_rounded<float>(array(run(fused, image())), ops::leaky_relu(exact, 0.25f));
  CHECK(error_of([&] { run(same, rows()); }) == "conv2d: input (4, 5) has rank 2, expected 4 (N,H,W,C)");
  const auto make = [](index_t in, index_t out, Conv2DOptions o) {
    return error_of([=] { nn::Conv2D<float>(in, out, o); });
  };
  CHECK(make(0, 8, {}) == "conv2d: 0 input and 8 output channels, expected at least 1");
  CHECK(make(3, 8, {.kernel = 0}) == "conv2d: kernel 0x0, expected at least 1x1");
  CHECK(make(3, 8, {.stride = 0}) == "conv2d: stride 0x0, expected at least 1x1");
  CHECK(make(3, 8, {.padding = Padding::all(-1)}) == "conv2d: negative padding (top -1, bottom -1, left -1, right -1)");
}

TEST_CASE("Conv2DTranspose: shapes and the layout of its kernel") {
  using nn::Conv2DOptions;
  nn::Conv2DTranspose<float> same(3, 8, {.kernel = 5, .stride = 2, .padding = Padding::same()});
  CHECK(run(same, image()).shape() == Shape{4, 12, 12, 8});
  CHECK(same.kernel().shape() == Shape{5, 5, 8, 3});
  CHECK(same.parameter_count() == 608);
  Conv2DOptions torch{.stride = 2, .padding = Padding::all(1)};
  torch.output_padding = 1;
  nn::Conv2DTranspose<float> padded(3, 2, torch);
  CHECK(run(padded, image()).shape() == Shape{4, 12, 12, 2});
  torch.output_padding = {1, 0};
  nn::Conv2DTranspose<float> by_axis(3, 2, torch);
  CHECK(run(by_axis, image()).shape() == Shape{4, 12, 11, 2});
  torch.output_padding = {0, 2};
  CHECK(error_of([&] { nn::Conv2DTranspose<float>(3, 2, torch); }) ==
        "conv2d_transpose: output padding 0x2, expected 0 or less than the stride 2x2");
  torch.output_padding = 1;
  CHECK(error_of([&] { nn::Conv2D<float>(3, 2, torch); }) ==
        "conv2d: output padding 1x1, expected 0: only transposed convolutions have one");
  torch.padding = Padding::same();
  CHECK(error_of([&] { nn::Conv2DTranspose<float>(3, 2, torch); }) ==
        "conv2d_transpose: output padding 1 under `same` padding, whose output is the input times the stride; use "
        "explicit padding");
  CHECK(error_of([&] { run(same, rows()); }) == "conv2d_transpose: input (4, 5) has rank 2, expected 4 (N,P,Q,K)");
  CHECK(error_of([] { nn::Conv2DTranspose<float>(3, 0, {}); }) ==
        "conv2d_transpose: 3 input and 0 output channels, expected at least 1");
}

TEST_CASE("padding is valid unless given; a size is one number or two") {
  for (const nn::Conv2DOptions& o : {nn::Conv2DOptions{}, {.kernel = 3}, {.kernel = {3, 3}, .stride = {1, 1}}}) {
    nn::Conv2D<float> down(3, 2, o);
    nn::Conv2DTranspose<float> up(3, 2, o);
    CHECK(down.output_shape({4, 6, 6, 3}) == Shape{4, 4, 4, 2});
    CHECK(up.output_shape({4, 6, 6, 3}) == Shape{4, 8, 8, 2});
  }
  const nn::Conv2D<float> uneven(3, 2, {.kernel = {3, 5}, .stride = {1, 2}, .dilation = {2, 1}});
  CHECK(uneven.kernel().shape() == Shape{3, 5, 3, 2});
  CHECK(uneven.output_shape({4, 6, 9, 3}) == Shape{4, 2, 3, 2});
  CHECK(ConvOptions{}.padding.kind == Padding::Kind::valid);
  CHECK(ops::PoolOptions{}.padding.kind == Padding::Kind::valid);
}

TEST_CASE("activation layers") {
  const V x(Tensor<float>::from({-2, 0, 3}, {1, 3}));
  nn::ReLU<float> relu;
  nn::LeakyReLU<float> leaky(0.25);
  nn::Sigmoid<float> sigmoid;
  nn::Tanh<float> tanh;
  nn::Softmax<float> softmax;
  CHECK(array(run(relu, x)) == Array{0, 0, 3});
  CHECK(array(run(leaky, x)) == Array{-0.5, 0, 3});
  CHECK(array(run(sigmoid, x))[1] == 0.5);
  CHECK(array(run(tanh, x))[1] == 0);
  check_rounded<float>(array(run(softmax, x)), ops::softmax(in_double(x)));
  CHECK(error_of([] { nn::LeakyReLU<float>(-0.1); }) == "leaky_relu: slope -0.1, expected at least 0");
  CHECK(error_of([] { nn::LeakyReLU<float>(std::nan("")); }) == "leaky_relu: slope nan, expected at least 0");
}

TEST_CASE("Flatten and Reshape") {
  nn::Flatten<float> flatten;
  nn::Reshape<float> reshape({2, 54});
  CHECK(run(flatten, image()).shape() == Shape{4, 108});
  CHECK(run(reshape, image()).shape() == Shape{4, 2, 54});
  CHECK(array(run(flatten, image())) == array(image()));
  CHECK(error_of([&] { run(reshape, rows()); }) ==
        "reshape: input (4, 5), expected 108 elements per sample for (2, 54)");
}

TEST_CASE("pooling and upsampling layers") {
  nn::MaxPool2D<float> max;
  nn::AveragePool2D<float> average(3, 2, Padding::same());
  nn::UpSample2D<float> up(3);
  CHECK(run(max, image()).shape() == Shape{4, 3, 3, 3});
  CHECK(run(average, image()).shape() == Shape{4, 3, 3, 3});
  CHECK(run(up, image()).shape() == Shape{4, 18, 18, 3});
  CHECK(error_of([&] { run(max, rows()); }) == "max_pool2d: input (4, 5) has rank 2, expected 4 (N,H,W,C)");
  CHECK(error_of([&] { run(up, rows()); }) == "upsample2d: input (4, 5) has rank 2, expected 4 (N,H,W,C)");
  CHECK(error_of([] { nn::UpSample2D<float>(0); }) == "upsample2d: scale 0, expected at least 1");
  nn::MaxPool2D<float> none(0);
  CHECK(error_of([&] { run(none, image()); }) == "max_pool2d: window 0x0, expected at least 1x1");
}

TEST_CASE("Dropout acts in training only, and takes its numbers from the pass") {
  nn::Dropout<float> layer(0.5);
  const V x(Tensor<float>::full({1000}, 1.0f));
  CHECK(layer(x, nn::Pass::infer()) == x);
  Generator a(1), b(1);
  const Tensor<float> y = layer(x, nn::Pass::train(a)).value();
  for (double v : array(y)) CHECK((v == 0 || v == 2));
  CHECK(same_bits(y, layer(x, nn::Pass::train(b)).value()));
  CHECK_FALSE(same_bits(y, layer(x, nn::Pass::train(b)).value()));
  CHECK(a.draw() == 1);
  CHECK(error_of([] { nn::Dropout<float>(1); }) == "dropout: rate 1, expected at least 0 and below 1");
  CHECK(error_of([] { nn::Dropout<float>(-0.5); }) == "dropout: rate -0.5, expected at least 0 and below 1");
}

TEST_CASE("LayerNorm: rows of mean 0 and variance 1, whatever their batch") {
  nn::LayerNorm<float> layer(5, {.epsilon = 1e-6});
  const V x = rows();
  const Array y = array(run(layer, x));
  Array normal;
  for (std::size_t row = 0; row < 4; ++row) {
    const Array xs = array(x);
    double mean = 0, variance = 0;
    for (std::size_t i = 0; i < 5; ++i) mean += xs[row * 5 + i] / 5;
    for (std::size_t i = 0; i < 5; ++i) variance += std::pow(xs[row * 5 + i] - mean, 2) / 5;
    for (std::size_t i = 0; i < 5; ++i) normal.push_back((xs[row * 5 + i] - mean) / std::sqrt(variance + 1e-6));
  }
  const Variable<double> gamma(Tensor<double>::full({5}, 1.0), true), beta(Tensor<double>::zeros({5}), true);
  const Variable<double> exact = ops::layer_norm_reference(in_double(x), gamma, beta, {.epsilon = 1e-6});
  check_rounded<double>(normal, exact);
  check_rounded<float>(y, exact);
  CHECK(same_bits(run(layer, V(x.value().rows(2, 3).clone())).value(), run(layer, x).value().rows(2, 3)));
  CHECK(error_of([&] { run(layer, image()); }) == "layer_norm: gamma has shape (5,), input (4, 6, 6, 3) expects (3,)");
  CHECK(error_of([] { nn::LayerNorm<float>(3, {.epsilon = HUGE_VAL}); }) ==
        "layer_norm: epsilon inf, expected above 0");
  CHECK(error_of([] { nn::LayerNorm<float>(3, {.epsilon = 0}); }) == "layer_norm: epsilon 0, expected above 0");
}

TEST_CASE("Sequential runs its layers in turn and names them by type and number") {
  Generator random(2);
  nn::Sequential<float> model(nn::Conv2D<float>(3, 4, {.stride = 2, .padding = Padding::same()}, random),
                              nn::ReLU<float>());
  model.add(nn::Conv2D<float>(4, 2, {.padding = Padding::same(), .bias = false}, random))
      .add(nn::BatchNorm<float>(2))
      .add(nn::Flatten<float>())
      .add(nn::Dense<float>(18, 1, {}, random));
  CHECK(run(model, image()).shape() == Shape{4, 1});
  std::vector<std::string> parameters, buffers, layers;
  for (const auto& p : model.named_parameters()) parameters.push_back(p.name);
  for (const auto& b : model.named_buffers()) buffers.push_back(b.name);
  for (const auto& [name, layer] : model.layers()) layers.push_back(name);
  CHECK(parameters == std::vector<std::string>{"conv2d.kernel", "conv2d.bias", "conv2d_1.kernel", "batch_norm.gamma",
                                               "batch_norm.beta", "dense.kernel", "dense.bias"});
  CHECK(buffers == std::vector<std::string>{"batch_norm.moving_mean", "batch_norm.moving_variance"});
  CHECK(layers == std::vector<std::string>{"conv2d", "relu", "conv2d_1", "batch_norm", "flatten", "dense"});
  CHECK(model.parameter_count() == 112 + 72 + 4 + 19);
  CHECK(model.parameters().size() == 7);
  CHECK(error_of([&] { run(model, rows()); }) == "conv2d: input (4, 5) has rank 2, expected 4 (N,H,W,C)");
}

TEST_CASE("an error of a layer after the first says which layer it is") {
  nn::Sequential<float> model(nn::Dense<float>(5, 4), nn::ReLU<float>(), nn::Dense<float>(3, 1));
  const std::string expected = "dense: input (4, 4), expected (.., 3) (layer 2 of the model, dense_1, after relu)";
  CHECK(error_of([&] { model(rows(), nn::Pass::infer()); }) == expected);
  CHECK(error_of([&] { model.output_shape({4, 5}); }) == expected);
  CHECK(error_of([&] { model(image(), nn::Pass::infer()); }) == "dense: input (4, 6, 6, 3), expected (.., 5)");
  nn::Sequential<float> empty;
  CHECK(error_of([&] { empty(rows(), nn::Pass::infer()); }) == "sequential: there are no layers, expected at least 1");
  CHECK(error_of([&] { empty.output_shape({4, 5}); }) == "sequential: there are no layers, expected at least 1");
  CHECK(error_of([&] { model({}, nn::Pass::infer()); }) ==
        "sequential: input is empty: default-constructed or moved from, expected a variable with a value");
}

namespace {

/// What every use of a layer that was moved from throws; what it was moved to works on.
template <class Layer>
void check_moved(Layer layer, const V& x) {
  const Layer fresh = std::move(layer);
  const std::string expected = fresh.type() + ": the module was moved from; use the one that it was moved to";
  CHECK(error_of([&] { layer(x, nn::Pass::infer()); }) == expected);  // NOLINT: moved from on purpose
  CHECK(error_of([&] { nn::summary(layer, x.shape()); }) == expected);
  CHECK(error_of([&] { nn::Sequential<float>().add(std::move(layer)); }) == expected);
  CHECK(layer.parameters().empty());
  CHECK(fresh.output_shape(x.shape()).size() > 0);
}

}  // namespace

TEST_CASE("layers and models that were moved from say so, and can be assigned to") {
  check_moved(nn::Dense<float>(5, 3), rows());
  check_moved(nn::Conv2D<float>(3, 2, {}), image());
  check_moved(nn::Conv2DTranspose<float>(3, 2, {}), image());
  check_moved(nn::BatchNorm<float>(3), image());
  check_moved(nn::LayerNorm<float>(3), image());
  check_moved(nn::Dropout<float>(0.5), rows());
  check_moved(nn::ReLU<float>(), rows());
  check_moved(nn::Softmax<float>(), rows());
  check_moved(nn::Flatten<float>(), image());
  check_moved(nn::Reshape<float>({108}), image());
  check_moved(nn::MaxPool2D<float>(), image());
  check_moved(nn::AveragePool2D<float>(), image());
  check_moved(nn::UpSample2D<float>(), image());
  check_moved(nn::Sequential<float>(nn::Dense<float>(5, 3)), rows());

  nn::Sequential<float> model(nn::Dense<float>(5, 3));
  nn::Sequential<float> other = std::move(model);
  CHECK(error_of([&] { model.add(nn::ReLU<float>()); }) ==
        "sequential: the module was moved from; use the one that it was moved to");
  model = std::move(other);
  CHECK(run(model, rows()).shape() == Shape{4, 3});
}

namespace {

/// y = x w for a weight that other layers may have too.
class Scale : public nn::Layer<float> {
 public:
  explicit Scale(V w) : w_(add_parameter("w", std::move(w))) {}
  V forward(const V& x, const nn::Pass&) override { return x * w_; }
  Shape output_shape(const Shape& x) const override { return x; }
  std::string type() const override { return "scale"; }

 private:
  V w_;
};

}  // namespace

TEST_CASE("a weight that two layers share is one parameter, under two names") {
  const V w(Tensor<float>::full({1}, 3.0f), true), v(Tensor<float>::full({1}, 2.0f), true);
  nn::Sequential<float> model{Scale(w), Scale(v), Scale(w)};
  CHECK(model.named_parameters().size() == 3);
  CHECK(model.named_parameters()[2].name == "scale_2.w");
  CHECK(model.distinct_parameters().size() == 2);
  CHECK(model.parameters() == std::vector<V>{w, v});
  CHECK(model.parameter_count() == 2);
  const V y = ops::sum(model(V(Tensor<float>::full({1}, 1.0f)), nn::Pass::infer()));  // w v w
  CHECK(array(grad(y, model.parameters())[0]) == Array{12});
}

TEST_CASE("a pass does not take a generator that is about to end") {
  const auto takes = []<class G>(G&&) {
    return requires(G && g) { nn::Pass::train(std::forward<G>(g)); };
  };
  Generator random(1);
  CHECK(takes(random));
  CHECK_FALSE(takes(Generator(1)));

  nn::Dropout<float> layer(0.5);
  const auto make_pass = [](std::uint64_t seed) {
    Generator local(seed);
    return nn::Pass::train(local);
  };
  const std::string expected = "dropout: the generator of the pass no longer exists; it must outlive the pass";
  CHECK(error_of([&] { layer(rows(), make_pass(1)); }) == expected);
  CHECK(error_of([&] { layer(rows(), make_pass(1).frozen()); }) == expected);
  nn::Pass by_hand;
  by_hand.training = true;
  by_hand.random = &random;
  CHECK_NOTHROW(layer(rows(), by_hand));
  CHECK(random.draw() == 1);
  random = Generator(2);
  CHECK_NOTHROW(layer(rows(), nn::Pass::train(random)));
}

TEST_CASE("models within models have longer names") {
  nn::Sequential<float> inner(nn::Dense<float>(3, 3)), outer;
  outer.add(std::move(inner)).add(nn::Dense<float>(3, 1));
  CHECK(outer.named_parameters()[0].name == "sequential.dense.kernel");
  CHECK(outer.named_parameters()[2].name == "dense.kernel");
}

TEST_CASE("moving a model to a device that is not there is an error") {
  nn::Dense<float> layer(2, 2);
  CHECK(error_of([&] { layer.to(Device::cuda()); }) ==
        "device cuda:0: this program was built without the cuda:0 backend; link tinygan::cuda (CMake), or compile "
        "kernels/tinygan_cuda.cu with nvcc and link it");
  layer.to(Device::cpu());
  CHECK(layer.kernel().shape() == Shape{2, 2});
}
