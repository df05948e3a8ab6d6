// The common part of all output tiles of a matrix product, whatever multiplies: operand sources, epilogue, split-K.
//
//   acc(i,j) = sum over k of a(i,k) b(k,j)      i < tile_m, j < tile_n; k in steps of tile_k
//
// A Source loads the operands. load_step(copy_a, copy_b) loads this thread's packs of the next step (P::pack contiguous
// elements of a panel each): copy(i, from, count, aligned) for pack i: the first `count` (0 or more) elements at
// `from`, then zeros. `aligned`: `from` is aligned to a pack, and extents are multiples of packs. A Source knows
// layouts, taps and pixels; the multiplying part (ffma_tile.cuh, mma_tile.cuh) does not.
//
// Elements in memory are T, float or bfloat16; sums, epilogues and split-K partial sums are floats, rounded to T once,
// when stored.
#pragma once

#include <type_traits>

#include <tinygan/backend/major.hpp>
#include <tinygan/backend/workspace.hpp>

#include "activation.cuh"
#include "device/architecture.cuh"
#include "device/vector.cuh"
#include "launch.cuh"

/// Before a loop: nvcc unrolls it by n, or not at all.
#ifdef __CUDACC__
#define TINYGAN_PRAGMA(text) _Pragma(#text)
#define TINYGAN_UNROLL_BY(n) TINYGAN_PRAGMA(unroll n)
#else
#define TINYGAN_UNROLL_BY(n)
#endif
#define TINYGAN_NO_UNROLL TINYGAN_UNROLL_BY(1)

namespace tinygan::cuda {
namespace {

// ---- Operands -------------------------------------------------------------------------------------------------------

/// The packs of a panel (TileMN, tile_k) that a thread copies; L is the dimension along which a pack is contiguous.
template <class P, int TileMN, Major L>
struct PanelPlace {
  static constexpr bool k_major = L == Major::k;
  static constexpr int row = (k_major ? P::tile_k : TileMN) / P::pack;  // packs of a row
  static constexpr int stride = P::threads / row;                       // rows from one of a thread's packs to the next
  static constexpr int packs = (k_major ? TileMN : P::tile_k) / stride;
  static_assert(P::threads % row == 0 && packs >= 1 && packs * stride == (k_major ? TileMN : P::tile_k));

