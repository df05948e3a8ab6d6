#include "ops/cases/conv.hpp"

#include "support/check_ops.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;

TEST_CASE("the partials of convolution, plain and fused") { check_ops(conv_cases()); }
TEST_CASE("transposed convolution by its own definition") { check_ops(conv2d_transpose_cases()); }
TEST_CASE("every convolution has a case") { check_coverage("conv.hpp", conv_cases()); }

namespace {

double inner(const Array& a, const Array& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}
Array magnitudes(Array a) {
  for (double& v : a) v = std::fabs(v);
  return a;
}

/// <conv(x,w), g> = <x, dx> = <w, dw>, each within the error of a sum of `terms` products.
template <class T>
void check_trilinear(const ConvDims& d) {
  CAPTURE(d.H, d.W, d.R, d.S, d.P, d.Q, d.stride_h, d.stride_w, d.pad_top, d.pad_left, d.dilation_h, d.dilation_w);
  const Variable<T> x(random_tensor<T>(d.x_shape(), 1)), w(random_tensor<T>(d.w_shape(), 2)),
      g(random_tensor<T>(d.y_shape(), 3));
  const Array ax = array(x), aw = array(w), ag = array(g);
  const double y_g = inner(array(ops::conv2d(x, w, d)), ag);
  const double x_dx = inner(ax, array(ops::conv2d_input_grad(g, w, d)));
  const double w_dw = inner(aw, array(ops::conv2d_weight_grad(x, g, d)));
  const Reference sizes = reference_conv2d(d, magnitudes(ax).data(), magnitudes(aw).data());
  const double terms = static_cast<double>(std::max(d.R * d.S * std::max(d.C, d.K), d.N * d.P * d.Q) + 4);
  const double bound = terms * inner(sizes.value, magnitudes(ag)) * std::numeric_limits<T>::epsilon();
  CHECK(std::fabs(y_g - x_dx) <= bound);
  CHECK(std::fabs(y_g - w_dw) <= bound);
}

}  // namespace

TEST_CASE("the trilinear identity over stride, padding, kernel and dilation") {
  const Padding paddings[] = {Padding::same(), Padding::valid(), Padding::all(1), Padding::sides(2, 0, 1, 3)};
  int checked = 0;
  for (index_t stride : {1, 2, 3})
    for (const Padding& padding : paddings)
      for (index_t kernel : {1, 2, 3, 4, 5})
        for (index_t dilation : {1, 2}) {
          // A kernel and stride that differ along the two axes, and channel counts of one and of several vectors.
          const index_t other = kernel == 5 ? 2 : kernel + 1;
          const ConvOptions o{stride, 4 - stride, padding, dilation, 3 - dilation};
          check_trilinear<double>(conv_dims({2, 11, 9, 3}, {kernel, other, 3, 4}, o));
          check_trilinear<float>(conv_dims({2, 11, 9, 17}, {kernel, other, 17, 1}, o));
          check_trilinear<float>(
              conv_dims({1, 11, 10, 1}, {kernel, kernel, 1, 33}, {stride, stride, padding, dilation, dilation}));
          checked += 3;
        }
  CHECK(checked == 3 * 4 * 5 * 2 * 3);
}

TEST_CASE("transposed convolution is the adjoint of the convolution with its filter, and doubles extents") {
  for (index_t stride : {1, 2, 3})
    for (index_t kernel : {1, 2, 3, 4, 5})
      for (const Padding& padding : {Padding::same(), Padding::valid()}) {
        CAPTURE(stride, kernel);
        const Variable<double> g(random_tensor<double>({2, 4, 3, 3}, 1)),
            w(random_tensor<double>({kernel, kernel, 2, 3}, 2));
        const ConvOptions o{stride, stride, padding};
        const Variable<double> y = ops::conv2d_transpose(g, w, o);
        if (padding.kind == Padding::Kind::same) CHECK(y.shape() == Shape{2, 4 * stride, 3 * stride, 2});
        const Variable<double> x(random_tensor<double>(y.shape(), 3));
        const Variable<double> back = ops::conv2d(x, w, o);
        REQUIRE(back.shape() == g.shape());
        const double forward = inner(array(y), array(x)), adjoint = inner(array(g), array(back));
        const double terms = static_cast<double>(x.size() * kernel * kernel * 3);
        CHECK(std::fabs(forward - adjoint) <= terms * std::numeric_limits<double>::epsilon() * terms);
      }
}

TEST_CASE("third derivatives of transposed convolution") {
  const auto f = [](const std::vector<Variable<double>>& x) {
    return ops::square(ops::conv2d_transpose(x[0], x[1], {2, 2, Padding::same()}));
  };
  REQUIRE_NOTHROW(check_grads<double>(
      f, {random_tensor<double>({1, 2, 2, 2}, 1), random_tensor<double>({3, 3, 1, 2}, 2)}, {.order = 3}));
}

TEST_CASE("convolution names what does not fit") {
  const Variable<float> x(Tensor<float>::zeros({1, 5, 5, 3})), w(Tensor<float>::zeros({3, 3, 3, 4})),
      flat(Tensor<float>::zeros({5, 5}));
  const Variable<float> other(Tensor<float>::zeros({3, 3, 2, 4})), large(Tensor<float>::zeros({7, 7, 3, 4}));
  const auto error = [](const auto& a, const auto& b, const ConvOptions& o) {
    return support::error_of([&] { ops::conv2d(a, b, o); });
  };
  CHECK(error(flat, w, {}) == "conv2d: input (5, 5) has rank 2, expected 4 (N,H,W,C)");
  CHECK(error(x, flat, {}) == "conv2d: filter (5, 5) has rank 2, expected 4 (R,S,C,K)");
  CHECK(error(x, other, {}) == "conv2d: input (1, 5, 5, 3) has 3 channels, filter (3, 3, 2, 4) expects 2");
  CHECK(error(x, w, {0, 1}) == "conv2d: stride 0x1, expected at least 1x1");
  CHECK(error(x, w, {1, 1, Padding::valid(), 1, 0}) == "conv2d: dilation 1x0, expected at least 1x1");
  CHECK(error(x, w, {1, 1, Padding::sides(0, 0, -1, 0)}) ==
        "conv2d: negative padding (top 0, bottom 0, left -1, right 0)");
  CHECK(error(x, large, {}) == "conv2d: kernel extent 7 is larger than the padded input extent 5");
  const auto transposed = [](const auto& a, const auto& b, const ConvOptions& o, index_t output_padding = 0) {
    return support::error_of([&] { ops::conv2d_transpose(a, b, o, {}, output_padding); });
  };
  CHECK(transposed(x, w, {}) == "conv2d_transpose: input (1, 5, 5, 3) has 3 channels, filter (3, 3, 3, 4) expects 4");
  const Variable<float> g(Tensor<float>::zeros({1, 1, 1, 4}));
  CHECK(transposed(g, w, {2, 2, Padding::all(1)}, 2) ==
        "conv2d_transpose: output padding 2, expected 0 or less than the stride 2x2");
  CHECK(transposed(g, w, {1, 1, Padding::all(2)}) ==
        "conv2d_transpose: output extent -1 of an input extent 1 with padding 2+2, expected at least 1");
  CHECK(transposed(g, w, {0, 1, Padding::same()}) == "conv2d_transpose: stride 0x1, expected at least 1x1");
  const ConvDims d = conv_dims(x.shape(), w.shape(), {});
  CHECK(support::error_of([&] { ops::conv2d_weight_grad(x, x, d); }) ==
        "conv2d_weight_grad: cotangent has shape (1, 5, 5, 3), expected (1, 3, 3, 4)");
}
