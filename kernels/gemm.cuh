// Matrix product: c(M,N) = epilogue(op(a)(M,K) op(b)(K,N)), all row-major, of floats or of bfloat16 elements.
//
// Owns         a block: one tile of c (gemm_tile.cuh); neighbouring blocks share the columns of b. Split-K where tiles
//              are few and K is large: partial sums (splits, M, N), fp32, added by a second launch. A single row,
//              column or term: gemm_vector.cuh.
// Shared       panels of a and b: fp32 4.6 to 16.9 KB, tensor cores 64 to 96 KB.
// Requires     fp32 sm_75, tf32 and bf16 sm_80; on sm_90a large products in them go to wgmma_taps.cuh.
// Cost         2 MNK FLOPs; each operand once per tile of the other; partial sums are written and read once.
// Determinism  tile and splits depend on the shape alone; no atomics.
#pragma once

#include <tinygan/backend/gemm_dims.hpp>
#include <tinygan/base/stream.hpp>

#include "gemm_tile.cuh"
#include "gemm_vector.cuh"
#include "wgmma_taps.cuh"

namespace tinygan::cuda {
namespace {

/// The panels (TileMN, tile_k), step by step, of a matrix contiguous along L.
template <class P, int TileMN, Major L>
struct MatrixPanel {
  using Place = PanelPlace<P, TileMN, L>;
  using Element = typename P::Element;
  static constexpr bool k_major = L == Major::k;

  const Element* at;    // this thread's first pack of the step, of the panel (TileMN, tile_k)
  index_t pitch;        // elements from row to row
  int mn_left, k_left;  // elements that exist from there on; along MN, unless K-major, of the pack alone
  bool aligned;

  /// From index `mn` of `mn_end` on along M or N, K in [k, k_end).
  __device__ MatrixPanel(const Element* matrix, index_t row_pitch, index_t mn, index_t mn_end, index_t k, index_t k_end,
                         bool aligned_rows)
      : pitch(row_pitch), aligned(aligned_rows) {
    const index_t i = mn + Place::mn(), j = k + Place::k();
    at = matrix + (k_major ? i * pitch + j : j * pitch + i);
    mn_left = k_major ? static_cast<int>(mn_end - i) : count_of<P::pack>(i, mn_end);
    k_left = static_cast<int>(k_end - j);
  }

  template <class Copy>
  __device__ __forceinline__ void load_step(const Copy& copy) {
    TINYGAN_UNROLL
    for (int i = 0; i < Place::packs; ++i) {
      const int rows_left = (k_major ? mn_left : k_left) - i * Place::stride;
      copy(i, at + i * Place::stride * pitch, rows_left > 0 ? (k_major ? k_left : mn_left) : 0, aligned);
    }
    at += k_major ? P::tile_k : P::tile_k * pitch;  // (TileMN, tile_k): the next tile_k of K
    k_left -= P::tile_k;
  }
};

template <class P, Major A, Major B>
struct MatrixSource {
  MatrixPanel<P, P::tile_m, A> a;  // (tile_m, tile_k)
  MatrixPanel<P, P::tile_n, B> b;  // (tile_n, tile_k)

