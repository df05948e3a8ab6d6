// Hopper's way of multiplying on the emulated device: mbarriers, TMA copies and wgmma by themselves, and the products
// built on them at shapes too small for the contract to choose them.
#include "../../kernels/conv.cuh"

#include "kernels/products.hpp"

namespace tinygan::cuda {
namespace {

using support::contains;
using support::error_of;

// ---- mbarrier -------------------------------------------------------------------------------------------------------

struct PassedOn {
  Mbarrier full, empty;
  int value;
};

/// Thread 0 hands numbers to thread 32, one at a time.
__global__ void pass_on_kernel(int count, int* y) {
  auto& s = block_shared<PassedOn>();
  if (threadIdx.x == 0) {
    mbarrier_init(s.full, 1);
    mbarrier_init(s.empty, 1);
    mbarrier_ready();
  }
  __syncthreads();
  for (int i = 0; i < count; ++i) {
    const auto parity = static_cast<unsigned>(i) % 2;
    if (threadIdx.x == 0) {
      mbarrier_wait(s.empty, parity ^ 1u);
      s.value = 10 * i;
      mbarrier_arrive(s.full);
    } else if (threadIdx.x == 32) {
      mbarrier_wait(s.full, parity);
      y[i] = s.value;
      mbarrier_arrive(s.empty);
    }
  }
}

TEST_CASE("An mbarrier passes phases on between warps") {
  const std::vector<int> y = test::both_ways<int>(
      5, [](int* out) { launch<pass_on_kernel>({.block = {64}, .shared_bytes = sizeof(PassedOn)}, 5, out); });
  CHECK(y == std::vector<int>{0, 10, 20, 30, 40});
}

__global__ void endless_wait_kernel() {
  auto& b = block_shared<Mbarrier>();
  if (threadIdx.x == 0) mbarrier_init(b, 2);
  __syncthreads();
  if (threadIdx.x == 1) mbarrier_arrive(b);
  mbarrier_wait(b, 0);
}
__global__ void crowded_barrier_kernel() {
  auto& b = block_shared<Mbarrier>();
  if (threadIdx.x == 0) mbarrier_init(b, 2);
  __syncthreads();
  mbarrier_arrive_expect(b, threadIdx.x == 0 ? 16 : 0);
}

TEST_CASE("An mbarrier that no thread completes, or too many arrive at, is named") {
  const Launch how{.block = {3}, .shared_bytes = sizeof(Mbarrier)};
  CHECK(contains(error_of([&] { launch<endless_wait_kernel>(how); }), "deadlock: it waits for a phase of an mbarrier"));
  CHECK(contains(error_of([&] { launch<crowded_barrier_kernel>(how); }), "more threads arrive"));
}

// ---- TMA ------------------------------------------------------------------------------------------------------------

struct Boxed {
  unsigned char tile[2 * 3 * 128];
  Mbarrier full;
};
static_assert(sizeof(Boxed) % 8 == 0);

/// y(2,1,3,32) = the box of x at (x0, x1, x2, x3), unswizzled; `wait` for it or read it at once.
__global__ void box_kernel(const __grid_constant__ TensorMap map, int x0, int x1, int x2, int x3, bool wait, float* y) {
  auto& s = block_shared<Boxed>();
  if (threadIdx.x == 0) {
    mbarrier_init(s.full, 1);
    mbarrier_ready();
    mbarrier_arrive_expect(s.full, sizeof s.tile);
    tma_load(s.tile, map, x0, x1, x2, x3, s.full);
  }
  __syncthreads();
  if (wait) mbarrier_wait(s.full, 0);
  for (unsigned row = 0; row < 6; ++row) {
    const unsigned chunk = (threadIdx.x / 4) ^ (row % 8);
    std::memcpy(&y[row * 32 + threadIdx.x], s.tile + row * 128 + chunk * 16 + threadIdx.x % 4 * 4, 4);
  }
}

TEST_CASE("TMA loads a box, swizzled, with zeros outside of the tensor, when it is waited for") {
  const index_t N = 3, H = 4, W = 5, C = 36;
  const auto x = test::random_values<float>(N * H * W * C, 1);
  const TensorMap map = tensor_map({x.data(), 4, {C, W, H, N}, {32, 3, 1, 2}});
  const Launch how{.block = {32}, .shared_bytes = sizeof(Boxed)};
  for (const std::array<int, 4>& at : {std::array{0, 0, 0, 0}, {4, 2, 3, 1}, {32, 3, 1, 2}, {-4, -1, 2, 0}}) {
    const auto y = test::both_ways(
        2 * 3 * 32, [&](float* out) { launch<box_kernel>(how, map, at[0], at[1], at[2], at[3], true, out); });
    for (index_t i = 0; i < 2 * 3 * 32; ++i) {
      const index_t c = at[0] + i % 32, w = at[1] + i / 32 % 3, n = at[3] + i / 96;
      const bool inside = c >= 0 && c < C && w >= 0 && w < W && n < N;
      const index_t from = ((n * H + at[2]) * W + w) * C + c;
      REQUIRE(y[static_cast<std::size_t>(i)] == (inside ? x[static_cast<std::size_t>(from)] : 0.0f));
    }
  }
  std::vector<float> early(2 * 3 * 32);
  const auto look_early = [&] { launch<box_kernel>(how, map, 0, 0, 0, 0, false, early.data()); };
  CHECK(contains(error_of(look_early), "unfinished copy"));
  for (const float v : early) REQUIRE(std::isnan(v));
  CHECK(contains(error_of([&] { tensor_map({x.data() + 1, 4, {C, W, H, N}, {32, 3, 1, 2}}); }), "16-byte aligned"));
  CHECK(contains(error_of([&] { tensor_map({x.data(), 4, {34, W, H, N}, {32, 3, 1, 2}}); }), "stride"));
}

// ---- wgmma ----------------------------------------------------------------------------------------------------------

template <int N>
struct WgmmaOperands {
  unsigned char a[64 * 128], b[8 * N * 128];
  Mbarrier full;
};

/// y(64,8N) = op(a)(64,D) op(b)(D,8N) over 128 bytes, or 64 indices, of D. `wait` or look at the accumulators at once;
/// Said: the layout in the descriptor of b.
template <Precision F, Major A, Major B, int N, Major Said = B>
__global__ void wgmma_kernel(const __grid_constant__ TensorMap a, const __grid_constant__ TensorMap b, bool wait,
                             float* y) {
  auto& s = block_shared<WgmmaOperands<N>>();
  if (threadIdx.x == 0) {
    mbarrier_init(s.full, 1);
    mbarrier_ready();
    mbarrier_arrive_expect(s.full, sizeof s.a + sizeof s.b);
    tma_load(s.a, a, 0, 0, 0, 0, s.full);
    for (int n = 0; n < 8 * N; n += B == Major::k ? 8 * N : 64) tma_load(s.b + n * 128, b, n, 0, 0, 0, s.full);
  }
  __syncthreads();
  mbarrier_wait(s.full, 0);
  FragmentC acc[N] = {};
  wgmma_fence();
  for (std::uint64_t k = 0; k < 4; ++k)
    wgmma<F, A, B>(acc, matrix_descriptor<A>(s.a) + k * descriptor_step<A>,
                   matrix_descriptor<Said>(s.b) + k * descriptor_step<B>);
  wgmma_commit();
  if (wait) wgmma_wait<0>();
  const unsigned row = 16 * warp_id() + lane_id() / 4, column = lane_id() % 4 * 2;
  for (unsigned j = 0; j < N; ++j)
    for (unsigned i = 0; i < 4; ++i) y[(row + i / 2 * 8) * 8 * N + 8 * j + column + i % 2] = acc[j].at[i];
}

/// A map of x(`rows`, D), or of x(D, `rows`), `rows` of them or 64 in a box.
template <class Element>
TensorMap operand_map(Major major, const Element* x, index_t D, index_t rows) {
  const int size = static_cast<int>(sizeof(Element)), d = static_cast<int>(D), r = static_cast<int>(rows);
  return major == Major::k ? tensor_map({x, size, {D, rows, 1, 1}, {d, r, 1, 1}})
                           : tensor_map({x, size, {rows, D, 1, 1}, {64, d, 1, 1}});
}

template <Precision F, int N, Major A = Major::k, Major B = Major::k>
void check_wgmma() {
  CAPTURE(F, N, A, B);
  using Element = OperandElement<F>;
  const index_t D = 128 / static_cast<index_t>(sizeof(Element));
  const auto x = test::random_values<float>(64 * D, 1), w = test::random_values<float>(8 * N * D, 2);
  std::vector<Element> a(x.size()), b(w.size());
  for (std::size_t i = 0; i < x.size(); ++i) a[i] = operand_of<F>(x[i]);
  for (std::size_t i = 0; i < w.size(); ++i) b[i] = operand_of<F>(w[i]);
  const TensorMap in_a = operand_map(A, a.data(), D, 64), in_b = operand_map(B, b.data(), D, 8 * N);
  const Launch how{.block = {128}, .shared_bytes = sizeof(WgmmaOperands<N>)};
  const auto y =
      test::both_ways(64 * 8 * N, [&](float* out) { launch<wgmma_kernel<F, A, B, N>>(how, in_a, in_b, true, out); });
  const GemmDims dims{64, 8 * N, D, A == Major::mn, B == Major::k};
  test::check_close(y, test::reference_gemm(dims, test::rounded(F, x).data(), test::rounded(F, w).data()));
  std::vector<float> early(y.size());
  launch<wgmma_kernel<F, A, B, N>>(how, in_a, in_b, false, early.data());
  CHECK(early == std::vector<float>(y.size(), 0.0f));
}

TEST_CASE("wgmma multiplies what TMA loaded, when it is waited for") {
  check_wgmma<Precision::tf32, 8>();
  check_wgmma<Precision::tf32, 16>();
  check_wgmma<Precision::bf16, 8>();
  check_wgmma<Precision::bf16, 16>();
}

TEST_CASE("wgmma multiplies bfloat16 whichever way it lies") {
  constexpr Major k = Major::k, mn = Major::mn;
  check_wgmma<Precision::bf16, 8, k, mn>();
  check_wgmma<Precision::bf16, 16, k, mn>();
  check_wgmma<Precision::bf16, 8, mn, k>();
  check_wgmma<Precision::bf16, 16, mn, k>();
  check_wgmma<Precision::bf16, 8, mn, mn>();
  check_wgmma<Precision::bf16, 16, mn, mn>();
  const std::vector<bfloat16> x(64 * 64);
  const TensorMap map = operand_map(mn, x.data(), 64, 64);
  std::vector<float> y(64 * 64);
  const Launch how{.block = {128}, .shared_bytes = sizeof(WgmmaOperands<8>)};
  CHECK(contains(error_of([&] { launch<wgmma_kernel<Precision::bf16, mn, mn, 8, k>>(how, map, map, true, y.data()); }),
                 "a descriptor of another layout"));
}

// ---- Products -------------------------------------------------------------------------------------------------------

/// x cut to TF32, as tensor cores read a float that nobody rounded.
float truncated(float x) { return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) & 0xffffe000u); }

