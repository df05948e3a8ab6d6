// Every tile of a matrix product by itself: more steps than it has stages, in every layout, at ragged extents.
// The products of the contract choose a tile by what fills a GPU, so some would take long to reach through them.
#include "../../kernels/gemm.cuh"

#include "kernels/products.hpp"

namespace tinygan::cuda {
namespace {

template <class P, Major A, Major B>
void check_tile(Precision precision, index_t M, index_t N, index_t K) {
  using T = typename P::Element;
  CAPTURE(precision, P::tile_m, P::tile_n, sizeof(T), A == Major::k, B == Major::k, M, N, K);
  const GemmDims d{M, N, K, A == Major::mn, B == Major::k};
  const test::Operand<T> a(M * K, 0, 1), b(K * N, 0, 2);
  std::vector<std::vector<T>> found;
  // Without split-K, then with operands that are not aligned for vectorised access.
  for (const bool aligned : {true, false}) {
    const GemmPlan plan{.row_tiles = grid_extent(ceil_div(M, P::tile_m)),
                        .column_tiles = grid_extent(ceil_div(N, P::tile_n)),
                        .split_k = round_up(K, P::tile_k),
                        .aligned_a = aligned && has_aligned_rows<P::pack>(A == Major::k ? K : M, a.data()),
                        .aligned_b = aligned && has_aligned_rows<P::pack>(B == Major::k ? K : N, b.data()),
                        .aligned_c = aligned && N % 4 == 0};
    found.push_back(test::both_ways<T>(
        M * N, [&](T* out) { gemm_tiles<P, A, B>(d, plan, Epilogue<T>{}, a.data(), b.data(), out, nullptr, {}); }));
  }
  if (support::thread_sanitizer) return;  // see check_gemm()
  const auto of_rounded =
      test::reference_gemm(d, test::rounded(precision, a.values()).data(), test::rounded(precision, b.values()).data());
  const auto exact = test::reference_gemm(d, a.data(), b.data());
  for (const std::vector<T>& c : found) test::check_product(precision, c, of_rounded, exact, Epilogue<T>{});
}

template <class P>
void check_tile(Precision precision) {
  constexpr Major k = Major::k, mn = Major::mn;
  for (const index_t K : {1, 10 * P::pack, 41 * P::pack}) {
    check_tile<P, k, mn>(precision, P::tile_m + P::pack, P::tile_n - P::pack, K);
    check_tile<P, k, k>(precision, P::tile_m - 1, P::tile_n + 1, K);
    check_tile<P, mn, mn>(precision, P::tile_m + 1, P::tile_n - 1, K);
    check_tile<P, mn, k>(precision, P::tile_m, P::pack, K);
  }
}

TEST_CASE("Emulated tiles: fp32") {
  check_tile<LargeTile>(Precision::fp32);
  check_tile<MediumTile>(Precision::fp32);
  check_tile<SmallTile>(Precision::fp32);
}

template <Precision F, class T>
void check_tensor_tiles() {
  check_tile<typename TensorTiles<F, T>::Large>(F);
  check_tile<typename TensorTiles<F, T>::Narrow>(F);
  check_tile<typename TensorTiles<F, T>::Medium>(F);
}
TEST_CASE("Emulated tiles: tf32") { check_tensor_tiles<Precision::tf32, float>(); }
TEST_CASE("Emulated tiles: bf16") { check_tensor_tiles<Precision::bf16, float>(); }
TEST_CASE("Emulated tiles: bfloat16 elements") { check_tensor_tiles<Precision::bf16, bfloat16>(); }

}  // namespace
}  // namespace tinygan::cuda
