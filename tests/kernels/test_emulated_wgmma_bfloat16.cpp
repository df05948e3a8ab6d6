// Elements bfloat16 on Hopper's tensor cores, emulated: products, convolutions and weight gradients that TMA reads in
// place, at shapes too small for the contract to choose them; and what happens where TMA cannot read.
#include "../../kernels/conv.cuh"

#include "kernels/products.hpp"

namespace tinygan::cuda {
namespace {

constexpr Precision bf16 = Precision::bf16;
using Epilogue16 = Epilogue<bfloat16>;

/// Each launch with its results, in both orders of execution, against sums in double.
void check(const test::Reference& expected, const Epilogue16& e, const auto& run) {
  const auto found = test::both_ways<bfloat16>(static_cast<index_t>(expected.value.size()), run);
  test::check_product(bf16, found, expected, expected, e);
}

ConvDims dims(const Shape& x, const Shape& w, index_t stride = 1, Padding padding = Padding::same()) {
  return conv_dims(x, w, test::conv_options(stride, padding));
}

// ---- Convolutions ---------------------------------------------------------------------------------------------------

template <bool Adjoint>
test::Reference reference(const ConvDims& d, const bfloat16* in, const bfloat16* w, const Epilogue16& e) {
  test::Reference r = Adjoint ? test::reference_conv2d_input_grad(d, in, w) : test::reference_conv2d(d, in, w);
  test::reference_epilogue(e, Adjoint ? d.C : d.K, r);
  return r;
}

template <bool Adjoint>
void check_conv(const ConvDims& d, const Epilogue16& e = {}) {
  CAPTURE(Adjoint, d.N, d.H, d.W, d.C, d.R, d.S, d.K, d.stride_h, d.pad_top, d.pad_left);
  const test::Operand<bfloat16> in((Adjoint ? d.y_shape() : d.x_shape()).size(), 0, 1), w(d.w_shape().size(), 0, 2);
  check(reference<Adjoint>(d, in.data(), w.data(), e), e, [&](bfloat16* out) {
    wgmma_conv<bf16, bfloat16, Adjoint>(d, e, in.data(), w.data(), out, test::no_workspace(), {});
  });
}

TEST_CASE("Tap lists on wgmma: bfloat16 in place") {
  const auto both = [](const ConvDims& d) {
    check_conv<false>(d);
    check_conv<true>(d);
  };
  both(dims({64, 2, 2, 64}, {2, 2, 64, 128}));
  both(dims({130, 2, 1, 72}, {3, 1, 72, 136}, 2));                // tails of images, channels and outputs
  both(dims({3, 5, 5, 16}, {2, 2, 16, 8}, 3, Padding::valid()));  // pixels without taps
  const test::Operand<bfloat16> bias(136, 0, 3);
  check_conv<false>(dims({5, 2, 2, 8}, {2, 2, 8, 136}, 2), {bias.data(), Activation::leaky_relu(0.25)});
  check_conv<true>(dims({128, 2, 2, 64}, {1, 1, 64, 64}), {.activation = Activation::tanh});
}

TEST_CASE("Where TMA cannot read, convolutions take other tiles") {
  const ConvDims d = dims({96, 8, 8, 48}, {1, 1, 48, 48});
  REQUIRE(wgmma_conv_fits<bf16, bfloat16>(d, false));
  const test::Operand<bfloat16> x(d.x_shape().size(), 1, 1), w(d.w_shape().size(), 0, 2);
  check(reference<false>(d, x.data(), w.data(), {}), {},
        [&](bfloat16* y) { conv2d<bf16>(d, Epilogue16{}, x.data(), w.data(), y, test::no_workspace(), {}); });
}

// ---- Weight gradients -----------------------------------------------------------------------------------------------

/// With the kernel's splits, added; and where there is one, without partial sums.
void check_weight_gradient(const ConvDims& d, bool split) {
  CAPTURE(d.N, d.H, d.W, d.C, d.R, d.S, d.K, d.stride_h, d.pad_top, d.pad_left);
  const test::Operand<bfloat16> x(d.x_shape().size(), 0, 1), g(d.y_shape().size(), 0, 2);
  const index_t splits = wgmma_weight_grad_splits(d), size = d.w_shape().size();
  REQUIRE((splits > 1) == split);
  const test::Reference expected = test::reference_conv2d_weight_grad(d, x.data(), g.data());
  check(expected, {}, [&](bfloat16* dw) {
    test::GuardedWorkspace workspace;
    auto* const values = workspace.allocate<float>("test", {splits * size});
    wgmma_weight_grad(d, x.data(), g.data(), nullptr, values, {});
    CHECK(workspace.intact());
    sum_splits(size, splits, d.K, Epilogue16{}, values, dw, {});
  });
  if (!split) check(expected, {}, [&](bfloat16* dw) { wgmma_weight_grad(d, x.data(), g.data(), dw, nullptr, {}); });
}

TEST_CASE("Weight gradients on wgmma") {
  check_weight_gradient(dims({64, 2, 1, 64}, {2, 1, 64, 128}), false);
  check_weight_gradient(dims({130, 2, 2, 72}, {2, 2, 72, 136}), true);  // tails of images and channels
  check_weight_gradient(dims({192, 3, 3, 128}, {2, 2, 128, 64}, 2), true);
  check_weight_gradient(dims({128, 3, 3, 136}, {1, 1, 136, 128}, 1, Padding::valid()), true);
  check_weight_gradient(dims({7, 1, 1, 8}, {3, 3, 8, 16}), false);  // taps without pairs
}

TEST_CASE("The contract takes weight gradients on wgmma where shapes fit and TMA can read") {
  const ConvDims d = dims({64, 1, 1, 48}, {7, 7, 48, 136}, 1, Padding::all(3));
  const ConvDims deep = dims({64, 1, 1, 48}, {8, 8, 48, 96}, 1, Padding::all(5));
  CHECK_FALSE(wgmma_weight_grad_fits<bf16, float>(d));
  CHECK_FALSE(wgmma_weight_grad_fits<bf16, bfloat16>(dims({64, 4, 4, 48}, {4, 4, 48, 100})));  // rows of no whole packs
  CHECK_FALSE(wgmma_weight_grad_fits<bf16, bfloat16>(dims({40, 4, 4, 48}, {4, 4, 48, 96})));   // steps half empty
  const auto by_contract = [](const ConvDims& dims, int offset) {
    REQUIRE(wgmma_weight_grad_fits<bf16, bfloat16>(dims));
    const test::Operand<bfloat16> x(dims.x_shape().size(), offset, 1), g(dims.y_shape().size(), 0, 2);
    check(test::reference_conv2d_weight_grad(dims, x.data(), g.data()), {}, [&](bfloat16* dw) {
      test::GuardedWorkspace workspace;
      conv2d_weight_grad<bf16>(dims, x.data(), g.data(), dw, workspace, {});
      CHECK(workspace.intact());
    });
  };
  by_contract(d, 0);
  // Where TMA cannot read, other tiles have splits of their own.
  REQUIRE(wgmma_weight_grad_splits(deep) != weight_grad_splits<bf16, bfloat16>(deep));
  by_contract(deep, 1);
}

// ---- Products -------------------------------------------------------------------------------------------------------

void check_product_of(const GemmDims& d) {
  CAPTURE(d.M, d.N, d.K, d.trans_a, d.trans_b);
  const test::Operand<bfloat16> a(d.M * d.K, 0, 1), b(d.K * d.N, 0, 2);
  check(test::reference_gemm(d, a.data(), b.data()), {},
        [&](bfloat16* c) { wgmma_gemm<bf16>(d, Epilogue16{}, a.data(), b.data(), c, test::no_workspace(), {}); });
}

TEST_CASE("Matrix products on wgmma: bfloat16 in place, in every transposition") {
  for (const bool trans_a : {false, true})
    for (const bool trans_b : {false, true}) {
      check_product_of({136, 72, 200, trans_a, trans_b});
      check_product_of({64, 136, 72, trans_a, trans_b});
      check_product_of({8, 8, 8, trans_a, trans_b});
    }
  check_product_of({128, 64, 70, true, false});  // rows are of M and N: K is any number
}

/// In tiles of 128 columns, which the launcher takes for many of them.
template <Major A, Major B>
void check_wide_tile() {
  const GemmDims d{136, 200, 72, A == Major::mn, B == Major::k};
  CAPTURE(d.trans_a, d.trans_b);
  const test::Operand<bfloat16> a(d.M * d.K, 0, 1), b(d.K * d.N, 0, 2);
  check(test::reference_gemm(d, a.data(), b.data()), {}, [&](bfloat16* c) {
    TapPlan plan = wgmma_gemm_plan(d, c);
    wgmma_taps_in<WgmmaTile<bf16, 128, 128, A, B>>(plan, 1, 1, Epilogue16{}, a.data(), b.data(), c, {});
  });
}

TEST_CASE("Matrix products on wgmma in tiles of 128 columns") {
  check_wide_tile<Major::k, Major::k>();
  check_wide_tile<Major::k, Major::mn>();
  check_wide_tile<Major::mn, Major::k>();
  check_wide_tile<Major::mn, Major::mn>();
}

TEST_CASE("The contract takes products of bfloat16 on wgmma where their rows are made of packs") {
  CHECK(wgmma_gemm_fits<bf16, bfloat16>({128, 4096, 70, true, false}));
  CHECK_FALSE(wgmma_gemm_fits<bf16, bfloat16>({128, 4096, 70, true, true}));
  CHECK_FALSE(wgmma_gemm_fits<bf16, bfloat16>({128, 4096, 70, false, false}));
  CHECK_FALSE(wgmma_gemm_fits<bf16, bfloat16>({128, 4100, 72, false, false}));
  CHECK(wgmma_gemm_fits<bf16, bfloat16>({128, 4100, 72, false, true}));
  const GemmDims d{96, 4096, 32};
  REQUIRE(wgmma_gemm_fits<bf16, bfloat16>(d));
  const test::Operand<bfloat16> a(d.M * d.K, 0, 1), b(d.K * d.N, 1, 2);  // which TMA cannot read
  check(test::reference_gemm(d, a.data(), b.data()), {},
        [&](bfloat16* c) { gemm<bf16>(d, Epilogue16{}, a.data(), b.data(), c, test::no_workspace(), {}); });
}

}  // namespace
}  // namespace tinygan::cuda