template <Precision F, bool Adjoint>
void check_conv(const ConvDims& d, const Epilogue<float>& epilogue = {}) {
  CAPTURE(F, Adjoint, d.N, d.H, d.W, d.C, d.R, d.S, d.K, d.stride_h, d.stride_w, d.pad_top, d.pad_left, d.dilation_h);
  const auto in = test::random_values<float>((Adjoint ? d.y_shape() : d.x_shape()).size(), 1);
  const auto w = test::random_values<float>(d.w_shape().size(), 2);
  std::vector<float> read = in;
  for (float& v : read) v = F == Precision::tf32 ? truncated(v) : test::rounded(F, v);
  const auto rounded = test::rounded(F, w);
  test::Reference expected = Adjoint ? test::reference_conv2d_input_grad(d, read.data(), rounded.data())
                                     : test::reference_conv2d(d, read.data(), rounded.data());
  test::reference_epilogue(epilogue, Adjoint ? d.C : d.K, expected);
  const auto found = test::both_ways(static_cast<index_t>(expected.value.size()), [&](float* out) {
    test::GuardedWorkspace workspace;
    wgmma_conv<F, float, Adjoint>(d, epilogue, in.data(), w.data(), out, workspace, {});
    CHECK(workspace.intact());
  });
  test::check_close(found, expected, 1, 8);
}

