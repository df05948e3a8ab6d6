// One output tile of a matrix product on tensor cores: operands rounded to TF32 or bfloat16, sums in fp32.
//
// Owns         thread t: packs of 16 bytes of both panels (tile_m or tile_n, tile_k) per step, tile_k being 32 floats
//              or 64 bfloat16; warps are 2 x 2 in the tile, and a thread has the fragments of mma.sync. Results are
//              stored through shared memory, a region per warp, in packs of whole rows.
// Shared       both panels `stages` times, filled by cp.async: `stages` - 1 steps are in flight during one product. A
//              panel has the layout of its operand (Major). ldmatrix reads both layouts, transposing if necessary,
//              except floats of Major::mn, which it cannot transpose: those are read word by word. Packs are swizzled
//              by row (xor), so that there are no bank conflicts.
// Requires     sm_80 (elsewhere it compiles to traps, and set_precision() refuses).
// Cost         2 tile_m tile_n FLOPs and sizeof(Element) (tile_m + tile_n) bytes from L2 per k. Of floats a warp of
//              64 x 64 reads 4 bytes of shared memory for 32 multiply-adds, so a step of (128,128,32) takes 512 cycles
//              of reading and 256 of writing, against 768 of multiplying in TF32. They are rounded in registers.
//              bfloat16 in memory takes half of all that for a k, and no instruction to round.
// Determinism  the order of k in a sum is that of the steps; within one mma.sync it is the hardware's.
// Source       CUTLASS, "Efficient GEMM in CUDA" and its Ampere multistage mainloop; layouts: PTX ISA (device/mma.cuh).
#pragma once

#include <tinygan/base/precision.hpp>

#include "device/async_copy.cuh"
#include "device/mma.cuh"
#include "tile.cuh"

namespace tinygan::cuda {
namespace {

/// A panel in shared memory: (TileMN, TileK) if K-major, else (TileK, TileMN).
template <class Element, int TileMN, int TileK, Major L>
struct MmaPanel {
  static constexpr int pack = pack_width<Element>;
  static constexpr bool k_major = L == Major::k;
  static constexpr bool by_words = !k_major && std::is_same_v<Element, float>;  // and not by ldmatrix
  alignas(16) Element memory[TileMN * TileK];
  static_assert(TileK == 8 * pack && TileMN % TileK == 0, "rows are made of all 32 banks");

  /// Offset of an element; packs stay together. The swizzle spreads over all banks eight rows of a pack each, which one
  /// ldmatrix reads, or four rows of two packs each, which a warp reads by words.
  __device__ int at(int mn, int k) const {
    if constexpr (k_major) return mn * TileK + (k ^ mn % 8 * pack);
    return k * TileMN + (mn ^ (by_words ? k % 4 * 2 * pack : k % 8 * pack));
  }

