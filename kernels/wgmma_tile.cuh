// A tile of a matrix product on Hopper's tensor cores: acc(tile_m, tile_n) += A(tile_m, tile_k) B(tile_k, tile_n),
// step by step, both operands loaded by TMA. wgmma_taps.cuh and wgmma_weight_grad.cuh define a step.
//
// Owns         two warpgroups multiply, 64 rows each of a tile of 128, or half of the columns each of a tile of 64. The
//              TMA producer is one lane of a ninth warp.
// Shared       the tiles of `stages` steps, 96 KB, so that two blocks fit a multiprocessor: one multiplies while the
//              other stores. A stage is full when its bytes have arrived, empty when all eight warps have read it.
// Requires     sm_90a; elsewhere the kernels are empty and wgmma_available() is false.
// Cost         2 tile_m tile_n FLOPs and 2 or 4 (tile_m + tile_n) bytes from L2 per k.
// Determinism  each result is one sum in the order of the steps; 32 bytes of K at a time in the hardware's.
// Source       CUTLASS's warp-specialised mainloop for sm_90 and Pranjal Shankhdhar's "Outperforming cuBLAS on H100".
#pragma once

#include <cstdint>

#include "device/wgmma.cuh"
#include "mma_tile.cuh"

namespace tinygan::cuda {
namespace {

/// Operands in the format; a step is 128 bytes of K, or in bfloat16 64 rows of it (device/wgmma.cuh).
template <Precision Format, int TileM, int TileN, Major A, Major B>
struct WgmmaTile {
  static constexpr forms::Way way = forms::Way::wgmma;
  static constexpr Precision format = Format;
  static constexpr Major a_major = A, b_major = B;
  static constexpr int tile_m = TileM, tile_n = TileN;
  static constexpr int element_bytes = Format == Precision::tf32 ? 4 : 2, tile_k = box_row_bytes / element_bytes;
  static constexpr int warps = 8, threads = 32 * (warps + 1);  // consumers, and the producer
  static constexpr int groups_m = TileM / 64, groups_n = 2 / groups_m, warp_n = TileN / groups_n;
  static_assert((TileM == 64 || TileM == 128) && (warp_n == 64 || warp_n == 128));

  static constexpr int stage_bytes = (TileM + TileN) * box_row_bytes, stages = (96 << 10) / stage_bytes;
  struct Shared {
    unsigned char a[stages][TileM * box_row_bytes];  // (stages, tile_m, tile_k)
    unsigned char b[stages][TileN * box_row_bytes];  // (stages, tile_n, tile_k)
    Mbarrier full[stages], empty[stages];
  };
  static constexpr std::size_t shared_bytes = sizeof(Shared);

  /// A warp's results, 16 rows of warp_n columns.
  using Accumulator = FragmentC[1][warp_n / 8];                   // (1, warp_n / 8) of (16, 8)
  static constexpr int results = 16 * results_pitch<warp_n / 8>;  // of a warp, in place of the tiles
  static_assert(warps * results * sizeof(float) <= stages * stage_bytes);

  /// First row and column of a warp's results in the tile.
  __device__ static int warp_row(int warp) { return warp / 4 % groups_m * 64 + warp % 4 * 16; }
  __device__ static int warp_column(int warp) { return warp / 4 / groups_m * warp_n; }

  /// Rows of M or N in a TMA box of 128-byte rows: all of a K-major operand, else 64.
  static constexpr int box_m = A == Major::k ? TileM : 64, box_n = B == Major::k ? TileN : 64;
};

/// The position of the producer or a consumer in the ring of stages.
template <class P>
struct WgmmaRing {
  typename P::Shared& shared;
  unsigned parity;  // of the phase to wait for
  int stage = 0;

  __device__ __forceinline__ void advance() {
    if (++stage < P::stages) return;
    stage = 0;
    parity ^= 1u;
  }
};

/// TMA producer, one lane: per step acquire(), load_a(), load_b(), advance().
template <class P>
class WgmmaProducer {
 public:
  __device__ explicit WgmmaProducer(typename P::Shared& s) : ring_{s, 1} {}  // all stages are free

