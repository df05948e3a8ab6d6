// Output extents and padding of convolutions, by hand and against the definitions of Keras and PyTorch.
#include <tinygan/backend/conv_dims.hpp>

#include <algorithm>

#include "support/catch.hpp"

using tinygan::conv_dims;
using tinygan::conv_transpose_dims;
using tinygan::ConvDims;
using tinygan::ConvOptions;
using tinygan::Error;
using tinygan::index_t;
using tinygan::OutputPadding;
using tinygan::Padding;
using tinygan::Shape;

TEST_CASE("conv_dims takes extents from shapes and options") {
  const ConvDims d =
      conv_dims({2, 28, 30, 3}, {5, 3, 3, 8}, {.stride_h = 2, .stride_w = 1, .padding = Padding::same()});
  CHECK(d == ConvDims{.N = 2,
                      .H = 28,
                      .W = 30,
                      .C = 3,
                      .R = 5,
                      .S = 3,
                      .K = 8,
                      .P = 14,
                      .Q = 30,
                      .stride_h = 2,
                      .stride_w = 1,
                      .pad_top = 1,
                      .pad_left = 1});
  CHECK(d.x_shape() == Shape{2, 28, 30, 3});
  CHECK(d.w_shape() == Shape{5, 3, 3, 8});
  CHECK(d.y_shape() == Shape{2, 14, 30, 8});
}

TEST_CASE("Padding of a convolution: same, valid, explicit, asymmetric") {
  const Shape x{1, 7, 7, 1}, w{3, 3, 1, 1};
  const auto dims = [&](Padding p, index_t stride) {
    return conv_dims(x, w, {.stride_h = stride, .stride_w = stride, .padding = p});
  };
  SECTION("valid") {
    CHECK(dims(Padding::valid(), 1).P == 5);
    CHECK(dims(Padding::valid(), 2).P == 3);
    CHECK(dims(Padding::valid(), 3).P == 2);
    CHECK(dims(Padding::valid(), 2).pad_top == 0);
  }
  SECTION("same keeps ceil(H / stride) and puts the odd pixel of padding behind") {
    CHECK(dims(Padding::same(), 1).P == 7);
    CHECK(dims(Padding::same(), 1).pad_top == 1);
    CHECK(dims(Padding::same(), 2).P == 4);
    CHECK(dims(Padding::same(), 2).pad_top == 1);
    CHECK(dims(Padding::same(), 3).P == 3);
    const ConvDims even =
        conv_dims({1, 28, 28, 1}, {5, 5, 1, 1}, {.stride_h = 2, .stride_w = 2, .padding = Padding::same()});
    CHECK(even.P == 14);
    CHECK(even.pad_top == 1);  // 3 pixels of padding: 1 before, 2 behind
  }
  SECTION("explicit") {
    CHECK(dims(Padding::all(1), 2).P == 4);
    const ConvDims d = dims(Padding::sides(2, 0, 0, 1), 1);
    CHECK(d.P == 7);
    CHECK(d.Q == 6);
    CHECK(d.pad_top == 2);
    CHECK(d.pad_left == 0);
  }
  SECTION("dilation widens the kernel") {
    const ConvDims d = conv_dims(x, w, {.dilation_h = 3, .dilation_w = 2});
    CHECK(d.P == 1);
    CHECK(d.Q == 3);
  }
}

TEST_CASE("Transposed convolution has the output extents of Keras and PyTorch") {
  for (index_t in : {1, 2, 7})
    for (index_t kernel : {1, 2, 3, 4, 5})
      for (index_t stride : {1, 2, 3})
        for (index_t dilation : {1, 2}) {
          CAPTURE(in, kernel, stride, dilation);
          const index_t extent = (kernel - 1) * dilation + 1;
          const auto dims = [&](Padding p, index_t output_padding) {
            return conv_transpose_dims(
                {1, in, in, 1}, {kernel, kernel, 1, 1},
                {.stride_h = stride, .stride_w = stride, .padding = p, .dilation_h = dilation, .dilation_w = dilation},
                output_padding);
          };
          CHECK(dims(Padding::same(), 0).H == in * stride);
          CHECK(dims(Padding::valid(), 0).H == in * stride + std::max<index_t>(extent - stride, 0));
          CHECK(dims(Padding::sides(0, 0, 0, 0), 0).H == (in - 1) * stride + extent);
          if (stride > 1) CHECK(dims(Padding::sides(0, 0, 0, 0), 1).H == (in - 1) * stride + extent + 1);
        }
}