template <Precision F>
void check_convs() {
  const auto check = [](const ConvDims& d) {
    check_conv<F, false>(d);
    check_conv<F, true>(d);
  };
  const auto same = [](index_t stride, index_t dilation = 1) {
    return test::conv_options(stride, Padding::same(), dilation);
  };
  check(conv_dims({5, 3, 3, 64}, {3, 3, 64, 64}, same(1)));
  check(conv_dims({3, 4, 3, 72}, {3, 2, 72, 136}, same(2)));    // tails of channels and outputs
  check(conv_dims({131, 2, 1, 8}, {3, 2, 8, 16}, same(1, 2)));  // more images than one tile
  check(conv_dims({3, 5, 5, 16}, {2, 2, 16, 8}, test::conv_options(3, Padding::valid())));  // pixels without taps
  const std::vector<float> bias = test::random_values<float>(8, 3);
  check_conv<F, false>(conv_dims({5, 5, 5, 8}, {2, 2, 8, 8}, test::conv_options(1, Padding::all(2))),
                       {bias.data(), Activation::leaky_relu(0.2)});
}

TEST_CASE("Tap lists on wgmma: tf32") { check_convs<Precision::tf32>(); }
TEST_CASE("Tap lists on wgmma: bf16") { check_convs<Precision::bf16>(); }