  /// Waits until the stage is empty and announces its bytes.
  __device__ __forceinline__ void acquire() {
    mbarrier_wait(ring_.shared.empty[ring_.stage], ring_.parity, ring_.stage);
    mbarrier_arrive_expect(ring_.shared.full[ring_.stage], P::stage_bytes);
  }
  /// Fills the stage's (tile_m, tile_k): load(to, m, full) starts the copy of a box from index m of M on; the boxes of
  /// a tile are contiguous.
  template <class Load>
  __device__ __forceinline__ void load_a(int m, const Load& load) {
    TINYGAN_UNROLL
    for (int i = 0; i < P::tile_m; i += P::box_m)
      load(ring_.shared.a[ring_.stage] + i * box_row_bytes, m + i, ring_.shared.full[ring_.stage]);
  }
  /// Fills the stage's (tile_n, tile_k), likewise.
  template <class Load>
  __device__ __forceinline__ void load_b(int n, const Load& load) {
    TINYGAN_UNROLL
    for (int i = 0; i < P::tile_n; i += P::box_n)
      load(ring_.shared.b[ring_.stage] + i * box_row_bytes, n + i, ring_.shared.full[ring_.stage]);
  }
  __device__ __forceinline__ void advance() { ring_.advance(); }

 private:
  WgmmaRing<P> ring_;
};

/// Consumers, the eight multiplying warps: acc += the products of all steps.
template <class P>
__device__ __forceinline__ void multiply_steps(int steps, typename P::Shared& s, typename P::Accumulator& acc) {
  // From lane 0: tells the compiler that it, and so the descriptors, are uniform over the warp.
  const int group = static_cast<int>(__shfl_sync(all_lanes, warp_id() / 4, 0));
  const auto a = matrix_descriptor<P::a_major>(s.a[0] + group % P::groups_m * block_bytes);  // (64, tile_k)
  const auto b = matrix_descriptor<P::b_major>(s.b[0] + group / P::groups_m * block_bytes);  // (warp_n, tile_k)
  const auto release = [&](int stage) {
    if (lane_id() == 0) mbarrier_arrive(s.empty[stage]);
  };
  WgmmaRing<P> ring{s, 0};
  int last = 0;
  wgmma_hold(acc[0]);
  for (int step = 0; step < steps; ++step) {
    mbarrier_wait(s.full[ring.stage], ring.parity, ring.stage);
    wgmma_fence();
    const auto stage = static_cast<std::uint64_t>(ring.stage);
    TINYGAN_UNROLL
    for (std::uint64_t k = 0; k < 4; ++k)
      wgmma<P::format, P::a_major, P::b_major>(acc[0],
                                               a + stage * (sizeof s.a[0] >> 4) + k * descriptor_step<P::a_major>,
                                               b + stage * (sizeof s.b[0] >> 4) + k * descriptor_step<P::b_major>);
    wgmma_commit();
    wgmma_wait<1>();  // for the previous step: its tiles have been read
    if (step > 0) release(last);
    last = ring.stage;
    ring.advance();
  }
  wgmma_finish(acc[0]);
}

/// First call of a kernel, by all threads: the producer lane prefetches the maps.
template <class P>
__device__ __forceinline__ void prefetch_maps(const TensorMap& a, const TensorMap& b) {
  if (threadIdx.x != 32 * P::warps) return;
  tma_prefetch(a);
  tma_prefetch(b);
}

/// acc += the products of `steps` steps, loaded by produce(producer). By all threads of the block, once; true for those
/// that have results. Afterwards the shared memory is free.
template <class P, class Produce>
__device__ __forceinline__ bool wgmma_multiply(int steps, const Produce& produce, typename P::Accumulator& acc) {
  auto& s = block_shared<typename P::Shared>();
  if (threadIdx.x == 0) {
    for (int i = 0; i < P::stages; ++i) {
      mbarrier_init(s.full[i], 1);
      mbarrier_init(s.empty[i], P::warps);
    }
    mbarrier_ready();
  }
  __syncthreads();
  if (warp_id() == P::warps) {
    if (lane_id() == 0 && steps > 0) {
      WgmmaProducer<P> producer(s);
      produce(producer);
    }
    __syncwarp();
  } else {
    multiply_steps<P>(steps, s, acc);
  }
  __syncthreads();  // the tiles have been read
  return warp_id() < P::warps;
}

/// out[offset(row) + column] = epilogue(acc) within the result's extents. By the consumers, once.
template <class P, class T, class Offset>
__device__ __forceinline__ void store_wgmma(const typename P::Accumulator& acc, const TilePlace& t,
                                            const Epilogue<T>& e, T* out, const Offset& offset) {
  float* const shared = block_shared<float>(P::warps * P::results);
  const int warp = static_cast<int>(warp_id());
  store_fragments(acc, shared + warp * P::results, t.m + P::warp_row(warp), t.n + P::warp_column(warp), t, e, out,
                  offset);
}

}  // namespace
}  // namespace tinygan::cuda
