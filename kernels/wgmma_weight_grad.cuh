// Weight gradient of a convolution in bfloat16 on Hopper's tensor cores:
//   dw[t] (C,K) = sum over pairs (p,q) of tap t and images n of x[n,q,:]^T g[n,p,:]
//
// Shapes       x(N,H,W,C), g(N,P,Q,K), dw(R,S,C,K), all bfloat16. The pairs of a tap are a rectangle of output pixels
//              (conv_weight_grad.cuh). A step is a pair and 64 of its images: both operands are rows of 64 channels,
//              one per image, so both are Major::mn (wgmma_tile.cuh). Images beyond the last are zeros.
// Owns         a block: one tile of one tap, one split of its steps. Split-K partial sums of dw, (splits, R, S, C, K),
//              fp32, are added by a second launch.
// Shared       96 KB of tiles, then the results.
// Requires     sm_90a, C and K made of eights, x and g 16-byte aligned. Floats run on conv_weight_grad.cuh, in bf16
//              too: wgmma reads tf32 K-major only, and both operands are Major::mn.
// Cost         2 FLOPs for each multiply-add that touches data, in whole steps of 64 images; a step loads
//              128 (tile_m + tile_n) bytes from L2; partial sums are written and read once.
// Determinism  splits depend on the shape alone and are added in order; no atomics. A tap without pairs gives 0.
#pragma once

#include <algorithm>
#include <type_traits>

#include "conv_weight_grad.cuh"
#include "wgmma_taps.cuh"

