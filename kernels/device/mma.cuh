// Tensor-core products of one warp: D(16,8) = A(16,K) B(K,8) + C(16,8), K = 8 in TF32 and 16 in bfloat16 (sm_80 and
// later), and ldmatrix, which loads 8x8 tiles of 16-bit elements into fragments (sm_75 and later).
//
// Fragment layouts, g = lane / 4 and t = lane % 4 (PTX ISA, "Matrix Fragments for mma.m16n8k8 / m16n8k16"):
//   TF32      a[i]: row g + 8(i&1), column t + 4(i>>1)             b[i]: row t + 4i, column g
//   bfloat16  a[i]: row g + 8(i&1), columns 2t + 8(i>>1) + {0,1}   b[i]: rows 2t + 8i + {0,1}, column g
//   C and D   c[i]: row g + 8(i>>1), column 2t + (i&1)
// All 32 lanes take part. The emulated device gathers both matrices by these layouts, rounds the operands as the
// hardware does (TF32 ignores the 13 lowest bits: round first, precision.cuh) and adds exact products in double.
#pragma once

#include "../launch.cuh"
#include "precision.cuh"
#include "vector.cuh"

namespace tinygan::cuda {
namespace {

using FragmentA = Pack<std::uint32_t, 4>;  // bits of float, or two bfloat16 each
using FragmentB = Pack<std::uint32_t, 2>;
using FragmentC = Pack<float, 4>;

#ifdef __CUDACC__

/// c += a b, operands TF32 (bits of floats).
__device__ __forceinline__ void mma_tf32(FragmentC& c, const FragmentA& a, const FragmentB& b) {
#if __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c.at[0]), "+f"(c.at[1]), "+f"(c.at[2]), "+f"(c.at[3])
      : "r"(a.at[0]), "r"(a.at[1]), "r"(a.at[2]), "r"(a.at[3]), "r"(b.at[0]), "r"(b.at[1]));
#else
  __trap();  // the launcher does not choose this policy here
#endif
}

/// c += a b, operands bfloat16.
__device__ __forceinline__ void mma_bf16(FragmentC& c, const FragmentA& a, const FragmentB& b) {
#if __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c.at[0]), "+f"(c.at[1]), "+f"(c.at[2]), "+f"(c.at[3])
      : "r"(a.at[0]), "r"(a.at[1]), "r"(a.at[2]), "r"(a.at[3]), "r"(b.at[0]), "r"(b.at[1]));
#else
  __trap();
#endif
}

/// Count (1, 2 or 4) 8x8 tiles of 16-bit elements; lane 8i + r passes the address of row r of tile i, 16 bytes in
/// shared memory. Result i holds elements (g, 2t) and (g, 2t+1) of tile i, with Transpose (2t, g) and (2t+1, g).
template <int Count, bool Transpose = false>
__device__ __forceinline__ Pack<std::uint32_t, Count> load_matrix(const void* row) {
  Pack<std::uint32_t, Count> r;
  const auto at = static_cast<unsigned>(__cvta_generic_to_shared(row));
  if constexpr (Count == 4 && !Transpose)
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r.at[0]), "=r"(r.at[1]), "=r"(r.at[2]), "=r"(r.at[3])
                 : "r"(at)
                 : "memory");
  else if constexpr (Count == 4)
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r.at[0]), "=r"(r.at[1]), "=r"(r.at[2]), "=r"(r.at[3])
                 : "r"(at)
                 : "memory");
  else if constexpr (Count == 2 && !Transpose)
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];"
                 : "=r"(r.at[0]), "=r"(r.at[1])
                 : "r"(at)
                 : "memory");
  else if constexpr (Count == 2)
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];"
                 : "=r"(r.at[0]), "=r"(r.at[1])
                 : "r"(at)
                 : "memory");
  else if constexpr (!Transpose)
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];" : "=r"(r.at[0]) : "r"(at) : "memory");
  else asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];" : "=r"(r.at[0]) : "r"(at) : "memory");
  return r;
}

#else

