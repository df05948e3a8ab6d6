// Spectral normalisation: the largest singular value of a layer's kernel becomes 1, and gradients pass through sigma.
#include <tinygan/nn/spectral_norm.hpp>

#include <tinygan/autograd/check_grads.hpp>
#include <tinygan/io/weights.hpp>
#include <tinygan/nn/conv2d.hpp>
#include <tinygan/nn/dense.hpp>
#include <tinygan/nn/normalisation.hpp>
#include <tinygan/nn/sequential.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;

namespace {

/// The largest singular value of a kernel as a matrix (rows, K), by 1000 steps of power iteration in double, and in
/// `cosine` that of the angle between its right singular vector and a vector of ones.
template <class T>
double largest_singular_value(const Variable<T>& kernel, double* cosine = nullptr) {
  const Array w = array(kernel);
  const auto K = static_cast<std::size_t>(kernel.shape()[-1]), rows = w.size() / K;
  Array u(K, 1.0);
  double sigma = 0;
  for (int step = 0; step < 1000; ++step) {
    Array v(rows, 0.0), next(K, 0.0);
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t k = 0; k < K; ++k) v[i] += w[i * K + k] * u[k];
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t k = 0; k < K; ++k) next[k] += w[i * K + k] * v[i];
    double length = 0;
    for (const double e : next) length += e * e;
    length = std::sqrt(length);
    for (std::size_t k = 0; k < K; ++k) u[k] = next[k] / length;
    sigma = std::sqrt(length);
  }
  if (cosine) {
    *cosine = 0;
    for (const double e : u) *cosine += e / std::sqrt(static_cast<double>(K));
    *cosine = std::fabs(*cosine);
  }
  return sigma;
}

template <class T>
nn::Conv2D<T> conv(std::uint64_t seed, bool spectral_norm = true) {
  Generator random(seed);
  return nn::Conv2D<T>(3, 5, {.kernel_initializer = nn::Initializer::normal(0, 0.3), .spectral_norm = spectral_norm},
                       random);
}

}  // namespace

TEST_CASE("after training passes the largest singular value of the kernel in use is 1") {
  Generator random(1);
  nn::Conv2D<double> layer = conv<double>(2);
  const Variable<double> x = random_tensor<double>({2, 6, 6, 3}, 1);
  for (int i = 0; i < 1500; ++i) layer(x, nn::Pass::train(random));
  const Variable<double> plain = ops::conv2d(x, layer.kernel() / largest_singular_value(layer.kernel()), ConvOptions{});
  const Array found = array(layer(x)), expected = array(plain);
  for (std::size_t i = 0; i < found.size(); ++i)
    CHECK(std::fabs(found[i] - expected[i]) <= 1e-10 * (std::fabs(expected[i]) + 1));
}

TEST_CASE("the spectral norm of a kernel is its largest singular value: exact where it stands alone, else from below") {
  const Variable<double> column = random_tensor<double>({3, 3, 2, 1}, 1);
  CHECK(std::fabs(nn::spectral_norm(column, 0).item() / std::sqrt(ops::sum(ops::square(column)).item()) - 1) <= 1e-11);
  const Variable<double> left = random_tensor<double>({6, 1}, 2), right = random_tensor<double>({1, 4}, 3);
  const Variable<double> rank_one = ops::matmul(left, right);
  CHECK(std::fabs(nn::spectral_norm(rank_one, 1).item() / largest_singular_value(rank_one) - 1) <= 1e-11);
  for (unsigned seed = 1; seed < 6; ++seed) {
    const Variable<double> kernel = random_tensor<double>({4, 4, 16, 32}, seed);
    double cosine = 0;
    const double exact = largest_singular_value(kernel, &cosine);
    for (const int n : {8, 200}) {
      // sigma^2 = E l^(2n+1) / E l^(2n) over the squared singular values l, weighted by the first vector's components:
      // at least (E l^(2n))^(1/2n), by Jensen's inequality, and so at least exact^2 cosine^(1/n).
      const double found = nn::spectral_norm(kernel, n).item();
      CHECK(found <= exact * (1 + 1e-9));
      CHECK(found >= exact * std::pow(cosine, 0.5 / n) * (1 - 1e-9));
    }
  }
}