template <Precision F>
void check_products(const GemmDims& d) {
  CAPTURE(F, d.M, d.N, d.K, d.trans_a, d.trans_b);
  const test::Operand a(d.M * d.K, wgmma_gemm_reads_a<F>(d) ? 0 : 1, 1), b(d.K * d.N, 0, 2);
  auto read = test::rounded(F, a.values());
  if (wgmma_gemm_reads_a<F>(d)) std::transform(a.data(), a.data() + a.size(), read.begin(), truncated);
  const test::Reference expected = test::reference_gemm(d, read.data(), test::rounded(F, b.values()).data());
  const auto found = test::both_ways(d.M * d.N, [&](float* out) {
    test::GuardedWorkspace workspace;
    wgmma_gemm<F, float>(d, {}, a.data(), b.data(), out, workspace, {});
    CHECK(workspace.intact());
  });
  test::check_close(found, expected);
}

TEST_CASE("Matrix products on wgmma, in every transposition") {
  for (const bool trans_a : {false, true})
    for (const bool trans_b : {false, true}) {
      check_products<Precision::tf32>({132, 72, 36, trans_a, trans_b});
      check_products<Precision::bf16>({60, 132, 200, trans_a, trans_b});
      check_products<Precision::bf16>({3, 5, 8, trans_a, trans_b});
    }
}

TEST_CASE("A product of more rows of tiles than one band of the raster, and a last band of fewer") {
  check_products<Precision::bf16>({128 * 16 + 100, 150, 8});
}

TEST_CASE("The contract takes wgmma where shapes fit") {
  const ConvDims d = conv_dims({100, 8, 8, 32}, {1, 1, 32, 64}, test::conv_options(1, Padding::valid()));
  const GemmDims product{256, 64 * 64, 64};
  CHECK(wgmma_conv_fits<Precision::bf16, float>(d, false));
  CHECK(wgmma_conv_fits<Precision::bf16, float>(d, true) == false);  // 32 output channels
  CHECK(wgmma_gemm_fits<Precision::tf32, float>(product));
  CHECK_FALSE(wgmma_gemm_fits<Precision::bf16, float>({256, 64 * 64, 60}));  // rows of no whole packs
  CHECK_FALSE(wgmma_gemm_fits<Precision::bf16, float>({260, 64 * 64, 64}));  // most of the last tile is empty
  CHECK_FALSE(wgmma_gemm_fits<Precision::bf16, float>({128, 64 * 64, 64}));  // not worth writing operands once more
  CHECK(wgmma_gemm_fits<Precision::bf16, bfloat16>({128, 64 * 64, 64}));
  const test::UsePrecision use(Precision::bf16);
  const auto operands = static_cast<std::size_t>(d.x_shape().size() + d.w_shape().size());
  CHECK(test::check_partial(Precision::bf16, d, ConvSlot::g, 1) == operands * sizeof(bfloat16));
}

}  // namespace
}  // namespace tinygan::cuda
