// One output tile of a matrix product in fp32 by fused multiply-adds: exact products, one after the other.
//
// Owns         thread t: one pack of each panel (Edge, tile_k) per step; `rows` x `columns` of the tile in registers,
//              read from shared memory in packs that make one wavefront for each warp (4 x 8 lanes).
// Shared       both panels twice: while one pair is multiplied the next is loaded into registers.
// Requires     sm_75.      Cost  2 Edge^2 FLOPs and 2 Edge / 4 packs of 16 bytes per k.
// Determinism  a sum runs in the order of k, whatever the tile: one fma after the other.
// Source       the register and shared tiling of CUTLASS's SIMT GEMM ("Efficient GEMM in CUDA"), with square tiles.
#pragma once

#include "tile.cuh"

namespace tinygan::cuda {
namespace {

/// A tile of (Edge, Edge) by 2 Edge threads of (Rows, Columns) each: a thread copies one pack of each panel per step.
template <int Edge, int Rows, int Columns>
struct FfmaTile {
  using Element = float;  // of its panels; a Source may load bfloat16 too
  static constexpr forms::Way way = forms::Way::ffma;
  static constexpr int tile_m = Edge, tile_n = Edge, rows = Rows, columns = Columns, pack = 4;
  static constexpr int tile_k = 8;  // of a step
  static constexpr int threads = Edge * tile_k / pack;
  static constexpr int warp_rows = 4 * rows, warp_columns = 8 * columns;  // of one warp, lanes as 4 x 8
  static constexpr int warps_n = Edge / warp_columns;
  /// By registers: the largest tile takes about 145 per thread, and spills if limited to 128.
  static constexpr int blocks_per_sm = threads >= 256 ? 1 : 512 / threads;
  static_assert(Edge * Edge == threads * rows * columns && rows % 4 == 0 && columns % 4 == 0);
  static_assert(Edge % warp_rows == 0 && Edge % warp_columns == 0);

  static constexpr int pitch = Edge + 4;  // rows 16-byte aligned; the transposing stores of a warp cover all banks
  using Panel = float[tile_k][pitch];     // (tile_k, Edge)
  struct Shared {
    Panel a[2], b[2];  // (2, tile_k, tile_m), (2, tile_k, tile_n)
  };
  static constexpr std::size_t shared_bytes = sizeof(Shared);

  /// This thread's (rows, columns) of a tile, and their places in the tile.
  struct Accumulator {
    float at[rows][columns] = {};  // (rows, columns)

    __device__ static int row(int i) {
      const int warp = static_cast<int>(warp_id()) / warps_n, lane = static_cast<int>(lane_id()) / 8;
      return warp * warp_rows + i / 4 * 16 + lane * 4 + i % 4;
    }
    __device__ static int column(int j) {
      const int warp = static_cast<int>(warp_id()) % warps_n, lane = static_cast<int>(lane_id()) % 8;
      return warp * warp_columns + j / 4 * 32 + lane * 4 + j % 4;
    }
  };

  /// acc += the panels of `steps` steps of a source. By all threads of the block, once: the shared memory stays in use.
  template <Major A, Major B, class Source>
  __device__ __forceinline__ static void multiply(Source& source, int steps, Accumulator& acc) {
    if (steps <= 0) return;
    auto& s = block_shared<Shared>();
    Float4 a, b;  // one pack of each panel
    const ToRegisters copy_a{a}, copy_b{b};
    source.load_step(copy_a, copy_b);
    store_panel<A>(s.a[0], a);
    store_panel<B>(s.b[0], b);
    __syncthreads();
    int now = 0;
    for (int step = 1; step < steps; ++step) {
      source.load_step(copy_a, copy_b);  // in flight during the multiplication
      multiply_panels(s.a[now], s.b[now], acc);
      now ^= 1;  // read by all threads before the last barrier
      store_panel<A>(s.a[now], a);
      store_panel<B>(s.b[now], b);
      __syncthreads();
    }
    multiply_panels(s.a[now], s.b[now], acc);
  }

  /// out[offset(row) + column] = epilogue(acc) within the result's extents. The loop over rows is not unrolled
  /// (the rows move up instead, as registers have no index): activations are long, and each element would have its own.
  template <class T, class Offset>
  __device__ __forceinline__ static void store(Accumulator& acc, const TilePlace& t, const Epilogue<T>& e, T* out,
                                               const Offset& offset) {
    TINYGAN_NO_UNROLL
    for (int i = 0; i < rows; ++i) {
      const int row = t.m + acc.row(i);
      const index_t to = row < t.M ? offset(row) : 0;
      TINYGAN_UNROLL
      for (int j = 0; j < columns; j += 4) {
        const int column = t.n + acc.column(j);
        if (row >= t.M || column >= t.N) continue;
        Float4 v;
        TINYGAN_UNROLL
        for (int k = 0; k < 4; ++k) v.at[k] = acc.at[0][j + k];
        finish_pack(e, column, t.N, v);
        store_some(out + to + column, column, t.N, v, t.aligned);
      }
      TINYGAN_UNROLL
      for (int r = 1; r < rows; ++r) TINYGAN_UNROLL
      for (int j = 0; j < columns; ++j) acc.at[r - 1][j] = acc.at[r][j];
    }
  }

 private:
  /// Copies a pack into registers, where it stays until its panel is free. A source may also pass computed values.
  struct ToRegisters {
    Float4& pack;
    template <class T>
    __device__ __forceinline__ void operator()(int, const T* from, int count, bool aligned) const {
      pack = load_some(from, count, aligned);
    }
    __device__ __forceinline__ void operator()(const Float4& made) const { pack = made; }
  };

  template <Major L>
  __device__ __forceinline__ static void store_panel(Panel& panel, const Float4& v) {
    using Place = PanelPlace<FfmaTile, Edge, L>;
    static_assert(Place::packs == 1);
    if constexpr (L == Major::k) {
      TINYGAN_UNROLL
      for (int k = 0; k < 4; ++k) panel[Place::k() + k][Place::mn()] = v.at[k];
    } else {
      store_pack(&panel[Place::k()][Place::mn()], v);
    }
  }

  /// One step: acc += a^T b of two panels (tile_k, Edge).
  __device__ __forceinline__ static void multiply_panels(const Panel& a, const Panel& b, Accumulator& acc) {
    TINYGAN_UNROLL
    for (int k = 0; k < tile_k; ++k) {
      Float4 left[rows / 4], right[columns / 4];  // (rows), (columns) of one k
      TINYGAN_UNROLL
      for (int i = 0; i < rows / 4; ++i) left[i] = load_pack<4>(&a[k][acc.row(4 * i)]);
      TINYGAN_UNROLL
      for (int j = 0; j < columns / 4; ++j) right[j] = load_pack<4>(&b[k][acc.column(4 * j)]);
      TINYGAN_UNROLL
      for (int i = 0; i < rows; ++i) TINYGAN_UNROLL
      for (int j = 0; j < columns; ++j)
        acc.at[i][j] = fmaf(left[i / 4].at[i % 4], right[j / 4].at[j % 4], acc.at[i][j]);
    }
  }
};

using LargeTile = FfmaTile<128, 8, 8>;  // 16 FLOPs per byte of shared memory
using MediumTile = FfmaTile<64, 8, 4>;
using SmallTile = FfmaTile<32, 4, 4>;

}  // namespace
}  // namespace tinygan::cuda
