// Convolution and input gradient by tap lists, and matrix products as lists of one tap, on Hopper's tensor cores:
//   out[n,p,:] = epilogue(sum over (q,t) in taps(p) of in[n,q,:] W[t])
//
// Shapes       in(N,H,W,C), out(N,P,Q,K), W[t] (C,K) or, in the adjoint direction, (K,C), as in conv_taps.cuh. bfloat16
//              is read in place in either layout; floats are first converted to the format, K-major
//              (wgmma_operands.cuh), except inputs of a convolution and rows of a product in tf32, which ignores their
//              lowest bits.
// Owns         a block: 128 images at one output pixel and tile_n output channels, groups with the most taps first
//              (conv_taps.cuh). A step is a tap and 128 bytes of its channels, or as many channels (wgmma_tile.cuh).
// Shared       96 KB of tiles, then the results.
// Requires     sm_90a, rows of whole 16-byte packs and operands aligned to them; elsewhere the kernels are empty.
// Cost         2 FLOPs per multiply-add that touches data, in whole tiles of 128 images; per step 128 + tile_n rows of
//              128 bytes from L2. Converting an operand reads and writes it once.
// Determinism  each output is one sum in the order of taps and channels; within 32 bytes of K in the hardware's order.
#pragma once

#include <type_traits>

#include <tinygan/backend/gemm_dims.hpp>

#include "conv_taps.cuh"
#include "wgmma_operands.cuh"
#include "wgmma_tile.cuh"

namespace tinygan::cuda {
namespace {

// ---- Kernel ---------------------------------------------------------------------------------------------------------

/// A block's tile.
struct WgmmaPlace {
  TapGroup group;
  int image, channel, h, v;  // first of each; the first tap reads pixel (h,v)
  index_t out;               // offset of the output pixel in an image