TEST_CASE("Output padding by axis lengthens that axis alone") {
  const auto dims = [](index_t stride_h, index_t stride_w, OutputPadding more, index_t dilation_w = 1) {
    const ConvDims d = conv_transpose_dims(
        {1, 3, 3, 1}, {3, 3, 1, 1},
        {.stride_h = stride_h, .stride_w = stride_w, .padding = Padding::all(1), .dilation_w = dilation_w}, more);
    return std::pair(d.H, d.W);
  };
  using Extents = std::pair<index_t, index_t>;
  CHECK(dims(2, 1, {1, 0}) == Extents{6, 3});
  CHECK(dims(1, 2, {0, 1}) == Extents{3, 6});
  CHECK(dims(3, 2, {2, 1}) == Extents{9, 6});
  CHECK(dims(2, 2, {0, 0}) == Extents{5, 5});
  CHECK(dims(2, 2, 1) == Extents{6, 6});
  CHECK(dims(2, 1, 1) == Extents{6, 3});  // one number: of the axes that can have any
  CHECK(dims(1, 1, {0, 1}, 2) == Extents{3, 6});
}

TEST_CASE("A transposed convolution is the adjoint of the convolution with the same options") {
  index_t pairs = 0;
  for (index_t P : {1, 3, 7})
    for (index_t kernel : {1, 2, 3, 4, 5})
      for (index_t stride : {1, 2, 3})
        for (const Padding& padding : {Padding::same(), Padding::valid(), Padding::sides(0, 1, 1, 0)}) {
          CAPTURE(P, kernel, stride);
          const ConvOptions options{.stride_h = stride, .stride_w = stride, .padding = padding};
          const Shape w{kernel, kernel, 4, 6}, g{2, P, P, 6};
          if (padding.kind == Padding::Kind::explicit_ && (P - 1) * stride + kernel - 1 < 1) continue;
          const ConvDims t = conv_transpose_dims(g, w, options);
          CHECK(t.y_shape() == g);
          CHECK(t.w_shape() == w);
          CHECK(t == conv_dims(t.x_shape(), w, options));
          ++pairs;
        }
  CHECK(pairs > 100);
}

TEST_CASE("conv_dims names what is wrong") {
  const Shape x{1, 7, 7, 3}, w{3, 3, 3, 8};
  CHECK_THROWS_WITH(conv_dims({7, 7, 3}, w, {}), "conv2d: input (7, 7, 3) has rank 3, expected 4 (N,H,W,C)");
  CHECK_THROWS_WITH(conv_dims(x, {3, 3, 8}, {}), "conv2d: filter (3, 3, 8) has rank 3, expected 4 (R,S,C,K)");
  CHECK_THROWS_WITH(conv_dims(x, {3, 3, 4, 8}, {}),
                    "conv2d: input (1, 7, 7, 3) has 3 channels, filter (3, 3, 4, 8) expects 4");
  CHECK_THROWS_WITH(conv_dims(x, w, {.stride_h = 0}), "conv2d: stride 0x1, expected at least 1x1");
  CHECK_THROWS_WITH(conv_dims(x, w, {.stride_w = -1}), "conv2d: stride 1x-1, expected at least 1x1");
  CHECK_THROWS_WITH(conv_dims(x, w, {.dilation_h = 0}), "conv2d: dilation 0x1, expected at least 1x1");
  CHECK_THROWS_WITH(conv_dims(x, w, {.padding = Padding::all(-1)}),
                    "conv2d: negative padding (top -1, bottom -1, left -1, right -1)");
  CHECK_THROWS_WITH(conv_dims({1, 2, 7, 3}, w, {}), "conv2d: kernel extent 3 is larger than the padded input extent 2");
  CHECK_THROWS_AS(conv_dims(x, w, {.dilation_h = 4}), Error);
}

