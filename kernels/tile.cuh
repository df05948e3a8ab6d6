// What all output tiles of a matrix product have in common, whatever multiplies: where operands come from, where
// results go, and how pieces of a split sum are put together.
//
//   acc(i,j) = sum over k of a(i,k) b(k,j)      i < tile_m, j < tile_n; k in steps of `depth`
//
// Who brings the operands is a Source. next(take_a, take_b) hands over this thread's share of the next step: for each
// of its packs (four neighbours of a panel) a call take(i, from, count, packed): the first `count` (perhaps none)
// of the four floats at `from`, then zeros; `packed` says that `from` is 16-byte aligned. A Source knows about
// transposes, taps and pixels; what multiplies (ffma_tile.cuh, mma_tile.cuh) does not.
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

// ---- Operands -------------------------------------------------------------------------------------------------------

/// Which packs of a panel (Edge, depth) a thread brings: neighbours along the depth (Deep), where the operand is
/// contiguous that way, or along the edge.
template <class P, int Edge, bool Deep>
struct PanelPlace {
  static constexpr int row = (Deep ? P::depth : Edge) / 4;  // packs of a row
  static constexpr int stride = P::threads / row;           // rows from one of a thread's packs to the next
  static constexpr int packs = (Deep ? Edge : P::depth) / stride;
  static_assert(P::threads % row == 0 && packs >= 1 && packs * stride == (Deep ? Edge : P::depth));

  __device__ static int edge(int i = 0) {
    return static_cast<int>(Deep ? threadIdx.x / row + static_cast<unsigned>(i * stride) : threadIdx.x % row * 4);
  }
  __device__ static int depth(int i = 0) {
    return static_cast<int>(Deep ? threadIdx.x % row * 4 : threadIdx.x / row + static_cast<unsigned>(i * stride));
  }
};

/// The first `count` of the four floats at `from`, then zeros. `packed`: `from` is 16-byte aligned.
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

// ---- The result -----------------------------------------------------------------------------------------------------

/// The four results of columns n... of one row, the first of them element `at` of the whole: activation(v + bias), or
/// v activation'(.) of e.output, which is as aligned as `packed` says. Columns from N on do not matter.
__device__ __forceinline__ void finish_pack(const Epilogue<float>& e, index_t at, int n, int N, bool packed,
                                            Float4& v) {
  if (e.output) {
    const Float4 y = load_some(e.output + at, N - n, packed);
    TINYGAN_UNROLL
    for (int k = 0; k < 4; ++k) v.at[k] *= activation_slope(e.activation, e.slope, y.at[k]);
    return;
  }
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
  bool packed;  // rows of the result, and of an epilogue's output, are 16-byte aligned
};

// ---- Slabs ----------------------------------------------------------------------------------------------------------

/// Tiles that fill an H200 (132 multiprocessors). Not measured yet. Of results only the pieces of split sums follow it.
inline constexpr index_t enough_tiles = 132;

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
    finish_pack(e, i, n, n + 1, false, v);
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