TEST_CASE("the largest spectral norm of a module is that of its largest kernel, whatever its biases are") {
  Generator random(1);
  nn::Sequential<double> model;
  model.add(nn::Dense<double>(4, 4, {.kernel_initializer = nn::Initializer::normal(0, 1)}, random))
      .add(nn::Dense<double>(4, 3, {.kernel_initializer = nn::Initializer::normal(0, 5)}, random))
      .add(nn::Dense<double>(3, 2, {.kernel_initializer = nn::Initializer::normal(0, 1)}, random));
  for (const auto& [name, parameter] : model.named_parameters())
    if (parameter.rank() < 2) parameter.set_value(Tensor<double>::full(parameter.shape(), 1e6));
  CHECK(nn::largest_spectral_norm(model).item() == nn::spectral_norm(model.parameters()[2]).item());
}

TEST_CASE("a spectral norm of no kernel is an error that says what was given") {
  CHECK(error_of([] { nn::spectral_norm(Variable<float>()); }) == "spectral_norm: kernel (), expected rank 2 or more");
  const Variable<float> vector = random_tensor<float>({3}, 1), matrix = random_tensor<float>({3, 3}, 1);
  CHECK(error_of([&] { nn::spectral_norm(vector); }) == "spectral_norm: kernel (3,), expected rank 2 or more");
  CHECK(error_of([&] { nn::spectral_norm(matrix, -1); }) == "spectral_norm: -1 iterations, expected at least 0");
  CHECK(error_of([] { nn::largest_spectral_norm(nn::BatchNorm<float>(3)); }) ==
        "largest_spectral_norm: the batch_norm has no kernel");
}

TEST_CASE("a new layer's kernel is normalised already, to a few per cent") {
  for (std::uint64_t seed = 1; seed < 6; ++seed) {
    Generator random(seed);
    nn::Dense<float> layer(64, 32, {.bias = false, .spectral_norm = true}, random);
    Tensor<float> unit = Tensor<float>::zeros({64, 64});
    for (index_t i = 0; i < 64; ++i) unit.data()[i * 65] = 1;
    const double sigma = largest_singular_value(layer(unit));  // of the kernel in use, row by row
    CHECK(sigma > 1 - 1e-6);
    CHECK(sigma < 1.1);
  }
}

TEST_CASE("one step of power iteration in a training pass, none in inference and in a frozen pass") {
  Generator random(3);
  nn::Dense<double> layer(3, 2, {.bias = false, .spectral_norm = true}, random);
  const std::vector<nn::Named<double>> buffers = layer.named_buffers();
  REQUIRE(buffers.size() == 1);
  CHECK(buffers[0].name == "spectral_norm.u");
  layer.kernel().set_value(Tensor<double>::from({2, 0, 0, 1, 0, 0}, {3, 2}));
  buffers[0].variable.set_value(Tensor<double>::from({0.6, 0.8}, {2}));
  const Variable<double> x(Tensor<double>::from({1, 1, 1}, {1, 3}));
  // |W u| = |(1.2, 0.8, 0)|
  const double before = std::sqrt(1.2 * 1.2 + 0.8 * 0.8);
  for (const nn::Pass& pass : {nn::Pass::infer(), nn::Pass::train(random).frozen()}) {
    const Array y = array(layer(x, pass));
    CHECK(std::fabs(y[0] - 2 / before) < 1e-12);
    CHECK(array(buffers[0].variable) == Array{0.6, 0.8});
  }
  // W'W u = (2.4, 0.8), and then W u = (4.8, 0.8, 0) / |(2.4, 0.8)|
  const Array y = array(layer(x, nn::Pass::train(random)));
  const double length = std::sqrt(2.4 * 2.4 + 0.8 * 0.8), after = std::sqrt(4.8 * 4.8 + 0.8 * 0.8) / length;
  CHECK(std::fabs(array(buffers[0].variable)[0] - 2.4 / length) < 1e-12);
  CHECK(std::fabs(y[0] - 2 / after) < 1e-12);
  CHECK(std::fabs(y[1] - 1 / after) < 1e-12);
}

TEST_CASE("gradients of a normalised kernel to second order, u being a constant") {
  const Tensor<double> u = tensor<double>(draw(Draw::uniform, {4}, 9), {4});
  const auto normalised = [&](const Variable<double>& kernel) {
    Generator random(1);
    nn::SpectralNorm<double> norm(kernel, random);
    norm.buffers()[0].set_value(u.clone());
    return norm(nn::Pass::infer());
  };
  const auto dense = [&](const std::vector<Variable<double>>& v) { return ops::matmul(v[0], normalised(v[1])); };
  CHECK_NOTHROW(
      check_grads<double>(dense, {random_tensor<double>({2, 3}, 1), random_tensor<double>({3, 4}, 2)}, {.order = 2}));
  const auto conv = [&](const std::vector<Variable<double>>& v) {
    return ops::conv2d(v[0], normalised(v[1]), ConvOptions{.padding = Padding::same()});
  };
  CHECK_NOTHROW(check_grads<double>(
      conv, {random_tensor<double>({2, 4, 4, 2}, 3), random_tensor<double>({3, 3, 2, 4}, 4)}, {.order = 2}));
}