  template <class P>
  __device__ static WgmmaPlace of(const TapConv& p) {
    // Blocks run down the columns of `raster` rows of tiles: concurrent blocks read fewer different tiles.
    const unsigned band = p.raster * p.column_tiles, first = blockIdx.x / band * p.raster, at_band = blockIdx.x % band;
    const unsigned left = gridDim.x / p.column_tiles - first, rows = left < p.raster ? left : p.raster;
    const unsigned tile = first + at_band % rows, column_tile = at_band / rows;
    WgmmaPlace at{group_of(p, tile), 0, static_cast<int>(column_tile) * P::tile_n, 0, 0, 0};
    const int images = (p.N + P::tile_m - 1) / P::tile_m, local = static_cast<int>(tile - at.group.first_tile);
    const int row = local / images / at.group.column.count, column = local / images % at.group.column.count;
    at.image = local % images * P::tile_m;
    at.h = at.group.row.in + row * p.row.in;
    at.v = at.group.column.in + column * p.column.in;
    const index_t to = at.group.row.out + row * p.row.out;
    at.out = (to * p.Q + at.group.column.out + column * p.column.out) * p.K;
    return at;
  }
};

/// Loads the tiles of all steps. `in` is (N,H,W,C), or (C,1,1,N) if its tiles are not K-major; w is (taps,K,C) or
/// (taps,C,K).
template <class P>
__device__ __forceinline__ void load_taps(const TapConv& p, const WgmmaPlace& at, const TensorMap& in,
                                          const TensorMap& w, WgmmaProducer<P>& to) {
  for (int r = 0; r < at.group.row.taps; ++r)
    for (int c = 0; c < at.group.column.taps; ++c) {
      const int tap =
          (at.group.row.filter + r * p.row.tap_filter) * p.S + at.group.column.filter + c * p.column.tap_filter;
      const int h = at.h + r * p.row.tap_in, v = at.v + c * p.column.tap_in;
      for (int d = 0; d < p.C; d += P::tile_k) {
        to.acquire();
        to.load_a(at.image, [&](void* tile, int image, Mbarrier& full) {
          if constexpr (P::a_major == Major::k) tma_load(tile, in, d, v, h, image, full);
          else tma_load(tile, in, image, v, h, d, full);
        });
        to.load_b(at.channel, [&](void* tile, int channel, Mbarrier& full) {
          if constexpr (P::b_major == Major::k) tma_load(tile, w, d, channel, tap, 0, full);
          else tma_load(tile, w, channel, d, tap, 0, full);
        });
        to.advance();
      }
    }
}

/// A block is a tile of a group and a tile of the channels.
template <class P, class T>
__global__ void __launch_bounds__(P::threads, 2)
    wgmma_taps_kernel(TapConv p, const __grid_constant__ TensorMap in, const __grid_constant__ TensorMap w,
                      Epilogue<T> e, T* out) {
  if constexpr (has_wgmma) {
    prefetch_maps<P>(in, w);
    const WgmmaPlace at = WgmmaPlace::of<P>(p);
    const int steps = at.group.taps() * ((p.C + P::tile_k - 1) / P::tile_k);
    const auto produce = [&](WgmmaProducer<P>& to) { load_taps<P>(p, at, in, w, to); };
    typename P::Accumulator acc = {};  // (tile_m, tile_n)
    if (!wgmma_multiply<P>(steps, produce, acc)) return;
    store_wgmma<P>(acc, {at.image, p.N, at.channel, p.K, p.aligned_out}, e, out,
                   [&](int image) { return image * p.out_image + at.out; });
  }
}

// ---- When -----------------------------------------------------------------------------------------------------------

/// Elements of the format in 16 bytes: TMA requires rows of whole packs.
template <Precision F>
inline constexpr index_t wgmma_pack = F == Precision::tf32 ? 4 : 8;

/// Whether wgmma is selected for `pixels` times N images, K output channels and C channels per tap (select.cuh). By
/// shape and device alone.
template <Precision F>
bool wgmma_suits(index_t pixels, index_t N, index_t C, index_t K, bool worth_copies = true) {
  const WgmmaLimits& limits = sm_90_wgmma;
  return wgmma_available() &&
         forms::selects(forms::Way::wgmma, worth_copies && 16 * C >= limits.depth_bytes * wgmma_pack<F> &&
                                               K >= limits.columns && 100 * N >= limits.filled * round_up(N, 128) &&
                                               pixels * ceil_div(N, 128) * ceil_div(K, 64) >= limits.tiles);
}

// ---- Launchers ------------------------------------------------------------------------------------------------------

/// Tiles of 128 images, over all pixels.
inline index_t wgmma_row_tiles(const TapGroup& g, index_t N) { return g.pixels() * ceil_div(N, 128); }
inline index_t wgmma_row_tiles(const TapPlan& plan) {
  index_t tiles = 0;
  for (const TapGroup& g : plan.groups) tiles += wgmma_row_tiles(g, plan.conv.N);
  return tiles;
}

/// The product of a plan in tiles P; in(N,H,W,C), or (C,N) if not K-major, and w(taps,K,C), or (taps,C,K), in the
/// format.
template <class P, class T>
void wgmma_taps_in(TapPlan& plan, index_t H, index_t taps, const Epilogue<T>& e, const void* in, const void* w, T* out,
                   Stream stream) {
  constexpr int bytes = P::element_bytes, tile_k = P::tile_k;
  const index_t N = plan.conv.N, C = plan.conv.C, K = plan.conv.K, W = plan.conv.W;
  const TensorMap in_map =
      tensor_map(P::a_major == Major::k ? BoxedTensor{in, bytes, {C, W, H, N}, {tile_k, 1, 1, P::box_m}}
                                        : BoxedTensor{in, bytes, {N, W, H, C}, {P::box_m, 1, 1, tile_k}});
  const TensorMap w_map =
      tensor_map(P::b_major == Major::k ? BoxedTensor{w, bytes, {C, K, taps, 1}, {tile_k, P::box_n, 1, 1}}
                                        : BoxedTensor{w, bytes, {K, C, taps, 1}, {P::box_n, tile_k, 1, 1}});
  plan.conv.column_tiles = static_cast<unsigned>(ceil_div(K, P::tile_n));
  const auto tiles_of = [&](const TapGroup& g) { return wgmma_row_tiles(g, N); };
  plan.for_launches(tiles_of, [&](const TapConv& conv, index_t count) {
    record_tiles<P>(count * conv.column_tiles);
    launch<wgmma_taps_kernel<P, T>>({.grid = {grid_extent(count * conv.column_tiles)},
                                     .block = {P::threads},
                                     .shared_bytes = P::shared_bytes,
                                     .stream = stream},
                                    conv, in_map, w_map, e, out);
  });
}

/// The same in the tiles for a shape.
template <Precision F, Major A, Major B, class T>
void wgmma_taps(TapPlan& plan, index_t H, index_t taps, const Epilogue<T>& e, const void* in, const void* w, T* out,
                Stream stream) {
  using Wide = WgmmaTile<F, 128, 128, A, B>;
  using Narrow = WgmmaTile<F, 128, 64, A, B>;
  const index_t K = plan.conv.K;
  const bool suits = K > 64 && wgmma_row_tiles(plan) * ceil_div(K, 128) >= sm_90_wgmma.wide_tiles;
  const bool wide = forms::selects(forms::Way::wgmma, 128, 128, suits);
  if (!wide && !forms::selects(forms::Way::wgmma, 128, 64, true)) forms::check_not_forced();
  (wide ? &wgmma_taps_in<Wide, T> : &wgmma_taps_in<Narrow, T>)(plan, H, taps, e, in, w, out, stream);
}

template <Precision F, class T>
bool wgmma_conv_fits(const ConvDims& d, bool adjoint) {
  const index_t C = adjoint ? d.K : d.C, K = adjoint ? d.C : d.K;
  const bool rows_of_packs = C % wgmma_pack<F> == 0 && (std::is_same_v<T, float> || K % wgmma_pack<F> == 0);
  return rows_of_packs && wgmma_suits<F>(adjoint ? d.H * d.W : d.P * d.Q, d.N, C, K);
}

/// Whether these addresses are aligned for wgmma_conv().
template <Precision F, class T>
bool wgmma_conv_reads(const T* in, const T* w) {
  if (std::is_same_v<T, bfloat16>) return is_aligned(16, in, w);
  return F == Precision::bf16 || is_aligned(16, in);
}

template <Precision F, class T, bool Adjoint>
void wgmma_conv(const ConvDims& d, const Epilogue<T>& e, const T* in, const T* w, T* out, Workspace& workspace,
                Stream stream) {
  TapPlan plan = tap_plan<Adjoint, 4>(d, in, w, out);
  const index_t H = Adjoint ? d.P : d.H, taps = d.R * d.S;
  if constexpr (std::is_same_v<T, bfloat16>) {  // w (taps,C,K): the adjoint direction sums over K
    wgmma_taps<F, Major::k, Adjoint ? Major::k : Major::mn>(plan, H, taps, e, in, w, out, stream);
  } else {  // floats in the format, except inputs that tf32 reads in place
    const index_t inputs = F == Precision::tf32 ? 0 : (Adjoint ? d.y_shape() : d.x_shape()).size();
    const index_t w_bytes = operand_bytes<F>(d.w_shape().size());
    auto* const w_to = workspace.allocate<std::byte>("conv2d", {w_bytes, operand_bytes<F>(inputs)});
    write_operand<F>(taps, d.C, d.K, !Adjoint, w, w_to, stream);
    if (inputs > 0) write_operand<F>(1, 1, inputs, false, in, w_to + w_bytes, stream);
    const void* const read = inputs > 0 ? static_cast<const void*>(w_to + w_bytes) : in;
    wgmma_taps<F, Major::k, Major::k>(plan, H, taps, e, read, w_to, out, stream);
  }
}

/// Whether floats a are read in place: as tf32, which ignores their lowest bits, if they are K-major.
template <Precision F>
bool wgmma_gemm_reads_a(const GemmDims& d) {
  return F == Precision::tf32 && !d.trans_a;
}

template <Precision F, class T>
bool wgmma_gemm_fits(const GemmDims& d) {
  const index_t a_row = std::is_same_v<T, float> || !d.trans_a ? d.K : d.M;
  const index_t b_row = std::is_same_v<T, float> || d.trans_b ? d.K : d.N;
  const bool worth_copies = std::is_same_v<T, bfloat16> || std::min(d.M, d.N) >= sm_90_wgmma.copied_side;
  return a_row % wgmma_pack<F> == 0 && b_row % wgmma_pack<F> == 0 && wgmma_suits<F>(1, d.M, d.K, d.N, worth_copies);
}

/// Whether these addresses are aligned for wgmma_gemm().
template <Precision F, class T>
bool wgmma_gemm_reads(const GemmDims& d, const T* a, const T* b) {
  if (std::is_same_v<T, bfloat16>) return is_aligned(16, a, b);
  return !wgmma_gemm_reads_a<F>(d) || is_aligned(16, a);
}

/// A matrix product as a list of one tap.
template <class T>
TapPlan wgmma_gemm_plan(const GemmDims& d, const T* c) {
  TapPlan plan;
  TapConv& p = plan.conv;
  p.N = static_cast<int>(d.M);
  p.H = p.W = p.Q = p.S = 1;
  p.C = static_cast<int>(d.K);
  p.K = static_cast<int>(d.N);
  p.out_image = d.N;
  p.aligned_out = has_aligned_rows<4>(d.N, c);
  p.raster = static_cast<unsigned>(index_t{sm_90_wgmma.raster});
  const AxisTapGroup one{.out = 0, .count = 1, .in = 0, .filter = 0, .taps = 1};
  plan.groups.push_back({one, one, 0});
  return plan;
}

template <Precision F, class T>
void wgmma_gemm(const GemmDims& d, const Epilogue<T>& e, const T* a, const T* b, T* c, Workspace& workspace,
                Stream stream) {
  TapPlan plan = wgmma_gemm_plan(d, c);
  if constexpr (std::is_same_v<T, bfloat16>) {
    constexpr Major k = Major::k, mn = Major::mn;
    const auto run = d.trans_a   ? d.trans_b ? &wgmma_taps<F, mn, k, T> : &wgmma_taps<F, mn, mn, T>
                       : d.trans_b ? &wgmma_taps<F, k, k, T>
                                 : &wgmma_taps<F, k, mn, T>;
    run(plan, 1, 1, e, a, b, c, stream);
  } else {
    const bool copy_a = !wgmma_gemm_reads_a<F>(d);
    const index_t b_bytes = operand_bytes<F>(d.N * d.K);
    auto* const b_to = workspace.allocate<std::byte>("gemm", {b_bytes, copy_a ? operand_bytes<F>(d.M * d.K) : 0});
    if (copy_a) write_operand<F>(1, d.trans_a ? d.K : d.M, d.trans_a ? d.M : d.K, d.trans_a, a, b_to + b_bytes, stream);
    const void* const a_from = copy_a ? static_cast<const void*>(b_to + b_bytes) : a;
    write_operand<F>(1, d.trans_b ? d.N : d.K, d.trans_b ? d.K : d.N, !d.trans_b, b, b_to, stream);
    wgmma_taps<F, Major::k, Major::k>(plan, 1, 1, e, a_from, b_to, c, stream);
  }
}

}  // namespace
}  // namespace tinygan::cuda
