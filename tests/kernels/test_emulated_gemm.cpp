// The matrix product as CUDA kernels on the emulated device, against sums in double.
#include "kernels/products.hpp"

namespace tinygan {
namespace {

using namespace test;

constexpr Precision fp32 = Precision::fp32;

TEST_CASE("Emulated gemm: awkward extents in every transposition, aligned or not") {
  for (const bool trans_a : {false, true})
    for (const bool trans_b : {false, true}) {
      for (const GemmDims& d : {GemmDims{1, 1, 1}, GemmDims{1, 5, 3}, GemmDims{37, 1, 41}, GemmDims{33, 41, 1},
                                GemmDims{31, 37, 29}, GemmDims{32, 64, 16}, GemmDims{36, 40, 12}, GemmDims{1, 100, 64}})
        check_gemm(fp32, {d.M, d.N, d.K, trans_a, trans_b});
      check_gemm(fp32, {36, 40, 12, trans_a, trans_b}, 1);
    }
}

TEST_CASE("Emulated gemm: each tile size, in every transposition") {
  // A few long rows make tiles enough without many products.
  for (const bool trans_a : {false, true})
    for (const bool trans_b : {false, true}) {
      check_gemm(fp32, {33, 64 * 131 + 1, 3, trans_a, trans_b});
      if (trans_a != trans_b) check_gemm(fp32, {65, 128 * 131 + 4, 9, trans_a, trans_b});
    }
  check_gemm(fp32, {65, 128 * 131 + 4, 9, false, false});
  check_gemm(fp32, {65, 128 * 131 + 4, 9, true, true});
}

TEST_CASE("Emulated gemm: split-K of a large K, added in order") {
  for (const bool trans_a : {false, true})
    for (const bool trans_b : {false, true})
      CHECK(check_gemm(fp32, {5, 7, 1027, trans_a, trans_b}) == 4 * 5 * 7 * sizeof(float));
  const std::vector<float> bias = random_values<float>(7, 3);
  check_gemm(fp32, {5, 7, 1027, false, false}, 0, {bias.data(), Activation::tanh});
}

TEST_CASE("Emulated gemm: bias and activations, in every kernel") {
  const std::vector<float> bias = random_values<float>(33, 3);
  for (const Activation activation : all_activations(0.3)) {
    check_gemm(fp32, {7, 33, 5, false, true}, 0, {bias.data(), activation});
    check_gemm(fp32, {7, 1, 300, false, true}, 1, {nullptr, activation});
  }
  for (const Activation activation : all_activations(1.7))
    check_gemm(fp32, {7, 1, 300, false, false}, 0, {bias.data(), activation});
}

TEST_CASE("Emulated gemm: a NaN spreads to its row only") {
  const GemmDims d{9, 10, 11};
  const Operand a(d.M * d.K, 0, 1), b(d.K * d.N, 0, 2);
  a[3 * d.K + 4] = std::numeric_limits<float>::quiet_NaN();
  const auto c = both_ways(d.M * d.N, [&](float* out) {
    emulated_kernels().gemm(d, {nullptr, Activation::relu}, a.data(), b.data(), out, no_workspace(), {});
  });
  for (index_t i = 0; i < d.M * d.N; ++i) CHECK(std::isnan(c[static_cast<std::size_t>(i)]) == (i / d.N == 3));
}

}  // namespace
}  // namespace tinygan
