// One output tile of a matrix product in fp32: what gemm, the convolutions and their weight gradients have in common.
//
//   acc(i,j) = sum over k of a(i,k) b(k,j)      i, j < edge; k in steps of `depth`
//
// Who brings the operands is a Source: for each step its a() and b() give this thread's pack of four neighbours of
// either panel, zeros where there is no data. A Source knows about transposes, taps and pixels; the loop here does not.
// Owns         thread t: one pack of each panel (edge, depth) per step; `rows` x `columns` of the tile in registers,
//              read from shared memory in packs that make one wavefront for each warp (4 x 8 lanes).
// Shared       both panels twice: while one pair is multiplied the next is on its way through registers.
// Requires     sm_75.      Cost  2 edge^2 FLOPs and 2 edge / 4 packs of 16 bytes per k.
// Determinism  a sum runs in the order of k, whatever the tile: one fma after the other.
// Source       the register and shared tiling of CUTLASS's SIMT GEMM ("Efficient GEMM in CUDA"), with square tiles.
#pragma once

#include <tinygan/backend/activation.hpp>

#include "device/vector.cuh"
#include "launch.cuh"
#include "pointwise.cuh"

/// Before a loop: nvcc leaves it a loop.
#ifdef __CUDACC__
#define TINYGAN_NO_UNROLL _Pragma("unroll 1")
#else
#define TINYGAN_NO_UNROLL
#endif

namespace tinygan::cuda {
namespace {

// ---- Policy ---------------------------------------------------------------------------------------------------------

/// A tile of (Edge, Edge) by 2 Edge threads of (Rows, Columns) each: a thread brings one pack of each panel per step.
template <int Edge, int Rows, int Columns>
struct TilePolicy {
  static constexpr int edge = Edge, rows = Rows, columns = Columns;
  static constexpr int depth = 8;  // of a step
  static constexpr int threads = edge * depth / 4;
  static constexpr int warp_rows = 4 * rows, warp_columns = 8 * columns;  // the part of one warp, lanes as 4 x 8
  /// What registers allow: the largest tile takes about 145 for a thread, and spills where it may have only 128.
  static constexpr int blocks_per_sm = threads >= 256 ? 1 : 512 / threads;
  static_assert(edge * edge == threads * rows * columns && rows % 4 == 0 && columns % 4 == 0);
  static_assert(edge % warp_rows == 0 && edge % warp_columns == 0);
};

using LargeTile = TilePolicy<128, 8, 8>;  // 16 FLOPs per byte of shared memory
using MediumTile = TilePolicy<64, 8, 4>;
using SmallTile = TilePolicy<32, 4, 4>;

/// Tiles that fill an H200 (132 multiprocessors). Not measured yet. Of results only the pieces of split sums follow it.
inline constexpr index_t enough_tiles = 132;

/// f.operator()<Policy>() with the largest tile that an (M,N) problem fills and that leaves no multiprocessor idle.
/// tiles(edge) is how many tiles of that edge the problem has.
template <class Tiles, class F>
auto with_tile(index_t M, index_t N, const Tiles& tiles, const F& f) {
  const index_t narrow = std::min(M, N);
  if (narrow > 64 && tiles(128) >= enough_tiles) return f.template operator()<LargeTile>();
  if (narrow > 32 && tiles(64) >= enough_tiles) return f.template operator()<MediumTile>();
  return f.template operator()<SmallTile>();
}

template <class P>
struct TileShared {
  static constexpr int pitch = P::edge + 4;  // rows 16-byte aligned; the transposing stores of a warp meet all banks
  float a[2][P::depth][pitch], b[2][P::depth][pitch];
};

// ---- Operands -------------------------------------------------------------------------------------------------------

/// Which four elements of a panel this thread brings: neighbours along the depth (Deep), where the operand is
/// contiguous that way, or along the edge.
template <class P, bool Deep>
struct PanelPlace {
  __device__ static int edge() {
    return static_cast<int>(Deep ? threadIdx.x / (P::depth / 4) : threadIdx.x % (P::edge / 4) * 4);
  }
  __device__ static int depth() {
    return static_cast<int>(Deep ? threadIdx.x % (P::depth / 4) * 4 : threadIdx.x / (P::edge / 4));
  }
  __device__ static void put(float (&panel)[P::depth][TileShared<P>::pitch], const Float4& v) {
    if constexpr (Deep) {
      TINYGAN_UNROLL
      for (int k = 0; k < 4; ++k) panel[depth() + k][edge()] = v.at[k];
    } else {
      store_pack(&panel[depth()][edge()], v);
    }
  }
};

/// The first `count` (any number) of the four floats at `from`, then zeros. `packed`: `from` is 16-byte aligned.
__device__ __forceinline__ Float4 load_some(const float* from, int count, bool packed) {
  if (packed && count >= 4) return load_pack<4>(from);
  Float4 v;
  TINYGAN_UNROLL
  for (int k = 0; k < 4; ++k) v.at[k] = k < count ? from[k] : 0.0f;
  return v;
}

/// How many of the four elements from `at` on lie before `end`: at most 4, perhaps none.
__device__ __forceinline__ int count_of_four(index_t at, index_t end) {
  return static_cast<int>(end - at < 4 ? (end > at ? end - at : 0) : 4);
}

// ---- The loop -------------------------------------------------------------------------------------------------------

/// This thread's part of a tile, and where it lies.
template <class P>
struct TileAccumulator {
  float at[P::rows][P::columns] = {};