namespace tinygan::cuda {
namespace {

/// Loads steps [begin, end) of the pairs in rows h and columns v: images first, then columns, then rows.
template <class P>
__device__ __forceinline__ void load_pairs(const WeightGradPlan& p, const PairRange& h, const PairRange& v, int begin,
                                           int end, int c, int k, const TensorMap& x, const TensorMap& g,
                                           WgmmaProducer<P>& to) {
  const int of_pair = (p.N + P::tile_k - 1) / P::tile_k;
  int image = begin % of_pair * P::tile_k, column = begin / of_pair % v.count, row = begin / of_pair / v.count;
  for (int step = begin; step < end; ++step) {
    to.acquire();
    to.load_a(c, [&](void* tile, int channel, Mbarrier& full) {
      tma_load(tile, x, channel, v.in + column * p.stride_w, h.in + row * p.stride_h, image, full);
    });
    to.load_b(k, [&](void* tile, int channel, Mbarrier& full) {
      tma_load(tile, g, channel, v.out + column, h.out + row, image, full);
    });
    to.advance();
    image += P::tile_k;
    if (image < p.N) continue;
    image = 0;
    if (++column < v.count) continue;
    column = 0;
    ++row;
  }
}

/// Block (tile of a tap, split): dw(R, S, C, K), or where there are any partial_sums(splits, R, S, C, K).
template <class P>
__global__ void __launch_bounds__(P::threads, 2)
    wgmma_weight_grad_kernel(WeightGradPlan p, const __grid_constant__ TensorMap x, const __grid_constant__ TensorMap g,
                             bfloat16* dw, float* partial_sums) {
  if constexpr (has_wgmma) {
    prefetch_maps<P>(x, g);
    const int tile = static_cast<int>(blockIdx.x), tiles = p.row_tiles * p.column_tiles;
    const int tap = tile / tiles, c = tile % p.row_tiles * P::tile_m, k = tile % tiles / p.row_tiles * P::tile_n;
    const PairRange h(tap / p.S, p.H, p.P, p.stride_h, p.pad_top, p.dilation_h);
    const PairRange v(tap % p.S, p.W, p.Q, p.stride_w, p.pad_left, p.dilation_w);
    const int steps = h.count * v.count * ((p.N + P::tile_k - 1) / P::tile_k);
    const auto split_begin = [&](unsigned split) { return static_cast<int>(index_t{steps} * split / p.splits); };
    const int begin = split_begin(blockIdx.y), end = split_begin(blockIdx.y + 1);

    const auto produce = [&](WgmmaProducer<P>& to) { load_pairs<P>(p, h, v, begin, end, c, k, x, g, to); };
    typename P::Accumulator acc = {};  // (tile_m, tile_n) of dw[t]
    if (!wgmma_multiply<P>(end - begin, produce, acc)) return;
    const TilePlace place{c, p.C, k, p.K, p.aligned_w};
    const auto offset = [&](int row) { return index_t{row} * p.K; };
    const index_t size = index_t{p.C} * p.K;
    if (partial_sums)
      store_wgmma<P>(acc, place, {}, partial_sums + (index_t{blockIdx.y} * p.R * p.S + tap) * size, offset);
    else store_wgmma<P>(acc, place, {}, dw + tap * size, offset);
  }
}

/// run.operator()<Policy>(plan) with the tile and the splits for a shape: 128 channels on either side, or 64 on one.
template <class Run>
auto with_wgmma_weight_grad_plan(const ConvDims& d, const Run& run) {
  constexpr Precision bf16 = Precision::bf16;
  constexpr Major mn = Major::mn;
  const auto with = [&]<class P>(P) {
    const index_t tiles = d.R * d.S * ceil_div(d.C, P::tile_m) * ceil_div(d.K, P::tile_n);
    return run.template operator()<P>(
        weight_grad_plan(d, P::tile_m, P::tile_n, split_k_count(tiles, d.N * d.P * d.Q, sm_90_wgmma.grad_split)));
  };
  const auto selects = [](int m, int n, bool suits) { return forms::selects(forms::Way::wgmma, m, n, suits); };
  if (selects(64, 128, d.C <= 64)) return with(WgmmaTile<bf16, 64, 128, mn, mn>{});
  if (selects(128, 64, d.K <= 64)) return with(WgmmaTile<bf16, 128, 64, mn, mn>{});
  if (!selects(128, 128, true)) forms::check_not_forced();
  return with(WgmmaTile<bf16, 128, 128, mn, mn>{});
}

/// Whether wgmma is selected for a weight gradient (select.cuh). By shape and device alone.
template <Precision F, class T>
bool wgmma_weight_grad_fits(const ConvDims& d) {
  if constexpr (F == Precision::bf16 && std::is_same_v<T, bfloat16>) {
    if (d.C % 8 != 0 || d.K % 8 != 0 || !wgmma_available()) return false;
    if (forms::forced.way != forms::Way::automatic) return forms::forced.way == forms::Way::wgmma;
    const WgmmaLimits& limits = sm_90_wgmma;
    return std::min(d.C, d.K) >= limits.grad_fewer && std::max(d.C, d.K) >= limits.grad_more &&
           100 * d.N >= limits.grad_filled * round_up(d.N, 64) &&
           with_wgmma_weight_grad_plan(d, [&]<class P>(const WeightGradPlan& p) {
             return d.R * d.S * p.row_tiles * p.column_tiles * p.splits >= limits.grad_blocks;
           });
  } else {
    return false;
  }
}

/// The split-K count of wgmma_weight_grad().
inline index_t wgmma_weight_grad_splits(const ConvDims& d) {
  return with_wgmma_weight_grad_plan(d, [&]<class P>(const WeightGradPlan& p) { return index_t{p.splits}; });
}

/// partial_sums(splits, R, S, C, K), or where that is null and there is one split dw.
inline void wgmma_weight_grad(const ConvDims& d, const bfloat16* x, const bfloat16* g, bfloat16* dw,
                              float* partial_sums, Stream stream) {
  check_weight_grad(d);
  with_wgmma_weight_grad_plan(d, [&]<class P>(WeightGradPlan p) {
    p.aligned_w = partial_sums ? has_aligned_rows<4>(d.K, partial_sums) : has_aligned_rows<4>(d.K, dw);
    const TensorMap x_map = tensor_map({x, P::element_bytes, {d.C, d.W, d.H, d.N}, {P::box_m, 1, 1, P::tile_k}});
    const TensorMap g_map = tensor_map({g, P::element_bytes, {d.K, d.Q, d.P, d.N}, {P::box_n, 1, 1, P::tile_k}});
    record_tiles<P>(d.R * d.S * p.row_tiles * p.column_tiles * p.splits, p.splits);
    launch<wgmma_weight_grad_kernel<P>>(
        {.grid = {grid_extent(d.R * d.S * p.row_tiles * p.column_tiles), grid_extent(p.splits, false)},
         .block = {P::threads},
         .shared_bytes = P::shared_bytes,
         .stream = stream},
        p, x_map, g_map, dw, partial_sums);
  });
}

}  // namespace
}  // namespace tinygan::cuda