  /// Registers of a fragment of mma.sync, of the left operand or the right, as bits. v[group][half]: of row
  /// mn + 8 group + lane / 4 the float k + 4 half + lane % 4, or the bfloat16 k + 8 half + lane % 4 * 2 and its
  /// successor. The 8x8 tiles of one ldmatrix come in the order of the fragment.
  template <bool Left, int Groups>
  __device__ __forceinline__ void load(int mn, int k, std::uint32_t (&v)[Groups][2]) const {
    const int lane = static_cast<int>(lane_id());
    if constexpr (by_words) {
      TINYGAN_UNROLL
      for (int u = 0; u < Groups; ++u) TINYGAN_UNROLL
      for (int half = 0; half < 2; ++half)
        v[u][half] = std::bit_cast<std::uint32_t>(memory[at(mn + 8 * u + lane / 4, k + 4 * half + lane % 4)]);
    } else {
      const int group = Left ? lane / 8 % 2 : lane / 16, half = Left ? lane / 16 : lane / 8 % 2;
      const int row = mn + 8 * group + (k_major ? lane % 8 : 0), column = k + pack * half + (k_major ? 0 : lane % 8);
      TINYGAN_UNROLL
      for (int u = 0; u < Groups; u += 2) {
        const auto four = load_matrix<4, !k_major>(memory + at(row + 8 * u, column));
        TINYGAN_UNROLL
        for (int i = 0; i < 4; ++i) v[u + (Left ? i % 2 : i / 2)][Left ? i / 2 : i % 2] = four.at[i];
      }
    }
  }
};

/// Elements from row to row of a warp's results in shared memory: four rows of a fragment cover all banks.
template <int N>
inline constexpr int results_pitch = 8 * N + 8;

/// Stores a warp's fragments, (16 M, 8 N) from row m and column n on, through `shared` (of that warp alone):
/// out[offset(row) + column] = epilogue(.) within the result's extents. By all lanes.
template <class T, int M, int N, class Offset>
__device__ __forceinline__ void store_fragments(const FragmentC (&acc)[M][N], float* shared, int m, int n,
                                                const TilePlace& t, const Epilogue<T>& e, T* out,
                                                const Offset& offset) {
  constexpr int pitch = results_pitch<N>;
  const int lane = static_cast<int>(lane_id());
  TINYGAN_UNROLL
  for (int i = 0; i < M; ++i) TINYGAN_UNROLL
  for (int j = 0; j < N; ++j) {
    float* const to = shared + (16 * i + lane / 4) * pitch + 8 * j + lane % 4 * 2;
    const FragmentC& c = acc[i][j];
    store_pack(to, Pack<float, 2>{{c.at[0], c.at[1]}});
    store_pack(to + 8 * pitch, Pack<float, 2>{{c.at[2], c.at[3]}});
  }
  __syncwarp();
  constexpr int rows = M == 1 ? 16 : 32;  // their offsets are computed once, one per lane, as they cost divisions
  constexpr int row_packs = 2 * N, at_a_time = 32 / row_packs;
  static_assert(32 % row_packs == 0 && 16 * M % rows == 0);
  TINYGAN_NO_UNROLL
  for (int first = 0; first < 16 * M; first += rows) {
    const int my_row = m + first + lane;
    const index_t my_offset = lane < rows && my_row < t.M ? offset(my_row) : 0;
    TINYGAN_NO_UNROLL
    for (int r = 0; r < rows; r += at_a_time) {
      const int row = r + lane / row_packs;
      const index_t at = __shfl_sync(all_lanes, my_offset, static_cast<unsigned>(row));
      const int column = lane % row_packs * 4;
      if (m + first + row >= t.M || n + column >= t.N) continue;
      Float4 v = load_pack<4>(shared + (first + row) * pitch + column);
      finish_pack(e, n + column, t.N, v);
      store_some(out + at + n + column, n + column, t.N, v, t.aligned);
    }
  }
}

/// A tile of (TileM, TileN) in the format F by four warps, from panels of T; Blocks of them fit a multiprocessor by
/// registers.
template <Precision F, class T, int TileM, int TileN, int Stages, int Blocks>
struct MmaTile {
  using Element = T;
  static constexpr forms::Way way = forms::Way::mma;
  static constexpr int tile_m = TileM, tile_n = TileN, threads = 128, stages = Stages;
  static constexpr int pack = pack_width<T>, tile_k = 8 * pack;
  static constexpr int warp_m = TileM / 2, warp_n = TileN / 2;
  static constexpr int fragments_m = warp_m / 16, fragments_n = warp_n / 8;
  static constexpr int blocks_per_sm = Blocks;
  static constexpr int mma_k = F == Precision::tf32 ? 8 : 16;
  /// Unrolled products of a step: two where nothing is rounded in between, limited by registers.
  static constexpr int products_unrolled = std::is_same_v<T, bfloat16> ? 2 : tile_k / mma_k;
  static_assert(F == Precision::bf16 || (F == Precision::tf32 && std::is_same_v<T, float>));
  static_assert(warp_m % 32 == 0 && warp_n % 32 == 0 && Stages >= 2);

  template <Major A, Major B>
  struct Shared {
    MmaPanel<T, TileM, tile_k, A> a[Stages];  // (stages, tile_m, tile_k)
    MmaPanel<T, TileN, tile_k, B> b[Stages];  // (stages, tile_n, tile_k)
  };
  static constexpr std::size_t shared_bytes = sizeof(Shared<Major::k, Major::k>);  // the same for all layouts

  /// This thread's fragments of its warp's (warp_m, warp_n).
  struct Accumulator {
    FragmentC at[fragments_m][fragments_n] = {};  // (fragments_m, fragments_n) of (16, 8)
  };

  /// acc += the panels of `steps` steps of a source. By all threads of the block, once: the shared memory stays in use.
  template <Major A, Major B, class Source>
  __device__ __forceinline__ static void multiply(Source& source, int steps, Accumulator& acc) {
    if (steps <= 0) return;
    auto& s = block_shared<Shared<A, B>>();
    const auto load = [&](int stage) {
      source.load_step(ToShared<TileM, A>{s.a[stage]}, ToShared<TileN, B>{s.b[stage]});
    };
    TINYGAN_NO_UNROLL
    for (int stage = 0; stage < Stages - 1; ++stage) {
      if (stage < steps) load(stage);
      async_commit();  // groups are counted: one per step, empty or not
    }
    int now = 0, next = Stages - 1;
    TINYGAN_NO_UNROLL
    for (int step = 0; step < steps; ++step) {
      async_wait<Stages - 2>();
      __syncthreads();  // this step's panels have arrived, the last step's are read
      if (step + Stages - 1 < steps) load(next);
      async_commit();
      multiply_panels(s.a[now], s.b[now], acc);
      now = now + 1 < Stages ? now + 1 : 0;
      next = next + 1 < Stages ? next + 1 : 0;
    }
  }