namespace emulate {

/// One lane's operand of a product or of ldmatrix.
struct MmaLane {
  FragmentC* c;
  FragmentA a;
  FragmentB b;
};
struct LoadMatrixLane {
  const void* row;
  std::uint32_t result[4];
};

inline float tf32_operand(std::uint32_t bits) { return std::bit_cast<float>(bits & ~tf32_dropped_bits); }

/// Gathers A and B by the layouts above, multiplies, scatters D. Called once for the warp.
template <int K>
TINYGAN_NO_SANITIZE void mma_warp(void* const (&operands)[32], unsigned) {
  float a[16][K], b[K][8];
  for (unsigned lane = 0; lane < 32; ++lane) {
    const auto& mine = *static_cast<const MmaLane*>(operands[lane]);
    const unsigned g = lane / 4, t = lane % 4;
    for (unsigned i = 0; i < 4; ++i) {
      const unsigned row = g + 8 * (i & 1u), half = i >> 1;
      if constexpr (K == 8) {
        a[row][t + 4 * half] = tf32_operand(mine.a.at[i]);
      } else {
        a[row][2 * t + 8 * half] = low_bf16(mine.a.at[i]);
        a[row][2 * t + 8 * half + 1] = high_bf16(mine.a.at[i]);
      }
    }
    for (unsigned i = 0; i < 2; ++i) {
      if constexpr (K == 8) {
        b[t + 4 * i][g] = tf32_operand(mine.b.at[i]);
      } else {
        b[2 * t + 8 * i][g] = low_bf16(mine.b.at[i]);
        b[2 * t + 8 * i + 1][g] = high_bf16(mine.b.at[i]);
      }
    }
  }
  for (unsigned lane = 0; lane < 32; ++lane) {
    FragmentC& c = *static_cast<const MmaLane*>(operands[lane])->c;
    for (unsigned i = 0; i < 4; ++i) {
      const unsigned row = lane / 4 + 8 * (i >> 1), column = 2 * (lane % 4) + (i & 1u);
      double sum = static_cast<double>(c.at[i]);
      for (int k = 0; k < K; ++k) sum += static_cast<double>(a[row][k]) * static_cast<double>(b[k][column]);
      c.at[i] = static_cast<float>(sum);
    }
  }
}

template <int Count, bool Transpose>
TINYGAN_NO_SANITIZE void load_matrix_warp(void* const (&operands)[32], unsigned) {
  for (unsigned tile = 0; tile < Count; ++tile) {
    std::uint16_t element[8][8];
    for (unsigned r = 0; r < 8; ++r)
      std::memcpy(element[r], static_cast<const LoadMatrixLane*>(operands[8 * tile + r])->row, sizeof element[r]);
    for (unsigned lane = 0; lane < 32; ++lane) {
      const unsigned g = lane / 4, t = lane % 4;
      const std::uint32_t low = Transpose ? element[2 * t][g] : element[g][2 * t];
      const std::uint32_t high = Transpose ? element[2 * t + 1][g] : element[g][2 * t + 1];
      static_cast<LoadMatrixLane*>(operands[lane])->result[tile] = low | high << 16;
    }
  }
}

}  // namespace emulate

inline void mma_tf32(FragmentC& c, const FragmentA& a, const FragmentB& b) {
  emulate::MmaLane mine{&c, a, b};
  emulate::machine->warp_collective(all_lanes, &emulate::mma_warp<8>, &mine);
}

inline void mma_bf16(FragmentC& c, const FragmentA& a, const FragmentB& b) {
  emulate::MmaLane mine{&c, a, b};
  emulate::machine->warp_collective(all_lanes, &emulate::mma_warp<16>, &mine);
}

template <int Count, bool Transpose = false>
Pack<std::uint32_t, Count> load_matrix(const void* row) {
  emulate::check_shared(row, 16, "a row of ldmatrix");
  emulate::LoadMatrixLane mine{row, {}};
  emulate::machine->warp_collective(all_lanes, &emulate::load_matrix_warp<Count, Transpose>, &mine);
  Pack<std::uint32_t, Count> r;
  std::memcpy(&r, mine.result, sizeof r);
  return r;
}

#endif

}  // namespace
}  // namespace tinygan::cuda
