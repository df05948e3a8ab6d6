// Virtual batch norm: by hand, no dependence on batch mates, gradients, and a reference batch that is saved.
#include <tinygan/nn/virtual_batch_norm.hpp>

#include <tinygan/autograd/check_grads.hpp>
#include <tinygan/io/weights.hpp>
#include <tinygan/nn/conv2d.hpp>
#include <tinygan/nn/dense.hpp>
#include <tinygan/nn/reshape.hpp>
#include <tinygan/nn/sequential.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;

namespace {

constexpr index_t rows = 5, width = 6;

/// z(N,6) to images (N,6,6,2), normalised twice.
template <class T>
nn::Sequential<T> generator(std::uint64_t seed) {
  Generator random(seed);
  nn::Sequential<T> g;
  g.add(nn::AddReference<T>(random_normal<wide_t<T>>({rows, width}, random)))
      .add(nn::Dense<T>(width, 36, {.bias = false}, random))
      .add(nn::VirtualBatchNorm<T>(36, rows, {.activation = Activation::relu}))
      .add(nn::Reshape<T>({3, 3, 4}))
      .add(nn::Conv2DTranspose<T>(4, 2, {.kernel = 4, .stride = 2, .padding = Padding::same(), .bias = false}, random))
      .add(nn::VirtualBatchNorm<T>(2, rows, {.activation = Activation::tanh}))
      .add(nn::DropReference<T>(rows));
  return g;
}

}  // namespace

TEST_CASE("VirtualBatchNorm: statistics of the reference batch and the sample, by hand") {
  nn::VirtualBatchNorm<double> layer(1, 2, {.epsilon = 1e-9});
  // The reference batch is 1, 3; the samples 8 and 2. With 8: mean 4, variance (9 + 1 + 16) / 3.
  const Array y = array(layer(Variable<double>(Tensor<double>::from({1, 3, 8, 2}, {4, 1}))));
  const double with_8 = 4 / std::sqrt(26.0 / 3 + 1e-9);
  const Array expected{-1 / std::sqrt(1 + 1e-9), 1 / std::sqrt(1 + 1e-9), with_8, 0};
  for (std::size_t i = 0; i < 4; ++i) CHECK(std::fabs(y[i] - expected[i]) < 1e-12);
}

TEST_CASE("VirtualBatchNorm of images: statistics over the pixels of reference and sample") {
  nn::VirtualBatchNorm<double> layer(2, 3);
  const Variable<double> x = random_tensor<double>({5, 2, 3, 2}, 1);
  const Array xs = array(x), y = array(layer(x));
  for (std::size_t sample = 3; sample < 5; ++sample)
    for (std::size_t c = 0; c < 2; ++c) {
      Array union_of;  // 3 reference images and the sample, 6 pixels each
      for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{2}, sample})
        for (std::size_t p = 0; p < 6; ++p) union_of.push_back(xs[(n * 6 + p) * 2 + c]);
      double mean = 0, variance = 0;
      for (const double v : union_of) mean += v / 24;
      for (const double v : union_of) variance += (v - mean) * (v - mean) / 24;
      for (std::size_t p = 0; p < 6; ++p) {
        const double expected = (xs[(sample * 6 + p) * 2 + c] - mean) / std::sqrt(variance + 1e-3);
        CHECK(std::fabs(y[(sample * 6 + p) * 2 + c] - expected) < 1e-12);
      }
    }
}

TEST_CASE("one z makes one image, whatever its batch mates, in training and inference") {
  nn::Sequential<double> g = generator<double>(1);
  Generator random(2);
  const Tensor<double> z = random_tensor<double>({7, width}, 3);
  const Variable<double> all = g(z, nn::Pass::train(random));
  REQUIRE(all.shape() == Shape{7, 6, 6, 2});
  CHECK(g.output_shape({7, width}) == all.shape());
  for (index_t i = 0; i < 7; ++i) {
    const Array alone = array(g(z.rows(i, i + 1).clone())), beside = array(ops::slice(all, 0, i, i + 1));
    // Sums of as many terms in perhaps another order: far below what a batch mate would move.
    for (std::size_t k = 0; k < alone.size(); ++k) CHECK(std::fabs(alone[k] - beside[k]) < 1e-13);
  }
}