  template <class CopyA, class CopyB>
  __device__ __forceinline__ void load_step(const CopyA& copy_a, const CopyB& copy_b) {
    a.load_step(copy_a);
    b.load_step(copy_b);
  }
};

/// Partition of a product, and which operands are aligned for vectorised access.
struct GemmPlan {
  unsigned row_tiles, column_tiles;
  index_t splits = 1, split_k = 0;  // split_k: terms of one split
  bool aligned_a = false, aligned_b = false, aligned_c = false;
};

/// Block (tile, split): c(M,N), or where there are any partial_sums(splits, M, N).
template <class P, Major A, Major B, class T = typename P::Element>
__global__ void __launch_bounds__(P::threads, P::blocks_per_sm)
    gemm_kernel(GemmDims d, GemmPlan p, Epilogue<T> e, const T* a, const T* b, T* c, float* partial_sums) {
  const auto m = static_cast<int>(blockIdx.x % p.row_tiles) * P::tile_m;  // c tile at (m, n): (tile_m, tile_n)
  const auto n = static_cast<int>(blockIdx.x / p.row_tiles) * P::tile_n;
  const auto M = static_cast<int>(d.M), N = static_cast<int>(d.N);
  const index_t begin = blockIdx.y * p.split_k, end = begin + p.split_k < d.K ? begin + p.split_k : d.K;
  MatrixSource<P, A, B> source{{a, A == Major::k ? d.K : d.M, m, d.M, begin, end, p.aligned_a},
                               {b, B == Major::k ? d.K : d.N, n, d.N, begin, end, p.aligned_b}};
  typename P::Accumulator acc;  // (tile_m, tile_n)
  P::template multiply<A, B>(source, static_cast<int>(ceil_div(end - begin, P::tile_k)), acc);
  store_tile<P>(acc, {m, M, n, N, p.aligned_c}, e, c, partial_sums ? partial_sums + blockIdx.y * d.M * d.N : nullptr,
                [&](int row) { return row * d.N; });
}

/// run.operator()<Policy>(plan) with the tile and the splits for a shape.
template <Precision F, class T, class Run>
auto with_gemm_plan(const GemmDims& d, const Run& run) {
  const auto tiles = [&](index_t m, index_t n) { return ceil_div(d.M, m) * ceil_div(d.N, n); };
  // Split-K makes up for few tiles.
  const auto blocks = [&](index_t m, index_t n) { return tiles(m, n) * split_k_count(tiles(m, n), d.K); };
  return with_tile<F, T, false>(d.M, d.N, blocks, [&]<class P>() {
    GemmPlan p{.row_tiles = grid_extent(ceil_div(d.M, P::tile_m)),
               .column_tiles = grid_extent(ceil_div(d.N, P::tile_n))};
    p.split_k = round_up(ceil_div(d.K, split_k_count(tiles(P::tile_m, P::tile_n), d.K)), P::tile_k);
    p.splits = ceil_div(d.K, p.split_k);
    return run.template operator()<P>(p);
  });
}

template <class P, Major A, Major B, class T = typename P::Element>
void gemm_tiles(const GemmDims& d, const GemmPlan& p, const Epilogue<T>& e, const T* a, const T* b, T* c,
                float* partial_sums, Stream stream) {
  record_tiles<P>(index_t{p.row_tiles} * p.column_tiles * p.splits, p.splits);
  const Launch how{.grid = {grid_extent(index_t{p.row_tiles} * p.column_tiles), grid_extent(p.splits, false)},
                   .block = {P::threads},
                   .shared_bytes = P::shared_bytes,
                   .stream = stream};
  launch<gemm_kernel<P, A, B>>(how, d, p, e, a, b, c, partial_sums);
}

template <Precision F, class T>
void gemm(const GemmDims& d, const Epilogue<T>& e, const T* a, const T* b, T* c, Workspace& workspace, Stream stream) {
  check(std::max({d.M, d.N, d.K}) <= 0x7fffffff, "gemm", "extents ", d.M, ", ", d.N, ", ", d.K, " above 2^31 - 1");
  if (is_vector(d)) return vector_gemm(d, e, a, b, c, workspace, stream);
  if constexpr (F != Precision::fp32)
    if (wgmma_gemm_fits<F, T>(d) && wgmma_gemm_reads<F, T>(d, a, b))
      return wgmma_gemm<F, T>(d, e, a, b, c, workspace, stream);
  with_gemm_plan<F, T>(d, [&]<class P>(GemmPlan p) {
    float* const partial_sums = split_k_workspace("gemm", p.splits, d.M * d.N, workspace);
    p.aligned_a = has_aligned_rows<P::pack>(d.trans_a ? d.M : d.K, a);
    p.aligned_b = has_aligned_rows<P::pack>(d.trans_b ? d.K : d.N, b);
    p.aligned_c = partial_sums ? has_aligned_rows<4>(d.N, partial_sums) : has_aligned_rows<4>(d.N, c);
    constexpr Major k = Major::k, mn = Major::mn;
    const auto run = d.trans_a   ? d.trans_b ? &gemm_tiles<P, mn, k> : &gemm_tiles<P, mn, mn>
                       : d.trans_b ? &gemm_tiles<P, k, k>
                                 : &gemm_tiles<P, k, mn>;
    run(d, p, e, a, b, c, partial_sums, stream);
    if (partial_sums) sum_splits(d.M * d.N, p.splits, d.N, e, partial_sums, c, stream);
  });
}

}  // namespace
}  // namespace tinygan::cuda