TEST_CASE("conv_transpose_dims names what is wrong") {
  const Shape g{1, 7, 7, 8}, w{3, 3, 4, 8};
  CHECK_THROWS_WITH(conv_transpose_dims({7, 8}, w, {}),
                    "conv2d_transpose: input (7, 8) has rank 2, expected 4 (N,P,Q,K)");
  CHECK_THROWS_WITH(conv_transpose_dims(g, {3, 3, 8, 4}, {}),
                    "conv2d_transpose: input (1, 7, 7, 8) has 8 channels, filter (3, 3, 8, 4) expects 4");
  CHECK_THROWS_WITH(conv_transpose_dims(g, w, {}, 1),
                    "conv2d_transpose: output padding 1, expected 0 or less than the stride 1x1");
  CHECK_THROWS_AS(conv_transpose_dims(g, w, {.stride_h = 2, .stride_w = 2}, -1), Error);
  const auto padded = [&](index_t stride_h, index_t stride_w, Padding p, OutputPadding more) {
    return conv_transpose_dims(g, w, {.stride_h = stride_h, .stride_w = stride_w, .padding = p}, more);
  };
  CHECK_THROWS_WITH(padded(2, 1, Padding::all(1), {1, 1}),
                    "conv2d_transpose: output padding 1x1, expected 0 or less than the stride 2x1");
  CHECK_THROWS_WITH(padded(3, 2, Padding::all(1), 2),
                    "conv2d_transpose: output padding 2, expected 0 or less than the stride 3x2");
  CHECK_THROWS_WITH(padded(2, 2, Padding::valid(), {0, -1}),
                    "conv2d_transpose: output padding 0x-1, expected 0 or less than the stride 2x2");
  CHECK_THROWS_WITH(
      padded(2, 2, Padding::same(), {0, 1}),
      "conv2d_transpose: output padding 0x1 under `same` padding, whose output is the input times the stride; "
      "use explicit padding");
  CHECK_THROWS_AS(padded(2, 2, Padding::same(), 1), Error);
  CHECK_THROWS_AS(conv_transpose_dims(g, w, {.stride_h = 0}), Error);
  CHECK_THROWS_WITH(conv_transpose_dims({1, 1, 1, 8}, w, {.padding = Padding::all(2)}),
                    "conv2d_transpose: output extent -1 of an input extent 1 with padding 2+2, expected at least 1");
}

TEST_CASE("Convolutions refuse extents and options that no arithmetic of theirs could hold") {
  constexpr index_t most = 2147483647, huge = index_t{1} << 62;
  const Shape x{1, 8, 8, 1}, w{3, 3, 1, 1};
  const auto same = Padding::same();
  CHECK_THROWS_WITH(conv_dims(x, w, {.stride_h = huge}),
                    "conv2d: stride 4611686018427387904, expected 1 to 2147483647");
  CHECK_THROWS_WITH(conv_dims(x, w, {.padding = same, .dilation_w = huge}),
                    "conv2d: dilation 4611686018427387904, expected 1 to 2147483647");
  CHECK_THROWS_WITH(conv_dims(x, w, {.padding = same, .dilation_w = most}),
                    "conv2d: dilated filter extent 4294967295, expected 1 to 2147483647");
  CHECK_THROWS_WITH(conv_dims(x, w, {.padding = Padding::sides(0, huge, 0, 0)}),
                    "conv2d: padding 4611686018427387904, expected at most 2147483647");
  CHECK_THROWS_WITH(conv_dims({1, most + 1, 1, 1}, w, {.padding = same}),
                    "conv2d: input extent 2147483648, expected 1 to 2147483647");
  CHECK_THROWS_WITH(conv_dims(x, {1, most + 1, 1, 1}, {.padding = same}),
                    "conv2d: filter extent 2147483648, expected 1 to 2147483647");
  CHECK_THROWS_AS(conv_dims({most, 8, 8, 1}, {3, 3, 1, most}, {.padding = same}), Error);  // y alone is too large
  CHECK(conv_dims(x, w, {.stride_h = most, .stride_w = most, .padding = same}).P == 1);
  CHECK_THROWS_WITH(conv_transpose_dims(x, w, {.stride_h = most, .padding = same}),
                    "conv2d_transpose: output extent 17179869176, expected 1 to 2147483647");
  CHECK_THROWS_AS(conv_transpose_dims({1, most / 4, most / 4, 1}, w, {.stride_h = 4, .stride_w = 4, .padding = same}),
                  Error);
}