  /// out[offset(row) + column] = epilogue(acc) within the result's extents. By all threads of the block, once.
  template <class Out, class Offset>
  __device__ __forceinline__ static void store(const Accumulator& acc, const TilePlace& t, const Epilogue<Out>& e,
                                               Out* out, const Offset& offset) {
    constexpr int results = warp_m * results_pitch<fragments_n>;
    static_assert(4 * results * sizeof(float) <= shared_bytes);
    float* const shared = block_shared<float>(4 * results);
    const int warp = static_cast<int>(warp_id());
    __syncthreads();  // the panels have been read
    store_fragments(acc.at, shared + warp * results, t.m + warp / 2 * warp_m, t.n + warp % 2 * warp_n, t, e, out,
                    offset);
  }

 private:
  /// Copies packs to their panel by cp.async.
  template <int TileMN, Major L>
  struct ToShared {
    using Place = PanelPlace<MmaTile, TileMN, L>;
    MmaPanel<T, TileMN, tile_k, L>& panel;

    __device__ __forceinline__ void operator()(int i, const T* from, int count, bool aligned) const {
      T* const to = panel.memory + panel.at(Place::mn(i), Place::k(i));
      if (aligned) return async_copy<16>(to, from, count > 0);  // extents are multiples of packs: all or nothing
      copy_some(to, from, count);
    }
  };

  /// The first `count` of a pack's elements at `from`, then zeros: by words, by cp.async.
  __device__ __forceinline__ static void copy_some(float* to, const float* from, int count) {
    TINYGAN_UNROLL
    for (int k = 0; k < 4; ++k) async_copy<4>(to + k, from + k, k < count);
  }
  /// Through registers where `from` is not word-aligned, as in every other row of an odd length.
  __device__ __forceinline__ static void copy_some(bfloat16* to, const bfloat16* from, int count) {
    if (reinterpret_cast<std::uintptr_t>(from) % 4 == 0) {
      TINYGAN_UNROLL
      for (int k = 0; k < 8; k += 2) {
        const int left = 2 * (count - k);  // bytes
        async_copy_some(to + k, from + k, left < 0 ? 0 : left < 4 ? left : 4);
      }
    } else {
      TINYGAN_NO_UNROLL
      for (int k = 0; k < 8; ++k) to[k] = k < count ? from[k] : bfloat16();
    }
  }

  /// Operand registers of Groups fragments of mma.sync. Where floats become bfloat16 a register holds the elements k
  /// and k + 4: the order of the products of a sum does not matter as long as both operands agree.
  template <bool Left, int Groups>
  struct Operand {
    std::uint32_t at[Groups][2];

    template <class Panel>
    __device__ __forceinline__ Operand(const Panel& panel, int mn, int k) {
      if constexpr (std::is_same_v<T, bfloat16>) {
        panel.template load<Left>(mn, k, at);
      } else {
        TINYGAN_UNROLL
        for (int half = 0; half < mma_k / 8; ++half) {
          std::uint32_t bits[Groups][2];
          panel.template load<Left>(mn, k + 8 * half, bits);
          TINYGAN_UNROLL
          for (int u = 0; u < Groups; ++u) {
            const float v[2] = {std::bit_cast<float>(bits[u][0]), std::bit_cast<float>(bits[u][1])};
            if constexpr (F == Precision::tf32) {
              at[u][0] = std::bit_cast<std::uint32_t>(round_tf32(v[0]));
              at[u][1] = std::bit_cast<std::uint32_t>(round_tf32(v[1]));
            } else {
              at[u][half] = pack_bf16(v[0], v[1]);
            }
          }
        }
      }
    }
  };

  /// One step: acc += a b^T of two panels (tile_m, tile_k) and (tile_n, tile_k), of either layout.
  template <class PanelA, class PanelB>
  __device__ __forceinline__ static void multiply_panels(const PanelA& a, const PanelB& b, Accumulator& acc) {
    const int warp = static_cast<int>(warp_id());
    TINYGAN_UNROLL_BY(products_unrolled)
    for (int k = 0; k < tile_k; k += mma_k) {
      const Operand<true, 2 * fragments_m> left(a, warp / 2 * warp_m, k);  // (warp_m, mma_k)
      const Operand<false, fragments_n> right(b, warp % 2 * warp_n, k);    // (warp_n, mma_k)
      TINYGAN_UNROLL
      for (int i = 0; i < fragments_m; ++i) TINYGAN_UNROLL
      for (int j = 0; j < fragments_n; ++j) {
        const auto &upper = left.at[2 * i], &lower = left.at[2 * i + 1];
        const FragmentA l{{upper[0], lower[0], upper[1], lower[1]}};
        const FragmentB r{{right.at[j][0], right.at[j][1]}};
        if constexpr (F == Precision::tf32) mma_tf32(acc.at[i][j], l, r);
        else mma_bf16(acc.at[i][j], l, r);
      }
    }
  }
};

}  // namespace
}  // namespace tinygan::cuda
