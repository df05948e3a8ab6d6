// Every tile of a matrix product by itself: more steps than it has stages, in every transposition, at ragged extents.
// The products of the contract choose a tile by what fills a GPU, so some would take long to reach through them.
#include "../../kernels/gemm.cuh"

#include "kernels/products.hpp"

namespace tinygan::cuda {
namespace {

template <class P, bool TransA, bool TransB>
void check_tile(Precision precision, index_t M, index_t N, index_t K) {
  CAPTURE(precision, P::tile_m, P::tile_n, TransA, TransB, M, N, K);
  const GemmDims d{M, N, K, TransA, TransB};
  const test::Operand a(M * K, 0, 1), b(K * N, 0, 2);
  const auto of_rounded =
      test::reference_gemm(d, test::rounded(precision, a.values()).data(), test::rounded(precision, b.values()).data());
  const auto exact = test::reference_gemm(d, a.data(), b.data());
  // The one piece as it is, then operands that cannot move in packs.
  for (const bool packed : {true, false}) {
    const GemmPlan plan{.row_tiles = grid_extent(ceil_div(M, P::tile_m)),
                        .column_tiles = grid_extent(ceil_div(N, P::tile_n)),
                        .piece = round_up(K, P::depth),
                        .packed_a = packed && (TransA ? M : K) % 4 == 0 && aligned(16, a.data()),
                        .packed_b = packed && (TransB ? K : N) % 4 == 0 && aligned(16, b.data()),
                        .packed_c = false};
    const auto c = test::both_ways(M * N, [&](float* out) {
      gemm_tiles<P, TransA, TransB>(d, plan, {}, a.data(), b.data(), out, {});
    });
    test::check_product(precision, c, of_rounded, exact, {});
  }
}

template <class P>
void check_tile(Precision precision) {
  for (const index_t K : {1, 40, 164}) {
    check_tile<P, false, false>(precision, P::tile_m + 4, P::tile_n - 4, K);
    check_tile<P, false, true>(precision, P::tile_m - 1, P::tile_n + 1, K);
    check_tile<P, true, false>(precision, P::tile_m, P::tile_n + 8, K);
    check_tile<P, true, true>(precision, 1, P::tile_n, K);
  }
}

TEST_CASE("Emulated tiles: fp32") {
  check_tile<LargeTile>(Precision::fp32);
  check_tile<MediumTile>(Precision::fp32);
  check_tile<SmallTile>(Precision::fp32);
}

template <Precision F>
void check_tensor_tiles() {
  check_tile<typename TensorTiles<F>::Large>(F);
  check_tile<typename TensorTiles<F>::Narrow>(F);
  check_tile<typename TensorTiles<F>::Medium>(F);
}
TEST_CASE("Emulated tiles: tf32") { check_tensor_tiles<Precision::tf32>(); }
TEST_CASE("Emulated tiles: bf16") { check_tensor_tiles<Precision::bf16>(); }

}  // namespace
}  // namespace tinygan::cuda