  /// First index of pack i along M or N, and along K.
  __device__ static int mn(int i = 0) {
    return static_cast<int>(k_major ? threadIdx.x / row + static_cast<unsigned>(i * stride)
                                    : threadIdx.x % row * P::pack);
  }
  __device__ static int k(int i = 0) {
    return static_cast<int>(k_major ? threadIdx.x % row * P::pack
                                    : threadIdx.x / row + static_cast<unsigned>(i * stride));
  }
};

/// The first `count` of the four elements at `from`, then zeros. `aligned`: `from` is aligned for vectorised access.
template <class T>
__device__ __forceinline__ Float4 load_some(const T* from, int count, bool aligned) {
  if (aligned && count >= 4) return load_floats<4>(from);
  Float4 v;
  TINYGAN_UNROLL
  for (int k = 0; k < 4; ++k) v.at[k] = k < count ? to_float(from[k]) : 0.0f;
  return v;
}

/// Elements of [at, at + N) below `end`: 0 to N.
template <int N>
__device__ __forceinline__ int count_of(index_t at, index_t end) {
  return static_cast<int>(end - at < N ? (end > at ? end - at : 0) : N);
}

/// Whether rows of `extent` elements at these pointers are aligned for vectorised access by N elements.
template <int N, class... T>
bool has_aligned_rows(index_t extent, const T*... rows) {
  return extent % N == 0 && is_vector_aligned<N>(rows...);
}

// ---- The result -----------------------------------------------------------------------------------------------------

/// Stores columns n to n + 3, as far as below N, to global memory. `aligned`: `to` is aligned for vectorised access.
template <class T>
__device__ __forceinline__ void store_some(T* to, int n, int N, const Float4& v, bool aligned) {
  if (aligned && n + 4 <= N) return store_floats<true>(to, v);
  TINYGAN_UNROLL
  for (int k = 0; k < 4; ++k)
    if (n + k < N) to[k] = from_float<T>(v.at[k]);
}

/// A tile's place in its result: rows [m, M) and columns [n, N) exist.
struct TilePlace {
  int m, M, n, N;
  bool aligned;  // rows of the result are aligned for vectorised access
};

// ---- Split-K --------------------------------------------------------------------------------------------------------

/// Split-K count that turns `tiles` tiles into at most `blocks` blocks (select.cuh). By shape and architecture alone.
inline index_t split_k_count(index_t tiles, index_t K, index_t blocks = 2 * tile_limits().split_blocks) {
  if (const index_t forced = forms::forced.splits; forced > 0) return std::min(forced, std::max<index_t>(1, K));
  return std::clamp<index_t>(blocks / tiles, 1, std::max<index_t>(1, K / tile_limits().split_terms));
}

/// Stores a tile: to its split's partial sums where there are any, else epilogue(tile) to the result.
template <class P, class T, class Offset>
__device__ __forceinline__ void store_tile(typename P::Accumulator& acc, const TilePlace& t, const Epilogue<T>& e,
                                           T* out, float* partial_sums, const Offset& offset) {
  if constexpr (std::is_same_v<T, float>) {
    P::store(acc, t, partial_sums ? Epilogue<float>{} : e, partial_sums ? partial_sums : out, offset);
  } else {
    if (partial_sums) P::store(acc, t, Epilogue<float>{}, partial_sums, offset);
    else P::store(acc, t, e, out, offset);
  }
}

/// The sum of partial sums (splits, size): `lanes` threads of a block share four elements, or one where rows are not
/// made of packs, and add `share` splits each. The more splits, the more lanes: a thread adds its splits one after
/// another.
struct SplitSum {
  index_t size, splits, N;
  int lanes, share;
  bool aligned;
};

/// y[i] = epilogue(sum of the lanes' sums, each of `share` splits in order); N columns.
template <class T>
__global__ void __launch_bounds__(map_threads)
    sum_splits_kernel(SplitSum p, Epilogue<T> e, const float* partial_sums, T* y) {
  constexpr int batch = 8;  // splits that a thread loads before it adds any
  const int count = p.aligned ? 4 : 1, items = map_threads / p.lanes;
  const int mine = static_cast<int>(threadIdx.x) % items, sharer = static_cast<int>(threadIdx.x) / items;
  const index_t i = count * (index_t{blockIdx.x} * items + mine);
  const index_t end = (sharer + 1) * index_t{p.share} < p.splits ? (sharer + 1) * index_t{p.share} : p.splits;
  Float4 v{};
  for (index_t first = sharer * index_t{p.share}; i < p.size && first < end; first += batch) {
    Float4 w[batch] = {};
    TINYGAN_UNROLL
    for (int s = 0; s < batch; ++s)
      if (first + s < end) w[s] = load_some(partial_sums + (first + s) * p.size + i, count, p.aligned);
    TINYGAN_UNROLL
    for (int s = 0; s < batch; ++s) TINYGAN_UNROLL
    for (int k = 0; k < 4; ++k) v.at[k] += w[s].at[k];
  }
  if (p.lanes > 1) {
    Float4* const sums = block_shared<Float4>(map_threads);
    sums[threadIdx.x] = v;
    __syncthreads();
    if (sharer > 0) return;
    for (int l = 1; l < p.lanes; ++l) TINYGAN_UNROLL
    for (int k = 0; k < 4; ++k) v.at[k] += sums[l * items + mine].at[k];
  }
  if (i >= p.size) return;
  const int n = static_cast<int>(i % p.N);
  finish_pack(e, n, n + count, v);
  store_some(y + i, n, n + count, v, p.aligned);
}

/// Partial sums (splits, size) of a split-K kernel; null for one split, which stores its result itself.
inline float* split_k_workspace(const char* op, index_t splits, index_t size, Workspace& workspace) {
  return splits == 1 ? nullptr : workspace.allocate<float>(op, {tinygan::detail::product(op, {splits, size})});
}

template <class T>
void sum_splits(index_t size, index_t splits, index_t N, const Epilogue<T>& e, const float* partial_sums, T* y,
                Stream stream) {
  SplitSum p{.size = size,
             .splits = splits,
             .N = N,
             .lanes = 1,
             .share = 0,
             .aligned = has_aligned_rows<4>(N, partial_sums, y)};
  while (p.lanes < 32 && 8 * p.lanes < splits) p.lanes *= 2;
  p.share = static_cast<int>(ceil_div(splits, p.lanes));
  const index_t items = p.aligned ? size / 4 : size;
  const Launch how{.grid = {grid_extent(ceil_div(items, map_threads / p.lanes))},
                   .block = {map_threads},
                   .shared_bytes = p.lanes > 1 ? map_threads * sizeof(Float4) : 0,
                   .stream = stream};
  launch<sum_splits_kernel<T>>(how, p, e, partial_sums, y);
}

}  // namespace
}  // namespace tinygan::cuda
