// Tensor-core products and ldmatrix on the emulated device, against plain loops over the fragment layouts of the PTX
// ISA.
#include "../../kernels/device/mma.cuh"

#include <cmath>

#include "support/catch.hpp"
#include "support/kernel_check.hpp"

namespace tinygan::cuda {
namespace {

// The tables of the PTX ISA manual, section "Matrix Fragments": row and column of element i of a lane.
struct Element {
  int row, column;
};
Element tf32_a(int lane, int i) { return {lane / 4 + (i == 1 || i == 3 ? 8 : 0), lane % 4 + (i >= 2 ? 4 : 0)}; }
Element tf32_b(int lane, int i) { return {lane % 4 + (i == 1 ? 4 : 0), lane / 4}; }
Element bf16_a(int lane, int i) {  // i in 0..7
  const bool lower = i == 2 || i == 3 || i >= 6;
  return {lane / 4 + (lower ? 8 : 0), lane % 4 * 2 + i % 2 + (i >= 4 ? 8 : 0)};
}
Element bf16_b(int lane, int i) { return {lane % 4 * 2 + i % 2 + (i >= 2 ? 8 : 0), lane / 4}; }
Element result(int lane, int i) { return {lane / 4 + (i >= 2 ? 8 : 0), lane % 4 * 2 + i % 2}; }

__global__ void tf32_kernel(const FragmentA* a, const FragmentB* b, FragmentC* c) {
  mma_tf32(c[lane_id()], a[lane_id()], b[lane_id()]);
}
__global__ void bf16_kernel(const FragmentA* a, const FragmentB* b, FragmentC* c) {
  mma_bf16(c[lane_id()], a[lane_id()], b[lane_id()]);
}

/// a(16,K) b(K,8) + c(16,8) with products and sums as exact as double has them, and the sum of absolute values.
struct Product {
  double value[16][8] = {}, magnitude[16][8] = {};
  template <class A, class B>
  Product(int K, const A& a, const B& b, const float* c) {
    for (int m = 0; m < 16; ++m)
      for (int n = 0; n < 8; ++n) {
        value[m][n] = static_cast<double>(c[m * 8 + n]);
        for (int k = 0; k < K; ++k) value[m][n] += a(m, k) * b(k, n);
        magnitude[m][n] = std::fabs(static_cast<double>(c[m * 8 + n]));
        for (int k = 0; k < K; ++k) magnitude[m][n] += std::fabs(a(m, k) * b(k, n));
      }
  }
  void check(const FragmentC* found, int K) const {
    for (int lane = 0; lane < 32; ++lane)
      for (int i = 0; i < 4; ++i) {
        const auto [m, n] = result(lane, i);
        CHECK(std::fabs(static_cast<double>(found[lane].at[i]) - value[m][n]) <= (K + 1) * 0x1p-24 * magnitude[m][n]);
      }
  }
};

TEST_CASE("mma.sync TF32 multiplies what its layouts say") {
  const auto a = test::random_values<float>(16 * 8, 1), b = test::random_values<float>(8 * 8, 2),
             c = test::random_values<float>(16 * 8, 3);
  FragmentA fa[32];
  FragmentB fb[32];
  FragmentC fc[32];
  for (int lane = 0; lane < 32; ++lane) {
    for (int i = 0; i < 4; ++i) {
      const auto [m, k] = tf32_a(lane, i);
      fa[lane].at[i] = std::bit_cast<std::uint32_t>(a[static_cast<std::size_t>(m * 8 + k)]);
      const auto [row, column] = result(lane, i);
      fc[lane].at[i] = c[static_cast<std::size_t>(row * 8 + column)];
    }
    for (int i = 0; i < 2; ++i) {
      const auto [k, n] = tf32_b(lane, i);
      fb[lane].at[i] = std::bit_cast<std::uint32_t>(b[static_cast<std::size_t>(k * 8 + n)]);
    }
  }
  launch<tf32_kernel>({.block = {32}}, fa, fb, fc);
  const auto cut = [](float x) {
    return static_cast<double>(std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) & 0xffffe000u));
  };
  const Product exact(
      8, [&](int m, int k) { return cut(a[static_cast<std::size_t>(m * 8 + k)]); },
      [&](int k, int n) { return cut(b[static_cast<std::size_t>(k * 8 + n)]); }, c.data());
  exact.check(fc, 8);
}

