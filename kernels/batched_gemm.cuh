// Products of many matrices of one size: c[b] = op(a[b]) op(b[b]), all row-major, of floats or of bfloat16 elements.
//
// Owns         a block: one tile of one product (gemm_tile.cuh), fp32 64 or 32 wide, tensor cores 64: the products are
//              small and many, as in attention. Without split-K.
// Shared       panels of a and b: fp32 4.6 or 9.2 KB, tensor cores 64 KB or less.
// Requires     fp32 sm_75, tf32 and bf16 sm_80.
// Cost         2 MNK FLOPs for each product; each operand once per tile of the other.
// Determinism  the tile depends on the shape alone; no atomics.
#pragma once

#include "gemm.cuh"

namespace tinygan::cuda {
namespace {

/// Block (tile, product).
template <class P, Major A, Major B, class T = typename P::Element>
__global__ void __launch_bounds__(P::threads, P::blocks_per_sm)
    batched_gemm_kernel(GemmDims d, GemmPlan p, const T* a, const T* b, T* c) {
  const auto m = static_cast<int>(blockIdx.x % p.row_tiles) * P::tile_m;  // c tile at (m, n): (tile_m, tile_n)
  const auto n = static_cast<int>(blockIdx.x / p.row_tiles) * P::tile_n;
  const auto M = static_cast<int>(d.M), N = static_cast<int>(d.N);
  const index_t product = blockIdx.y;
  MatrixSource<P, A, B> source{{a + product * d.M * d.K, A == Major::k ? d.K : d.M, m, d.M, 0, d.K, p.aligned_a},
                               {b + product * d.K * d.N, B == Major::k ? d.K : d.N, n, d.N, 0, d.K, p.aligned_b}};
  typename P::Accumulator acc;  // (tile_m, tile_n)
  P::template multiply<A, B>(source, static_cast<int>(ceil_div(d.K, P::tile_k)), acc);
  store_tile<P>(acc, {m, M, n, N, p.aligned_c}, Epilogue<T>{}, c + product * d.M * d.N, nullptr,
                [&](int row) { return row * d.N; });
}

template <class P, Major A, Major B, class T = typename P::Element>
void batched_gemm_tiles(const GemmDims& d, index_t batch, const GemmPlan& p, const T* a, const T* b, T* c,
                        Stream stream) {
  constexpr index_t most = 65535;  // along y of a grid
  for (index_t first = 0; first < batch; first += most) {
    const Launch how{
        .grid = {grid_extent(index_t{p.row_tiles} * p.column_tiles), grid_extent(std::min(most, batch - first), false)},
        .block = {P::threads},
        .shared_bytes = P::shared_bytes,
        .stream = stream};
    launch<batched_gemm_kernel<P, A, B>>(how, d, p, a + first * d.M * d.K, b + first * d.K * d.N,
                                         c + first * d.M * d.N);
  }
}

/// An operand's rows of `row` elements are aligned to packs in every product if they are in the first.
template <class P, class T>
void batched_gemm_with(const GemmDims& d, index_t batch, const T* a, const T* b, T* c, Stream stream) {
  GemmPlan p{.row_tiles = grid_extent(ceil_div(d.M, P::tile_m)), .column_tiles = grid_extent(ceil_div(d.N, P::tile_n))};
  p.aligned_a = has_aligned_rows<P::pack>(d.trans_a ? d.M : d.K, a);
  p.aligned_b = has_aligned_rows<P::pack>(d.trans_b ? d.K : d.N, b);
  p.aligned_c = has_aligned_rows<4>(d.N, c);
  constexpr Major k = Major::k, mn = Major::mn;
  const auto run = d.trans_a   ? d.trans_b ? &batched_gemm_tiles<P, mn, k> : &batched_gemm_tiles<P, mn, mn>
                     : d.trans_b ? &batched_gemm_tiles<P, k, k>
                               : &batched_gemm_tiles<P, k, mn>;
  run(d, batch, p, a, b, c, stream);
}

template <Precision F, class T>
void batched_gemm(const GemmDims& d, index_t batch, const T* a, const T* b, T* c, Workspace&, Stream stream) {
  check(std::max({d.M, d.N, d.K}) <= 0x7fffffff, "batched_gemm", "extents ", d.M, ", ", d.N, ", ", d.K,
        " above 2^31 - 1");
  if constexpr (F == Precision::fp32) {
    if (std::min(d.M, d.N) > SmallTile::tile_m) batched_gemm_with<MediumTile>(d, batch, a, b, c, stream);
    else batched_gemm_with<SmallTile>(d, batch, a, b, c, stream);
  } else {
    batched_gemm_with<typename TensorTiles<F, T>::Medium>(d, batch, a, b, c, stream);
  }
}

}  // namespace
}  // namespace tinygan::cuda