TEST_CASE("the loss of several passes is differentiated at once, each with the u of its pass") {
  Generator random(5);
  nn::Dense<double> layer(6, 4, {.spectral_norm = true}, random);
  const Variable<double> a = random_tensor<double>({2, 6}, 1), b = random_tensor<double>({2, 6}, 2);
  const Variable<double> ya = layer(a, nn::Pass::train(random)), yb = layer(b, nn::Pass::train(random));
  CHECK_NOTHROW(grad(ops::sum(ya) + ops::sum(yb), layer.parameters()));
}

TEST_CASE("a kernel of zeros stays finite, and its u stays as it was") {
  Generator random(6);
  nn::Dense<float> layer(3, 4, {.kernel_initializer = nn::Initializer::zeros(), .spectral_norm = true}, random);
  const Array u = array(layer.buffers()[0]);
  for (const double y : array(layer(random_tensor<float>({2, 3}, 1), nn::Pass::train(random)))) CHECK(y == 0);
  const Array after = array(layer.buffers()[0]);
  for (std::size_t i = 0; i < u.size(); ++i) CHECK(std::fabs(after[i] - u[i]) < 1e-6);
}

TEST_CASE("bfloat16 layers are normalised by the sigma of float layers") {
  Generator a(7), b(7), random(1);
  nn::Dense<float> wide(40, 20, {.bias = false, .spectral_norm = true}, a);
  nn::Dense<bfloat16> narrow(40, 20, {.bias = false, .spectral_norm = true}, b);
  CHECK(same_bits(wide.buffers()[0].value(), narrow.buffers()[0].value()));
  narrow.to(Device::emulated());  // the CPU has no kernels for bfloat16
  const Tensor<float> x = random_tensor<float>({3, 40}, 3);
  const Array y = array(wide(x)), z = array(narrow(cast<bfloat16>(x.to(Device::emulated()))));
  // Each of 40 products has four roundings to bfloat16 in it (x, kernel, kernel / sigma, sigma's kernel), the result
  // one.
  for (std::size_t i = 0; i < y.size(); ++i) {
    double magnitude = 0;
    const Array w = array(wide.kernel()), xs = array(Variable<float>(x));
    for (std::size_t k = 0; k < 40; ++k) magnitude += std::fabs(xs[i / 20 * 40 + k] * w[k * 20 + i % 20]);
    CHECK(std::fabs(y[i] - z[i]) <=
          6 * unit_roundoff<bfloat16> * magnitude / largest_singular_value(wide.kernel()) * 1.1);
  }
}

TEST_CASE("u is saved in weights files; the parameters of a layer are the same with and without") {
  const support::TemporaryFolder folder;
  nn::Sequential<float> a(conv<float>(1)), b(conv<float>(2)), plain(conv<float>(1, false));
  CHECK(same_bits(a.parameters()[0].value(), plain.parameters()[0].value()));
  CHECK(a.parameter_count() == plain.parameter_count());
  io::save(folder.path() / "a.safetensors", a);
  io::load(folder.path() / "a.safetensors", b);
  CHECK(same_bits(a.buffers()[0].value(), b.buffers()[0].value()));
  const Variable<float> x = random_tensor<float>({1, 5, 5, 3}, 1);
  CHECK(same_bits(a(x).value(), b(x).value()));
}

TEST_CASE("a transposed convolution is normalised as the convolution whose adjoint it is") {
  Generator random(1);
  nn::Conv2DTranspose<double> layer(
      5, 3, {.kernel_initializer = nn::Initializer::normal(0, 0.3), .spectral_norm = true}, random);
  const Variable<double> x = random_tensor<double>({2, 4, 4, 5}, 1);
  for (int i = 0; i < 1500; ++i) layer(x, nn::Pass::train(random));
  CHECK(std::fabs(largest_singular_value(layer.used_kernel(nn::Pass::infer())) - 1) < 1e-9);
  const Variable<double> expected = ops::conv2d_transpose(x, layer.used_kernel(nn::Pass::infer()), ConvOptions{});
  CHECK(same_bits(layer(x).value(), (expected + layer.bias()).value()));
}

TEST_CASE("a summary says which kernels are normalised") {
  Generator random(1);
  CHECK(conv<float>(1).details() == "3x3, spectral norm");
  CHECK(nn::Dense<float>(2, 1, {.spectral_norm = true}, random).details() == "spectral norm");
}