TEST_CASE("mma.sync bfloat16 multiplies what its layouts say") {
  const auto a = test::random_values<float>(16 * 16, 1), b = test::random_values<float>(16 * 8, 2),
             c = test::random_values<float>(16 * 8, 3);
  FragmentA fa[32];
  FragmentB fb[32];
  FragmentC fc[32];
  for (int lane = 0; lane < 32; ++lane) {
    const auto a_at = [&](int i) {
      const auto [m, k] = bf16_a(lane, i);
      return a[static_cast<std::size_t>(m * 16 + k)];
    };
    const auto b_at = [&](int i) {
      const auto [k, n] = bf16_b(lane, i);
      return b[static_cast<std::size_t>(k * 8 + n)];
    };
    for (int i = 0; i < 4; ++i) {
      fa[lane].at[i] = pack_bf16(a_at(2 * i), a_at(2 * i + 1));
      const auto [row, column] = result(lane, i);
      fc[lane].at[i] = c[static_cast<std::size_t>(row * 8 + column)];
    }
    for (int i = 0; i < 2; ++i) fb[lane].at[i] = pack_bf16(b_at(2 * i), b_at(2 * i + 1));
  }
  launch<bf16_kernel>({.block = {32}}, fa, fb, fc);
  const auto round = [](float x) { return static_cast<double>(static_cast<float>(bfloat16(x))); };
  const Product exact(
      16, [&](int m, int k) { return round(a[static_cast<std::size_t>(m * 16 + k)]); },
      [&](int k, int n) { return round(b[static_cast<std::size_t>(k * 8 + n)]); }, c.data());
  exact.check(fc, 16);
}

template <int Count, bool Transpose>
__global__ void load_matrix_kernel(Pack<std::uint32_t, Count>* y) {
  auto* const s = block_shared<std::uint16_t>(4 * 64);
  for (unsigned i = threadIdx.x; i < 4 * 64; i += 32) s[i] = static_cast<std::uint16_t>(i);
  __syncwarp();
  y[lane_id()] = load_matrix<Count, Transpose>(s + 8 * (lane_id() % (8 * Count)));
}

template <int Count, bool Transpose>
void check_load_matrix() {
  Pack<std::uint32_t, Count> y[32];
  launch<load_matrix_kernel<Count, Transpose>>({.block = {32}, .shared_bytes = 512}, y);
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned tile = 0; tile < Count; ++tile) {
      const unsigned g = lane / 4, t = lane % 4;
      const unsigned low = Transpose ? 2 * t * 8 + g : g * 8 + 2 * t, high = Transpose ? low + 8 : low + 1;
      CHECK(y[lane].at[tile] == ((64 * tile + low) | (64 * tile + high) << 16));
    }
}

TEST_CASE("ldmatrix hands out the tiles' elements") {
  check_load_matrix<1, false>();
  check_load_matrix<2, false>();
  check_load_matrix<4, false>();
  check_load_matrix<1, true>();
  check_load_matrix<2, true>();
  check_load_matrix<4, true>();
}

TEST_CASE("Rounding to TF32: nearest, ties away from zero, special values kept") {
  CHECK(round_tf32(1.0f) == 1.0f);
  CHECK(round_tf32(1.0f + 0x1p-11f) == 1.0f + 0x1p-10f);
  CHECK(round_tf32(-1.0f - 0x1p-11f) == -1.0f - 0x1p-10f);
  CHECK(round_tf32(1.0f + 0x1p-12f) == 1.0f);
  CHECK(std::isinf(round_tf32(std::numeric_limits<float>::infinity())));
  CHECK(std::isnan(round_tf32(std::numeric_limits<float>::quiet_NaN())));
  CHECK(low_bf16(pack_bf16(1.5f, -2.0f)) == 1.5f);
  CHECK(high_bf16(pack_bf16(1.5f, -2.0f)) == -2.0f);
}

}  // namespace
}  // namespace tinygan::cuda
