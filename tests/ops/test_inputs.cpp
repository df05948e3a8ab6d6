// What every op does with inputs that are not there, and at the edges of its domain.
#include <tinygan/ops/batched_matmul.hpp>
#include <tinygan/ops/compare.hpp>
#include <tinygan/ops/conv.hpp>
#include <tinygan/ops/dropout.hpp>
#include <tinygan/ops/elementary.hpp>
#include <tinygan/ops/extrema.hpp>
#include <tinygan/ops/indexing.hpp>
#include <tinygan/ops/normalisation.hpp>
#include <tinygan/ops/pooling.hpp>
#include <tinygan/ops/scan.hpp>
#include <tinygan/ops/softmax.hpp>

#include "support/check_ops.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;
using V = Variable<float>;

namespace {

const std::string empty = " is empty: default-constructed or moved from, expected a variable with a value";

V leaf(std::initializer_list<float> values, const Shape& shape, Device device = Device::cpu()) {
  return V(Tensor<float>::from(values, shape, device), true);
}

/// The gradient of sum f(x).
template <class F>
Array slope(F f, const V& x) {
  return array(grad(ops::sum(f(x)), {x})[0]);
}

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr double inf = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("an empty input is named by op and position") {
  const V none, x(Tensor<float>::zeros({1, 4, 4, 1})), w(Tensor<float>::zeros({3, 3, 1, 1})),
      m(Tensor<float>::zeros({2, 2})), v(Tensor<float>::zeros({2}));
  Generator random;
  const auto one = [&](const char* op, auto f) { CHECK(error_of([&] { f(none); }) == op + (": input" + empty)); };
  one("affine", [](const V& a) { return a * 2; });
  one("exp", [](const V& a) { return ops::exp(a); });
  one("log", [](const V& a) { return ops::log(a); });
  one("sqrt", [](const V& a) { return ops::sqrt(a); });
  one("reciprocal", [](const V& a) { return ops::reciprocal(a); });
  one("square", [](const V& a) { return ops::square(a); });
  one("abs", [](const V& a) { return ops::abs(a); });
  one("clamp", [](const V& a) { return ops::clamp(a, 0, 1); });
  one("softplus", [](const V& a) { return ops::softplus(a); });
  one("relu", [](const V& a) { return ops::relu(a); });
  one("identity", [](const V& a) { return ops::activation(Activation::none, a); });
  one("reshape", [](const V& a) { return ops::reshape(a, {2}); });
  one("flatten", [](const V& a) { return ops::flatten(a); });
  one("slice", [](const V& a) { return ops::slice(a, 0, 0, 1); });
  one("pad", [](const V& a) { return ops::pad(a, 0, 0, 1); });
  one("split", [](const V& a) { return ops::split(a, {1}, 0)[0]; });
  one("chunk", [](const V& a) { return ops::chunk(a, 1, 0)[0]; });
  one("pow", [](const V& a) { return ops::pow(a, 2); });
  one("sin", [](const V& a) { return ops::sin(a); });
  one("cos", [](const V& a) { return ops::cos(a); });
  one("erf", [](const V& a) { return ops::erf(a); });
  one("gelu", [](const V& a) { return ops::gelu(a); });
  one("silu", [](const V& a) { return ops::silu(a); });
  one("max", [](const V& a) { return ops::max(a); });
  one("min", [](const V& a) { return ops::min(a); });
  one("argmax", [](const V& a) { return V(cast<float>(ops::argmax(a))); });
  one("argmin", [](const V& a) { return V(cast<float>(ops::argmin(a))); });
  one("cumsum", [](const V& a) { return ops::cumsum(a, 0); });
  const Tensor<std::int32_t> index = Tensor<std::int32_t>::from({0}, {1});
  one("take", [&](const V& a) { return ops::take(a, index); });
  one("take_along_axis", [&](const V& a) { return ops::take_along_axis(a, index, 0); });
  one("scatter_add", [&](const V& a) { return ops::scatter_add(a, index, 1); });
  one("permute", [](const V& a) { return ops::permute(a, {0}); });
  one("transpose", [](const V& a) { return ops::transpose(a); });
  one("sum", [](const V& a) { return ops::sum(a); });
  one("sum_to", [](const V& a) { return ops::sum_to(a, {1}); });
  one("broadcast_to", [](const V& a) { return ops::broadcast_to(a, {1}); });
  one("mean", [](const V& a) { return ops::mean(a); });
  one("sum_squares", [](const V& a) { return ops::sum_squares(a); });
  one("norm", [](const V& a) { return ops::norm(a); });
  one("max_last", [](const V& a) { return ops::max_last(a); });
  one("softmax", [](const V& a) { return ops::softmax(a); });
  one("log_softmax", [](const V& a) { return ops::log_softmax(a); });
  one("dropout", [&](const V& a) { return ops::dropout(a, 0.5f, random); });
  one("max_pool2d", [](const V& a) { return ops::max_pool2d(a, {}); });
  one("average_pool2d", [](const V& a) { return ops::average_pool2d(a, {}); });
  one("upsample2d", [](const V& a) { return ops::upsample2d(a, 2, 2); });
  one("conv2d", [&](const V& a) { return ops::conv2d(a, w, ConvOptions{}); });
  one("conv2d_transpose", [&](const V& a) { return ops::conv2d_transpose(a, w, ConvOptions{}); });
  one("batch_norm", [&](const V& a) { return ops::batch_norm(a, v, v, {}).y; });
  one("layer_norm", [&](const V& a) { return ops::layer_norm(a, v, v, {}); });

  CHECK(error_of([&] { none + m; }) == "add: operand 0" + empty);
  CHECK(error_of([&] { m - none; }) == "sub: operand 1" + empty);
  CHECK(error_of([&] { none* m; }) == "mul: operand 0" + empty);
  CHECK(error_of([&] { m / none; }) == "div: operand 1" + empty);
  CHECK(error_of([&] { ops::maximum(m, none); }) == "maximum: operand 1" + empty);
  CHECK(error_of([&] { ops::minimum(none, m); }) == "minimum: operand 0" + empty);
  CHECK(error_of([&] { ops::greater(none, m); }) == "greater: operand 0" + empty);
  CHECK(error_of([&] { ops::less(m, none); }) == "less: operand 1" + empty);
  CHECK(error_of([&] { ops::where(none, m, m); }) == "where: mask" + empty);
  CHECK(error_of([&] { ops::where(m, m, none); }) == "where: operand 1" + empty);
  CHECK(error_of([&] { ops::batched_matmul(m, none); }) == "batched_matmul: operand 1" + empty);
  CHECK(error_of([&] { ops::matmul(m, none); }) == "matmul: operand 1" + empty);
  CHECK(error_of([&] { ops::conv2d(x, none, ConvOptions{}); }) == "conv2d: filter" + empty);
  CHECK(error_of([&] { ops::conv2d_transpose(x, none, ConvOptions{}); }) == "conv2d_transpose: filter" + empty);
  CHECK(error_of([&] { ops::batch_norm(m, none, v, {}); }) == "batch_norm: gamma" + empty);
  CHECK(error_of([&] { ops::layer_norm(m, v, none, {}); }) == "layer_norm: beta" + empty);
  CHECK(error_of([&] { ops::batch_norm_inference(m, v, v, {}, v.value(), {}); }) ==
        "batch_norm: mean is empty, expected (2,)");
  CHECK(error_of([&] {
          ops::concat<float>({m, none}, 0);
        }) == "concat: input 1 is empty, expected a variable with a value");
  CHECK(error_of([&] { ops::activation_grad(Activation::relu, m, none); }) == "activation_grad: output" + empty);

  V from(Tensor<float>::zeros({2}));
  const V to = std::move(from);
  CHECK(error_of([&] { ops::exp(from); }) == "exp: input" + empty);  // NOLINT: moved from on purpose
}

TEST_CASE("derivatives where a function has a kink or ends are PyTorch's") {
  for (Device device : devices()) {
    CAPTURE(text(device));
    const V x = leaf({0, 4}, {2}, device);
    CHECK(slope([](const V& a) { return ops::abs(a); }, x) == Array{0, 1});
    CHECK(slope([](const V& a) { return ops::sqrt(a); }, x) == Array{inf, 0.25});
    CHECK(slope([](const V& a) { return ops::log(a); }, x) == Array{inf, 0.25});
    CHECK(slope([](const V& a) { return ops::square(a); }, x) == Array{0, 8});
    CHECK(slope([](const V& a) { return ops::relu(a); }, x) == Array{0, 1});
    CHECK(slope([](const V& a) { return ops::leaky_relu(a, 0.25f); }, x) == Array{0.25, 1});
    CHECK(slope([](const V& a) { return ops::clamp(a, 0, 4); }, x) == Array{1, 1});
    CHECK(slope([](const V& a) { return ops::maximum(a, V(Tensor<float>::zeros({2}, a.device()))); }, x) ==
          Array{1, 1});
    CHECK(array(ops::log(x))[0] == -inf);
  }
}

TEST_CASE("softmax and its logarithm with masked entries: gradients without NaN") {
  for (Device device : devices()) {
    CAPTURE(text(device));
    const V x = leaf({-infinity, 1, 1, 1e30f, 0, -1e30f}, {2, 3}, device);
    const Array y = array(ops::softmax(x));
    CHECK((y[0] == 0 && y[3] == 1 && y[4] == 0 && y[5] == 0));
    CHECK(std::fabs(y[1] - 0.5) <= (3 + 8) * 0x1p-24 * 0.5);  // a sum of 3 terms of 3 ulp, and a quotient
    const V one_of_each = leaf({0, 1, 0, 1, 0, 0}, {2, 3}, device);
    for (double g : array(grad(ops::sum(ops::softmax(x) * one_of_each), {x})[0])) CHECK(std::isfinite(g));
    for (double g :
         array(grad(ops::slice(ops::log_softmax(x), 1, 1, 2), {x}, {}, V(Tensor<float>::full({2, 1}, 1, device)))[0]))
      CHECK(std::isfinite(g));
  }
}

TEST_CASE("pooling windows of equal or infinite values take the first") {
  for (Device device : devices()) {
    CAPTURE(text(device));
    for (float value : {0.0f, -infinity, infinity}) {
      const V x(Tensor<float>::full({1, 4, 2, 1}, value, device), true);
      const V y = ops::max_pool2d(x, {});
      CHECK(array(y) == Array(2, static_cast<double>(value)));
      CHECK(slope([](const V& a) { return ops::max_pool2d(a, {}); }, x) == Array{1, 0, 0, 0, 1, 0, 0, 0});
    }
  }
}

TEST_CASE("normalisation of constant inputs: beta, and finite gradients of both orders") {
  for (Device device : devices()) {
    CAPTURE(text(device));
    const V x(Tensor<float>::full({4, 3}, 5, device), true), gamma(Tensor<float>::full({3}, 2, device), true),
        beta(Tensor<float>::full({3}, 0.5f, device), true);
    for (const bool batch : {true, false})
      for (const float epsilon : {1e-3f, 1e-12f}) {
        const NormOptions<float> o{.epsilon = epsilon};
        const V y = batch ? ops::batch_norm(x, gamma, beta, o).y : ops::layer_norm(x, gamma, beta, o);
        CHECK(array(y) == Array(12, 0.5));
        const V dx = grad(ops::sum(ops::square(y)), {x}, {.create_graph = true})[0];
        // gamma rstd (1 - mean of ones): a sum of 4 at most and a few roundings, of 2 rstd.
        for (double g : array(dx))
          CHECK(std::fabs(g) <= (4 + 8) * 0x1p-24 * 2 / std::sqrt(static_cast<double>(epsilon)));
        for (double g : array(grad(ops::sum(dx), {x})[0])) CHECK(std::isfinite(g));
      }
  }
}

TEST_CASE("images with channels first are told so") {
  const V x(Tensor<float>::zeros({2, 3, 9, 8})), w(Tensor<float>::zeros({3, 3, 3, 4})), v(Tensor<float>::zeros({3})),
      wt(Tensor<float>::zeros({3, 3, 4, 3}));
  const std::string hint =
      "; channels come last, (N,H,W,C), and this looks like (N,C,H,W): ops::permute(x, {0, 2, 3, 1})";
  CHECK(error_of([&] { ops::conv2d(x, w, ConvOptions{}); }) ==
        "conv2d: input (2, 3, 9, 8) has 8 channels, filter (3, 3, 3, 4) expects 3" + hint);
  CHECK(error_of([&] { ops::conv2d_transpose(x, wt, ConvOptions{}); }) ==
        "conv2d_transpose: input (2, 3, 9, 8) has 8 channels, filter (3, 3, 4, 3) expects 3" + hint);
  CHECK(error_of([&] { ops::batch_norm(x, v, v, {}); }) ==
        "batch_norm: gamma has shape (3,), input (2, 3, 9, 8) expects (8,)" + hint);
}
