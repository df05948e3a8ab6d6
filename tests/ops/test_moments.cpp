// Batch normalisation that takes its statistics from the product before it: on the emulated device, in the precisions whose
// kernels leave moments.
#include <tinygan/nn/conv2d.hpp>
#include <tinygan/nn/dense.hpp>
#include <tinygan/nn/normalisation.hpp>
#include <tinygan/nn/sequential.hpp>

#include "kernels/products.hpp"
#include "support/values.hpp"

namespace tinygan {
namespace {

using namespace test;

const Device there = Device::emulated();

template <class T>
Variable<T> operand(const Shape& shape, unsigned seed) {
  return Variable<T>(narrow<T>(random_tensor<float>(shape, seed).to(there)));
}

/// The moments that y brings along, joined, against those of its elements. `rounding`: what storing an element may change of it,
/// relative, as the moments are those before.
template <class T>
void check_moments(const Variable<T>& y, double rounding) {
  const ColumnMoments<T>& moments = y.node()->moments;
  REQUIRE(moments.dims.pieces > 0);
  const index_t channels = y.shape()[-1], rows = y.size() / channels;
  REQUIRE(moments.dims.channels == channels);
  const Tensor<float> mean({channels}, there), variance({channels}, there);
  kernels<T>(there).batch_norm_join({rows, channels}, moments.dims, moments.values.data(), mean.data(), variance.data(), Stream{});
  const std::vector<float> found_mean = mean.to_vector(), found_variance = variance.to_vector(),
                           values = widen(y.value()).to_vector();
  for (index_t c = 0; c < channels; ++c) {
    double sum = 0, squares = 0, largest = 0;
    for (index_t r = 0; r < rows; ++r) {
      const double v = double{values[static_cast<std::size_t>(r * channels + c)]};
      sum += v;
      largest = std::max(largest, std::fabs(v));
    }
    const double expected = sum / static_cast<double>(rows);
    for (index_t r = 0; r < rows; ++r) {
      const double v = double{values[static_cast<std::size_t>(r * channels + c)]} - expected;
      squares += v * v;
    }
    CAPTURE(c);
    const double bound = 8 * float_eps + rounding;  // of elements; of squares twice that
    const auto at = static_cast<std::size_t>(c);
    CHECK(std::fabs(double{found_mean[at]} - expected) <= bound * largest);
    CHECK(std::fabs(double{found_variance[at]} - squares / static_cast<double>(rows)) <= 4 * bound * largest * largest);
  }
}

template <class T>
void check_all_moments(double rounding) {
  const ops::Fused<T> leave{.moments = true};
  SECTION("product") { check_moments(ops::matmul(operand<T>({70, 40}, 1), operand<T>({40, 72}, 2), {}, leave), rounding); }
  SECTION("product with bias and activation: moments of what is stored") {
    ops::Fused<T> f = leave;
    f.bias = operand<T>({72}, 3);
    f.activation = Activation::leaky_relu;
    f.slope = 0.25f;
    check_moments(ops::matmul(operand<T>({70, 40}, 1), operand<T>({40, 72}, 2), {}, f), rounding);
  }
  SECTION("convolution") {
    const ConvOptions same{.padding = Padding::same()};
    check_moments(ops::conv2d(operand<T>({5, 6, 7, 16}, 1), operand<T>({3, 3, 16, 24}, 2), same, leave), rounding);
  }
  SECTION("transposed convolution, whose pixels have lists of four kinds") {
    const ConvOptions twice{.stride_h = 2, .stride_w = 2, .padding = Padding::same()};
    check_moments(ops::conv2d_transpose(operand<T>({5, 4, 3, 16}, 1), operand<T>({5, 5, 24, 16}, 2), twice, leave), rounding);
  }
  SECTION("nobody asked") {
    CHECK(ops::matmul(operand<T>({70, 40}, 1), operand<T>({40, 72}, 2)).node()->moments.dims.pieces == 0);
  }
}

TEST_CASE("Products and convolutions leave the moments of their columns: tf32") {
  const UsePrecision use(Precision::tf32);
  check_all_moments<float>(0);
}
TEST_CASE("Products and convolutions leave the moments of their columns: bfloat16 elements") {
  check_all_moments<bfloat16>(0x1p-8);
}

TEST_CASE("In fp32, and on the CPU, nobody leaves moments") {
  for (const Device device : {Device::cpu(), there}) {
    const Variable<float> a(random_tensor<float>({8, 8}, 1).to(device));
    CHECK(ops::matmul(a, a, {}, {.moments = true}).node()->moments.dims.pieces == 0);
  }
}

TEST_CASE("A model's batch normalisation is the same with the moments of the layer before and without") {
  const UsePrecision use(Precision::tf32);
  Generator random(1);
  nn::Sequential<float> model;
  model.add(nn::Dense<float>(20, 12 * 8, {.bias = false}, random))
      .add(nn::BatchNorm<float>(12 * 8))
      .add(nn::Dense<float>(12 * 8, 16, {}, random))
      .add(nn::BatchNorm<float>(16));
  model.to(there);
  const Tensor<float> x = random_tensor<float>({70, 20}, 1).to(there);
  const auto fused = array(model(x, nn::Pass::train(random)));

  Variable<float> y(x);
  for (const auto& [name, layer] : model.layers()) y = const_cast<nn::Module<float>*>(layer)->forward(y, nn::Pass::train(random));
  const auto apart = array(y);
  REQUIRE(fused.size() == apart.size());
  double largest = 0, worst = 0;
  for (std::size_t i = 0; i < fused.size(); ++i) {
    largest = std::max(largest, std::fabs(apart[i]));
    worst = std::max(worst, std::fabs(fused[i] - apart[i]));
  }
  // The second product multiplies in tf32: where rounding differs by a last bit before it, it may differ by 2^-11 there.
  CHECK(worst <= 16 * 0x1p-11 * largest);
  CHECK(worst > 0);  // the statistics were added up in another order: it did take the other way
}

}  // namespace
}  // namespace tinygan