TEST_CASE("VirtualBatchNorm: gradients to second order") {
  nn::VirtualBatchNorm<double> layer(2, 2, {.activation = Activation::tanh});
  const auto f = [&](const std::vector<Variable<double>>& v) { return layer(v[0]); };
  CHECK_NOTHROW(check_grads<double>(f, {random_tensor<double>({4, 2, 2, 2}, 1)}, {.order = 2}));
  CHECK_NOTHROW(check_grads<double>(f, {random_tensor<double>({5, 2}, 2)}, {.order = 2}));
}

TEST_CASE("gradients of a generator with a reference batch reach all its parameters") {
  nn::Sequential<double> g = generator<double>(1);
  Generator random(2);
  const Variable<double> y = g(random_tensor<double>({3, width}, 3), nn::Pass::train(random));
  for (const Variable<double>& slope : grad(ops::sum(ops::square(y)), g.parameters())) {
    double sum = 0;
    for (const double v : array(slope)) sum += std::fabs(v);
    CHECK(sum > 0);
  }
}

TEST_CASE("the reference batch is saved in weights files") {
  const support::TemporaryFolder folder;
  nn::Sequential<float> a = generator<float>(1), b = generator<float>(2);
  io::save(folder.path() / "a.safetensors", a);
  io::load(folder.path() / "a.safetensors", b);
  const Tensor<float> z = random_tensor<float>({2, width}, 3);
  CHECK(same_bits(a(z).value(), b(z).value()));
  REQUIRE(a.named_buffers().size() == 1);
  CHECK(a.named_buffers()[0].name == "add_reference.reference");
}

TEST_CASE("VirtualBatchNorm of bfloat16 is computed in float and rounded once") {
  nn::VirtualBatchNorm<float> wide(3, 2, {.activation = Activation::relu});
  nn::VirtualBatchNorm<bfloat16> narrow(3, 2, {.activation = Activation::relu});
  const Device there = Device::emulated();  // the CPU has no kernels for bfloat16
  wide.to(there);
  narrow.to(there);
  const Tensor<bfloat16> x = cast<bfloat16>(random_tensor<float>({5, 2, 2, 3}, 1).to(there));
  CHECK(same_bits(cast<bfloat16>(wide(cast<float>(x)).value()), narrow(x).value()));
}

TEST_CASE("layers of a reference batch reject what does not fit") {
  nn::VirtualBatchNorm<float> norm(3, 4);
  nn::AddReference<float> add(Tensor<float>::zeros({4, 3}));
  nn::DropReference<float> drop(4);
  const auto x = [](const Shape& shape) { return Variable<float>(Tensor<float>::zeros(shape)); };
  CHECK(error_of([&] {
          norm(x({4, 3}));
        }) == "virtual_batch_norm: input (4, 3), expected more than the 4 samples of the reference batch");
  CHECK(error_of([&] { norm(x({5, 2})); }) == "virtual_batch_norm: input (5, 2), expected (..., 3)");
  CHECK(error_of([&] { add(x({5, 2})); }) == "add_reference: input (5, 2), expected (N, 3)");
  CHECK(error_of([&] {
          drop(x({4, 2}));
        }) == "drop_reference: input (4, 2), expected more than the 4 rows of the reference batch");
  CHECK(error_of([] { nn::AddReference<float>(Tensor<float>::zeros({4})); }) ==
        "add_reference: reference (4,), expected (R,C)");
  CHECK(error_of([] { nn::AddReference<float>(Tensor<float>()); }) ==
        "add_reference: reference without a value, expected (R,C)");
  CHECK(error_of([] { nn::DropReference<float>(0); }) == "drop_reference: 0 rows, expected at least 1");
  CHECK(error_of([] { nn::VirtualBatchNorm<float>(3, 0); }) ==
        "virtual_batch_norm: a reference batch of 0, expected at least 1");
  CHECK(error_of([] { nn::VirtualBatchNorm<float>(0, 1); }) == "virtual_batch_norm: 0 channels, expected at least 1");
  CHECK(error_of([] { nn::VirtualBatchNorm<float>(1, 1, {.epsilon = 0}); }) ==
        "virtual_batch_norm: epsilon 0, expected above 0");
}
