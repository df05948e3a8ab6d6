// A tile of a matrix product on Hopper's tensor cores: acc(tile_m, tile_n) += A(tile_m, depth) B(depth, tile_n), step
// by step, both operands brought by TMA. What a step is, wgmma_taps.cuh and wgmma_weight_grad.cuh know.
//
// Owns         two warpgroups multiply, 64 rows each of a tile of 128, or half of the columns each of a tile of 64. A
//              ninth warp, one lane of it, has TMA bring the tiles of both operands.
// Shared       the tiles of `stages` steps, 96 KB, so that two blocks fit a multiprocessor: one multiplies while the
//              other stores. A stage is full when its bytes have come, empty when all eight warps have read it.
// Requires     sm_90a; elsewhere kernels made of this are empty and wgmma_available() says no.
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
  static constexpr int warps = 8, threads = 32 * (warps + 1);  // that multiply, and one that has tiles brought
  static constexpr int groups_m = TileM / 64, groups_n = 2 / groups_m, part_n = TileN / groups_n;
  static_assert((TileM == 64 || TileM == 128) && (part_n == 64 || part_n == 128));

  static constexpr int stage_bytes = (TileM + TileN) * box_row_bytes, stages = (96 << 10) / stage_bytes;
  struct Shared {
    unsigned char a[stages][TileM * box_row_bytes], b[stages][TileN * box_row_bytes];
    Mbarrier full[stages], empty[stages];
  };
  static constexpr std::size_t shared_bytes = sizeof(Shared);

  /// A warp's 16 rows of part_n columns.
  using Accumulator = FragmentC[1][part_n / 8];
  static constexpr int results = 16 * results_pitch<part_n / 8>;  // of a warp, where the tiles were
  static_assert(warps * results * sizeof(float) <= stages * stage_bytes);

  /// First row and column of a warp's part of the tile.
  __device__ static int part_row(int warp) { return warp / 4 % groups_m * 64 + warp % 4 * 16; }
  __device__ static int part_column(int warp) { return warp / 4 / groups_m * part_n; }

  /// As a box of 128-byte rows an operand comes whole if it is K-major, else 64 indices of M or N at a time.
  static constexpr int box_m = A == Major::k ? TileM : 64, box_n = B == Major::k ? TileN : 64;
};

/// The stages in turn, as one side goes through them.
template <class P>
struct WgmmaRing {
  typename P::Shared& shared;
  unsigned parity;  // of the phase that is waited for
  int stage = 0;

  __device__ __forceinline__ void next() {
    if (++stage < P::stages) return;
    stage = 0;
    parity ^= 1u;
  }
};

/// What has the tiles brought: for each step begin(), then a() and b(), then next(). By one lane.
template <class P>
class WgmmaProducer {
 public:
  __device__ explicit WgmmaProducer(typename P::Shared& s) : ring_{s, 1} {}  // all stages are free

  __device__ __forceinline__ void begin() {
    mbarrier_wait(ring_.shared.empty[ring_.stage], ring_.parity, ring_.stage);
    mbarrier_arrive_expect(ring_.shared.full[ring_.stage], P::stage_bytes);
  }
  /// load(to, m, full) starts the copy of a box from index m of M on; boxes lie one behind the other.
  template <class Load>
  __device__ __forceinline__ void a(int m, const Load& load) {
    TINYGAN_UNROLL
    for (int i = 0; i < P::tile_m; i += P::box_m)
      load(ring_.shared.a[ring_.stage] + i * box_row_bytes, m + i, ring_.shared.full[ring_.stage]);
  }
  template <class Load>
  __device__ __forceinline__ void b(int n, const Load& load) {
    TINYGAN_UNROLL
    for (int i = 0; i < P::tile_n; i += P::box_n)
      load(ring_.shared.b[ring_.stage] + i * box_row_bytes, n + i, ring_.shared.full[ring_.stage]);
  }
  __device__ __forceinline__ void next() { ring_.next(); }

 private:
  WgmmaRing<P> ring_;
};

/// acc += the products of all steps. By the eight warps that multiply.
template <class P>
__device__ __forceinline__ void multiply_steps(int steps, typename P::Shared& s, typename P::Accumulator& acc) {
  // From lane 0, so that the compiler knows it, and the descriptors, to be the same in all lanes.
  const int group = static_cast<int>(__shfl_sync(all_lanes, warp_id() / 4, 0));
  const auto a = matrix_descriptor<P::a_major>(s.a[0] + group % P::groups_m * block_bytes);
  const auto b = matrix_descriptor<P::b_major>(s.b[0] + group / P::groups_m * block_bytes);
  const auto give_back = [&](int stage) {
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
      wgmma<P::format, P::a_major, P::b_major>(
          acc[0], a + stage * (sizeof s.a[0] >> 4) + k * descriptor_step<P::a_major>,
          b + stage * (sizeof s.b[0] >> 4) + k * descriptor_step<P::b_major>);
    wgmma_commit();
    wgmma_wait<1>();  // for the step before, whose tiles have so been read
    if (step > 0) give_back(last);
    last = ring.stage;
    ring.next();
  }
  wgmma_finish(acc[0]);
}

/// Called first by a kernel of this kind, by all threads: the lane that will bring the tiles has the maps fetched.
template <class P>
__device__ __forceinline__ void prefetch_maps(const TensorMap& a, const TensorMap& b) {
  if (threadIdx.x != 32 * P::warps) return;
  tma_prefetch(a);
  tma_prefetch(b);
}

/// acc += the products of `steps` steps, which bring(producer) has brought. By all threads of the block, once; true for
/// those that have results. Afterwards the shared memory is free.
template <class P, class Bring>
__device__ __forceinline__ bool wgmma_multiply(int steps, const Bring& bring, typename P::Accumulator& acc) {
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
      bring(producer);
    }
    __syncwarp();
  } else {
    multiply_steps<P>(steps, s, acc);
  }
  __syncthreads();  // the tiles have been read
  return warp_id() < P::warps;
}

/// out[offset(row) + column] = epilogue(acc) for the part of the tile that exists. By the eight warps that multiplied,
/// once.
template <class P, class T, class Offset>
__device__ __forceinline__ void store_wgmma(const typename P::Accumulator& acc, const TilePlace& t,
                                            const Epilogue<T>& e, T* out, const Offset& offset) {
  float* const shared = block_shared<float>(P::warps * P::results);
  const int warp = static_cast<int>(warp_id());
  store_fragments(acc, shared + warp * P::results, t.m + P::part_row(warp), t.n + P::part_column(warp), t, e, out,
                  offset);
}

}  // namespace
}  // namespace tinygan::cuda
