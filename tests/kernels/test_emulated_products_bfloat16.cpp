// Matrix products and convolutions of bfloat16 elements on the emulated device, against sums in double of the same
// elements: as tight as sums in fp32 that are rounded once, when they are stored.
#include "kernels/products.hpp"

namespace tinygan {
namespace {

using namespace test;

constexpr Precision bf16 = Precision::bf16;

void check_gemm(const GemmDims& d, int offset = 0, const Epilogue<bfloat16>& e = {}) {
  test::check_gemm<bfloat16>(bf16, d, offset, e);
}
void check_partial(const ConvDims& d, ConvSlot slot, int offset = 0, const Epilogue<bfloat16>& e = {}) {
  test::check_partial<bfloat16>(bf16, d, slot, offset, e);
}
void check_conv(const ConvDims& d, int offset = 0) { test::check_conv<bfloat16>(bf16, d, offset); }

/// check(epilogue) with each activation after a bias of `channels`.
template <class Check>
void with_epilogues(index_t channels, const Check& check) {
  const Operand<bfloat16> bias(channels, 1, 5);
  for (const Activation activation : all_activations(0.3))
    check(Epilogue<bfloat16>{.bias = bias.data(), .activation = activation});
}

TEST_CASE("Emulated gemm of bfloat16: awkward extents in every transposition, aligned or not") {
  for (const bool trans_a : {false, true})
    for (const bool trans_b : {false, true}) {
      for (const GemmDims& d : {GemmDims{1, 1, 1}, GemmDims{1, 5, 3}, GemmDims{37, 1, 41}, GemmDims{33, 41, 1},
                                GemmDims{31, 37, 29}, GemmDims{64, 72, 136}, GemmDims{36, 44, 100}})
        check_gemm({d.M, d.N, d.K, trans_a, trans_b});
      for (const int offset : {1, 2, 4}) check_gemm({40, 72, 80, trans_a, trans_b}, offset);
      check_gemm({5, 72, 1027, trans_a, trans_b});  // split-K
    }
  check_gemm({128, 64 * 64, 64, true, false});
  check_gemm({128, 64 * 64, 64, false, true}, 1);  // off the boundary that large products want
}

TEST_CASE("Emulated gemm of bfloat16: large, deep and off the boundary that large products want") {
  // Some of the rows tell.
  const GemmDims d{97, 64 * 64, 512};
  const KernelTable<bfloat16>& k = emulated_kernels<bfloat16>();
  const Operand<bfloat16> a(d.M * d.K, 1, 1), b(d.K * d.N, 1, 2);
  std::vector<bfloat16> c(static_cast<std::size_t>(d.M * d.N));
  GuardedWorkspace workspace;
  k.gemm(d, {}, a.data(), b.data(), c.data(), workspace, {});
  CHECK(workspace.intact());
  for (const index_t row : {0, 63, 96}) {
    const Reference expected = reference_gemm({1, d.N, d.K}, a.data() + row * d.K, b.data());
    const auto from = c.begin() + row * d.N;
    check_product(bf16, std::vector<bfloat16>(from, from + d.N), expected, expected, Epilogue<bfloat16>{});
  }
}

TEST_CASE("Emulated gemm of bfloat16: each tile size") {
  check_gemm({65, 128 * 131 + 4, 9, false, true});
  check_gemm({65, 128 * 131 + 4, 9, true, false}, 1);
}

TEST_CASE("Emulated gemm of bfloat16: epilogues of every kernel") {
  const std::size_t partial_sums = 4 * 5 * 7 * sizeof(float);  // of bfloat16 too
  for (const auto& [d, bytes] : {std::pair{GemmDims{7, 36, 5, false, true}, std::size_t{0}},
                                 {GemmDims{9, 33, 12}, 0},
                                 {GemmDims{5, 7, 1027, true, false}, partial_sums},
                                 {GemmDims{7, 1, 300}, 0}})
    with_epilogues(d.N, [&, &d = d, &bytes = bytes](const Epilogue<bfloat16>& e) {
      CHECK(test::check_gemm(bf16, d, 0, e) == bytes);
    });
}

TEST_CASE("Emulated conv2d of bfloat16: strides, paddings and dilations of odd shapes") {
  for (const index_t kernel : {1, 3, 4})
    for (const index_t stride : {1, 2, 3})
      for (const index_t dilation : {1, 2})
        if (kernel == 3 || dilation == 1)
          check_conv(conv_dims({2, 7, 6, 3}, {kernel, kernel, 3, 5}, conv_options(stride, Padding::same(), dilation)));
  const ConvOptions uneven{2, 3, Padding::sides(2, 0, 0, 3), 1, 2};
  check_conv(conv_dims({3, 8, 11, 2}, {4, 3, 2, 7}, uneven));
  check_conv(conv_dims({2, 11, 13, 3}, {2, 2, 3, 4}, conv_options(5, Padding::valid())));  // pixels without taps
  // Dense layers in disguise.
  check_conv(conv_dims({5, 3, 3, 6}, {3, 3, 6, 7}, conv_options(1, Padding::valid())));
  check_conv(conv_dims({7, 1, 1, 5}, {1, 1, 5, 6}, conv_options(1, Padding::valid())));
}

TEST_CASE("Emulated conv2d of bfloat16: packs, words and single elements, in one step and in several") {
  for (const int offset : {0, 1, 2, 8}) {
    check_conv(conv_dims({3, 5, 4, 16}, {3, 3, 16, 24}, conv_options(2, Padding::same())), offset);
    check_conv(conv_dims({3, 3, 4, 72}, {2, 2, 72, 136}, conv_options(1, Padding::same())), offset);
  }
  check_conv(conv_dims({2, 4, 4, 66}, {2, 2, 66, 70}, conv_options(1, Padding::same())));
}

TEST_CASE("Emulated conv2d of bfloat16: each tile size") {
  const auto pointwise = [](index_t N, index_t C, index_t K) {
    return conv_dims({N, 17, 17, C}, {1, 1, C, K}, conv_options(1, Padding::valid()));
  };
  check_partial(pointwise(30, 2, 36), ConvSlot::g);
  check_partial(pointwise(59, 2, 68), ConvSlot::g);
  check_partial(pointwise(59, 68, 2), ConvSlot::x);
  check_partial(conv_dims({1, 6, 6, 65}, {12, 12, 65, 66}, conv_options(1, Padding::all(6))), ConvSlot::w);
  check_partial(conv_dims({2, 6, 6, 8}, {12, 12, 8, 16}, conv_options(1, Padding::all(6))), ConvSlot::w);
}

TEST_CASE("Emulated conv2d of bfloat16: one channel in, out, or both") {
  for (const int offset : {0, 1, 4}) {
    check_conv(conv_dims({3, 8, 8, 1}, {5, 5, 1, 36}, conv_options(2, Padding::same())), offset);
    check_conv(conv_dims({2, 7, 8, 36}, {3, 3, 36, 1}, conv_options(1, Padding::same())), offset);
  }
  check_conv(conv_dims({1, 5, 5, 1}, {3, 2, 1, 141}, {2, 1, Padding::sides(1, 0, 0, 2), 1, 2}));
  check_conv(conv_dims({1, 7, 7, 1}, {3, 3, 1, 1}, conv_options(2, Padding::same())));
  check_partial(conv_dims({9, 9, 9, 1}, {6, 6, 1, 33}, conv_options(1, Padding::same())), ConvSlot::w);  // split-K
  check_partial(conv_dims({9, 9, 9, 33}, {6, 6, 33, 1}, conv_options(1, Padding::same())), ConvSlot::w);
}

TEST_CASE("Emulated conv2d of bfloat16: epilogues of every kernel") {
  const Padding same = Padding::same();
  const ConvDims shapes[] = {
      conv_dims({2, 5, 4, 4}, {3, 3, 4, 8}, {2, 2, same}), conv_dims({2, 6, 6, 1}, {5, 5, 1, 8}, {2, 2, same}),
      conv_dims({2, 5, 5, 8}, {3, 3, 8, 1}, {1, 1, same}),
      conv_dims({2, 11, 9, 3}, {2, 2, 3, 5}, {4, 4, Padding::valid()}), conv_dims({3, 2, 3, 5}, {2, 3, 5, 9}, {})};
  for (const ConvDims& d : shapes) {
    with_epilogues(d.K, [&](const Epilogue<bfloat16>& e) { check_partial(d, ConvSlot::g, 0, e); });
    with_epilogues(d.C, [&](const Epilogue<bfloat16>& e) { check_partial(d, ConvSlot::x, 0, e); });
  }
}

TEST_CASE("Emulated conv2d of bfloat16: the partials are adjoint to each other") {
  const KernelTable<bfloat16>& k = emulated_kernels<bfloat16>();
  for (const ConvDims& d : {conv_dims({3, 6, 5, 16}, {3, 3, 16, 8}, conv_options(2, Padding::same())),
                            conv_dims({2, 7, 7, 3}, {2, 4, 3, 70}, conv_options(1, Padding::all(1), 2)),
                            conv_dims({3, 8, 8, 1}, {5, 5, 1, 16}, conv_options(2, Padding::same()))}) {
    const Operand<bfloat16> x(d.x_shape().size(), 0, 1), w(d.w_shape().size(), 0, 2), g(d.y_shape().size(), 0, 3);
    struct Sum {
      double value = 0, size = 0;
    };
    const auto run = [&](const Operand<bfloat16>& with, auto kernel) {
      std::vector<bfloat16> found(static_cast<std::size_t>(with.size()));
      GuardedWorkspace workspace;
      kernel(found.data(), workspace);
      Sum s;
      for (index_t i = 0; i < with.size(); ++i) {
        const double term = double{with[i]} * double{found[static_cast<std::size_t>(i)]};
        s.value += term;
        s.size += std::fabs(term);
      }
      return s;
    };
    const Sum sums[] = {
        run(g, [&](bfloat16* y, Workspace& s) { k.conv2d(d, {}, x.data(), w.data(), y, s, {}); }),
        run(x, [&](bfloat16* dx, Workspace& s) { k.conv2d_input_grad(d, {}, g.data(), w.data(), dx, s, {}); }),
        run(w, [&](bfloat16* dw, Workspace& s) { k.conv2d_weight_grad(d, x.data(), g.data(), dw, s, {}); })};
    double terms = 0, size = 0;
    for_each_product(d, [&](index_t i, index_t j, index_t m) {
      terms += 1;
      size += std::fabs(double{x[i]} * double{w[j]} * double{g[m]});
    });
    const double longest = static_cast<double>(std::max({d.R * d.S * std::max(d.C, d.K), d.N * d.P * d.Q})) + 2;
    for (const Sum& s : sums) {  // each off by its elements' rounding, and by the fp32 sums before
      CAPTURE(d.C, d.K, s.value, sums[0].value);
      CHECK(std::fabs(s.value - sums[0].value) <= 0x1p-8 * (s.size + sums[0].size) + 2 * longest * float_eps * size);
    }
    CHECK(std::fabs(sums[0].value) > 0);
  }
}

TEST_CASE("Emulated gemm of bfloat16: a NaN spreads to its row only") {
  const GemmDims d{9, 10, 11};
  const Operand<bfloat16> a(d.M * d.K, 0, 1), b(d.K * d.N, 0, 2);
  a[3 * d.K + 4] = bfloat16(std::numeric_limits<float>::quiet_NaN());
  const auto c = both_ways<bfloat16>(d.M * d.N, [&](bfloat16* out) {
    emulated_kernels<bfloat16>().gemm(d, {.activation = Activation::relu}, a.data(), b.data(), out, no_workspace(), {});
  });
  for (index_t i = 0; i < d.M * d.N; ++i) CHECK(std::isnan(double{c[static_cast<std::size_t>(i)]}) == (i / d.N == 3));
}

}  // namespace
}  // namespace tinygan
