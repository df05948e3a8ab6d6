// Matrix products and convolutions on tensor cores (tf32, bf16), on the emulated device.
#include <tinygan/ops/matmul.hpp>

#include "kernels/products.hpp"

namespace tinygan {
namespace {

using namespace test;
using support::contains;
using support::error_of;

constexpr Precision formats[] = {Precision::tf32, Precision::bf16};

TEST_CASE("Emulated tensor gemm: awkward extents in every transposition, aligned or not") {
  for (const Precision p : formats)
    for (const bool trans_a : {false, true})
      for (const bool trans_b : {false, true}) {
        for (const GemmDims& d :
             {GemmDims{1, 1, 1}, GemmDims{1, 5, 3}, GemmDims{37, 1, 41}, GemmDims{33, 41, 1}, GemmDims{31, 37, 29},
              GemmDims{64, 64, 32}, GemmDims{68, 72, 36}, GemmDims{100, 70, 161}})
          check_gemm(p, {d.M, d.N, d.K, trans_a, trans_b});
        check_gemm(p, {68, 72, 36, trans_a, trans_b}, 1);
      }
}

TEST_CASE("Emulated tensor gemm: split-K of a large K, added in order") {
  const std::vector<float> bias = random_values<float>(7, 3);
  for (const Precision p : formats) {
    for (const bool trans_a : {false, true})
      for (const bool trans_b : {false, true}) {
        const GemmDims d{5, 7, 1027, trans_a, trans_b};
        CHECK(check_gemm(p, d) == 4 * 5 * 7 * sizeof(float));
      }
    check_gemm(p, {5, 7, 1027, false, false}, 0, {bias.data(), Activation::tanh});
  }
}

TEST_CASE("Emulated tensor gemm: bias and activations") {
  const std::vector<float> bias = random_values<float>(33, 3);
  for (const Precision p : formats)
    for (const Activation activation : all_activations(0.3))
      check_gemm(p, {7, 33, 5, false, true}, 0, {bias.data(), activation});
}

TEST_CASE("Emulated tensor gemm: a NaN and an infinity spread to their rows only") {
  const GemmDims d{9, 10, 11};
  const Operand a(d.M * d.K, 0, 1), b(d.K * d.N, 0, 2);
  a[3 * d.K + 4] = std::numeric_limits<float>::quiet_NaN();
  a[5 * d.K + 4] = std::numeric_limits<float>::infinity();
  for (const Precision p : formats) {
    const UsePrecision use(p);
    const auto c = both_ways(
        d.M * d.N, [&](float* out) { emulated_kernels().gemm(d, {}, a.data(), b.data(), out, no_workspace(), {}); });
    for (index_t i = 0; i < d.M * d.N; ++i) {
      CHECK(std::isnan(c[static_cast<std::size_t>(i)]) == (i / d.N == 3));
      CHECK(std::isinf(c[static_cast<std::size_t>(i)]) == (i / d.N == 5));
    }
  }
}

TEST_CASE("Emulated tensor conv2d: strides, paddings and dilations of an odd shape") {
  for (const Precision p : formats)
    for (const index_t kernel : {1, 3})
      for (const index_t stride : {1, 2, 3})
        for (const index_t dilation : {1, 2}) {
          const Shape w{kernel, kernel, 3, 5};
          if (p == Precision::tf32 || kernel == 3)
            check_conv(p, conv_dims({2, 5, 6, 3}, w, conv_options(stride, Padding::same(), dilation)));
          if (stride == dilation) check_conv(p, conv_dims({1, 7, 6, 3}, w, conv_options(stride, Padding::valid())), 1);
        }
}

TEST_CASE("Emulated tensor conv2d: channels that do and do not fill packs, fragments and steps") {
  for (const Precision p : formats) {
    for (const auto& [C, K] : {std::pair<index_t, index_t>{4, 8}, {32, 64}, {36, 68}, {33, 65}})
      check_conv(p, conv_dims({2, 5, 4, C}, {3, 3, C, K}, conv_options(2, Padding::same())));
    check_conv(p, conv_dims({2, 5, 4, 36}, {2, 3, 36, 40}, conv_options(1, Padding::same())), 1);
  }
}

TEST_CASE("Emulated tensor conv2d: shapes that are wrong elsewhere") {
  for (const Precision p : formats) {
    ConvOptions uneven{2, 3, Padding::sides(2, 0, 0, 3), 1, 2};
    check_conv(p, conv_dims({3, 8, 11, 2}, {4, 3, 2, 7}, uneven));
    check_conv(p, conv_dims({2, 11, 13, 3}, {2, 2, 3, 4}, conv_options(5, Padding::valid())));
    check_conv(p, conv_dims({1, 13, 13, 2}, {3, 3, 2, 3}, conv_options(4, Padding::all(3), 2)));
    check_conv(p, conv_dims({2, 3, 4, 3}, {2, 2, 3, 5}, conv_options(1, Padding::all(4))));
    check_conv(p, conv_dims({5, 3, 3, 6}, {3, 3, 6, 7}, conv_options(1, Padding::valid())));
    check_conv(p, conv_dims({5, 2, 2, 6}, {5, 5, 6, 7}, conv_options(1, Padding::same())));
    check_conv(p, conv_dims({7, 1, 1, 5}, {1, 1, 5, 6}, conv_options(1, Padding::valid())));
    check_conv(p, conv_dims({3, 8, 8, 1}, {5, 5, 1, 36}, conv_options(2, Padding::same())));
    check_conv(p, conv_dims({2, 7, 8, 36}, {3, 3, 36, 1}, conv_options(1, Padding::same())));
  }
}

TEST_CASE("Emulated tensor conv2d: each tile size") {
  const ConvDims narrow = conv_dims({59, 17, 17, 2}, {1, 1, 2, 36}, conv_options(1, Padding::valid()));
  const ConvDims large = conv_dims({59, 17, 17, 68}, {1, 1, 68, 2}, conv_options(1, Padding::valid()));
  check_partial(Precision::tf32, narrow, ConvSlot::g);
  check_partial(Precision::bf16, large, ConvSlot::x);
  const ConvDims many_taps = conv_dims({1, 6, 6, 65}, {12, 12, 65, 66}, conv_options(1, Padding::all(6)));
  check_partial(Precision::bf16, many_taps, ConvSlot::w);
}

TEST_CASE("Emulated tensor conv2d_weight_grad: splits are added in order") {
  const ConvDims d = conv_dims({13, 9, 9, 3}, {2, 2, 3, 5}, conv_options(1, Padding::same()));
  for (const Precision p : formats) {
    const UsePrecision use(p);
    CHECK(check_partial(p, d, ConvSlot::w, 0) == 4 * 2 * 2 * 3 * 5 * sizeof(float));
    check_partial(p, d, ConvSlot::w, 1);
  }
}

TEST_CASE("Emulated tensor conv2d: bias and activations, also where there is no tap") {
  const std::vector<float> bias = random_values<float>(7, 3);
  const ConvDims d = conv_dims({2, 5, 5, 6}, {2, 2, 6, 7}, conv_options(1, Padding::all(2)));
  const ConvDims sparse = conv_dims({2, 7, 7, 6}, {2, 2, 6, 7}, conv_options(3, Padding::valid()));
  for (const Precision p : formats)
    for (const Activation activation : {Activation::leaky_relu(0.2), Activation::tanh}) {
      const Epilogue<float> e{bias.data(), activation};
      check_partial(p, d, ConvSlot::g, 0, e);
      check_partial(p, sparse, ConvSlot::x, 0, e);
    }
}

TEST_CASE("The precision is a choice by device, with fp32 to begin with") {
  const Device there = Device::emulated();
  CHECK(precision(there) == Precision::fp32);
  CHECK(precision(Device::cpu()) == Precision::fp32);
  {
    const UsePrecision use(Precision::tf32);
    CHECK(precision(there) == Precision::tf32);
    CHECK(precision(Device::cpu()) == Precision::fp32);
    // 1 + 2^-12 is 1 in TF32.
    const Variable<float> x(Tensor<float>::full({2, 4}, 1.0f + 0x1p-12f, there));
    const Variable<float> y(Tensor<float>::full({4, 2}, 1.0f, there));
    CHECK(ops::matmul(x, y).value().to_vector() == std::vector<float>(4, 4.0f));
  }
  CHECK(precision(there) == Precision::fp32);
  set_precision(Device::cpu(), Precision::fp32);
  CHECK(contains(error_of([] { set_precision(Device::cpu(), Precision::tf32); }),
                 "device cpu: it computes in fp32, not in tf32"));
  CHECK(parse_precision("bf16") == Precision::bf16);
  CHECK(contains(error_of([] { parse_precision("fp16"); }), "'fp16', expected fp32, tf32 or bf16"));
}

}  // namespace
}  // namespace tinygan