  __device__ static int row(int i) {
    const int warp = static_cast<int>(warp_id()) / (P::edge / P::warp_columns), lane = static_cast<int>(lane_id()) / 8;
    return warp * P::warp_rows + i / 4 * 16 + lane * 4 + i % 4;
  }
  __device__ static int column(int j) {
    const int warp = static_cast<int>(warp_id()) % (P::edge / P::warp_columns), lane = static_cast<int>(lane_id()) % 8;
    return warp * P::warp_columns + j / 4 * 32 + lane * 4 + j % 4;
  }
};

/// One step: acc += a^T b of two panels (depth, edge).
template <class P>
__device__ __forceinline__ void multiply_panels(const float (&a)[P::depth][TileShared<P>::pitch],
                                                const float (&b)[P::depth][TileShared<P>::pitch],
                                                TileAccumulator<P>& acc) {
  TINYGAN_UNROLL
  for (int k = 0; k < P::depth; ++k) {
    Float4 left[P::rows / 4], right[P::columns / 4];
    TINYGAN_UNROLL
    for (int i = 0; i < P::rows / 4; ++i) left[i] = load_pack<4>(&a[k][acc.row(4 * i)]);
    TINYGAN_UNROLL
    for (int j = 0; j < P::columns / 4; ++j) right[j] = load_pack<4>(&b[k][acc.column(4 * j)]);
    TINYGAN_UNROLL
    for (int i = 0; i < P::rows; ++i)
      TINYGAN_UNROLL
      for (int j = 0; j < P::columns; ++j)
        acc.at[i][j] = fmaf(left[i / 4].at[i % 4], right[j / 4].at[j % 4], acc.at[i][j]);
  }
}

/// acc += the panels of `steps` steps of a source. By all threads of the block, once: the shared memory stays in use.
template <class P, bool DeepA, bool DeepB, class Source>
__device__ __forceinline__ void multiply_tile(Source& source, int steps, TileAccumulator<P>& acc) {
  if (steps <= 0) return;
  auto& s = block_shared<TileShared<P>>();
  PanelPlace<P, DeepA>::put(s.a[0], source.a());
  PanelPlace<P, DeepB>::put(s.b[0], source.b());
  __syncthreads();
  int now = 0;
  for (int step = 1; step < steps; ++step) {
    source.advance();
    const Float4 a = source.a(), b = source.b();  // on their way during the multiplication
    multiply_panels<P>(s.a[now], s.b[now], acc);
    now ^= 1;  // which everybody has finished reading before the last barrier
    PanelPlace<P, DeepA>::put(s.a[now], a);
    PanelPlace<P, DeepB>::put(s.b[now], b);
    __syncthreads();
  }
  multiply_panels<P>(s.a[now], s.b[now], acc);
}

// ---- The result -----------------------------------------------------------------------------------------------------

/// The four results of columns n... of one row: activation(v + bias). Columns from N on do not matter.
__device__ __forceinline__ void finish_pack(const Epilogue<float>& e, int n, int N, Float4& v) {
  TINYGAN_UNROLL
  for (int k = 0; k < 4; ++k) {
    if (e.bias && n + k < N) v.at[k] += e.bias[n + k];
    switch (e.activation) {
      case Activation::none: break;
      case Activation::relu: v.at[k] = unary_value(UnaryOp::relu, 0.0f, 0.0f, v.at[k]); break;
      case Activation::leaky_relu: v.at[k] = unary_value(UnaryOp::leaky_relu, e.slope, 0.0f, v.at[k]); break;
      case Activation::sigmoid: v.at[k] = unary_value(UnaryOp::sigmoid, 0.0f, 0.0f, v.at[k]); break;
      case Activation::tanh: v.at[k] = unary_value(UnaryOp::tanh, 0.0f, 0.0f, v.at[k]); break;
    }
  }
}

/// Stores the elements of v whose columns n... are below N. `packed`: `to` is 16-byte aligned.
__device__ __forceinline__ void store_some(float* to, int n, int N, const Float4& v, bool packed) {
  if (packed && n + 4 <= N) return store_pack(to, v);
  TINYGAN_UNROLL
  for (int k = 0; k < 4; ++k)
    if (n + k < N) to[k] = v.at[k];
}

/// Where a tile lies in its result: rows [m, M) and columns [n, N) of it exist.
struct TilePlace {
  int m, M, n, N;
  bool packed;  // rows of the result are 16-byte aligned
};

/// out[offset(row) + column] = epilogue(acc) for the part of the tile that exists. The loop over rows is not unrolled
/// (the rows move up instead, as registers have no index): activations are long, and each element would have its own.
template <class P, class Offset>
__device__ __forceinline__ void store_tile(TileAccumulator<P>& acc, const TilePlace& t, const Epilogue<float>& e,
                                           float* out, const Offset& offset) {
  TINYGAN_NO_UNROLL
  for (int i = 0; i < P::rows; ++i) {
    const int row = t.m + acc.row(i);
    float* const to = out + (row < t.M ? offset(row) : 0);
    TINYGAN_UNROLL
    for (int j = 0; j < P::columns; j += 4) {
      const int column = t.n + acc.column(j);
      if (row >= t.M || column >= t.N) continue;
      Float4 v;
      TINYGAN_UNROLL
      for (int k = 0; k < 4; ++k) v.at[k] = acc.at[0][j + k];
      finish_pack(e, column, t.N, v);
      store_some(to + column, column, t.N, v, t.packed);
    }
    TINYGAN_UNROLL
    for (int r = 1; r < P::rows; ++r)
      TINYGAN_UNROLL
      for (int j = 0; j < P::columns; ++j) acc.at[r - 1][j] = acc.at[r][j];
  }
}

// ---- Slabs ----------------------------------------------------------------------------------------------------------

inline constexpr index_t split_depth = 256;  // depth of a piece, at least: below it the slabs cost more than they bring

/// Into how many pieces to cut a depth so that `tiles` tiles fill the device twice. By shape alone.
inline index_t depth_splits(index_t tiles, index_t depth) {
  return std::clamp<index_t>(ceil_div(2 * enough_tiles, tiles), 1, std::max<index_t>(1, depth / split_depth));
}

/// y[i] = epilogue(slab 0 [i] + slab 1 [i] + ...), in this order; N columns.
template <class T>
__global__ void __launch_bounds__(map_threads)
    sum_slabs_kernel(index_t size, index_t splits, index_t N, Epilogue<T> e, const T* slabs, T* y) {
  for (index_t i = grid_thread(); i < size; i += grid_threads()) {
    Float4 v{{slabs[i], 0.0f, 0.0f, 0.0f}};
    for (index_t s = 1; s < splits; ++s) v.at[0] += slabs[s * size + i];
    const int n = static_cast<int>(i % N);
    finish_pack(e, n, n + 1, v);
    y[i] = v.at[0];
  }
}

inline void sum_slabs(index_t size, index_t splits, index_t N, const Epilogue<float>& e, const float* slabs, float* y,
                      Stream stream) {
  const unsigned blocks = grid_stride_blocks(size, map_threads);
  const Launch how{.grid = {blocks}, .block = {map_threads}, .stream = stream};
  launch<sum_slabs_kernel<float>>(how, size, splits, N, e, slabs, y);
}

}  // namespace
}  // namespace tinygan::cuda
