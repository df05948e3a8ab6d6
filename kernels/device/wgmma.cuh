// wgmma: products of a warpgroup (four warps), D(64,N) += A(64,K) B(K,N) with both operands in shared memory, K = 8 in
// TF32 and 16 in bfloat16: 32 bytes of it (sm_90a). They run by themselves:
//
//   wgmma_fence();                       before the first product that touches the accumulators
//   wgmma<F, A, B>(acc, a, b); ...       all four warps together
//   wgmma_commit(); wgmma_wait<P>();     until at most P of the latest groups are in flight
//   wgmma_finish(acc);                   until all are over: from here on the accumulators may be read
//
// Operands lie in blocks of 64 rows of 128 bytes as TMA swizzles them (tma.cuh), 1024-byte aligned, contiguous:
//   Major::k    a row is an index of M or N and holds 128 bytes of K
//   Major::mn   a row is an index of K and holds 64 indices of M or N: bfloat16 only, whose blocks are square
// Warp w of the warpgroup has rows 16w to 16w + 15 of D, in mma.sync's layout (mma.cuh).
// TF32 ignores the 13 lowest bits of what it reads. The emulated device multiplies when a group is waited for, so a
// stage that is released too early, or accumulators that are read too early, show.
// Source: PTX ISA, "Asynchronous Warpgroup Level Matrix Multiply-Accumulate Instructions" and its strides of matrix
// descriptors, named as in CUTLASS (mma_traits_sm90_gmma.hpp).
#pragma once

#include <tinygan/backend/major.hpp>
#include <tinygan/base/precision.hpp>

#include "architecture.cuh"
#include "mma.cuh"
#include "tma.cuh"

namespace tinygan::cuda {
namespace {

inline constexpr int block_rows = 64, block_bytes = block_rows * box_row_bytes;

/// The next 32 bytes along K, or the next 16 rows of it, move a descriptor by this much.
template <Major M>
inline constexpr std::uint64_t descriptor_step = (M == Major::k ? 32 : 16 * box_row_bytes) >> 4;

/// Bits of a descriptor but for the address: rows swizzled in 128 bytes, 1024 bytes from 8 of them to the next 8, and
/// from a block to the next 64 indices of M or N; K-major the latter has no meaning, as rows are contiguous.
template <Major M>
inline constexpr std::uint64_t descriptor_layout =
    std::uint64_t{1} << 62 | std::uint64_t{1024 >> 4} << 32 | std::uint64_t{M == Major::k ? 1 : block_bytes >> 4} << 16;

#ifdef __CUDACC__

template <Major M>
__device__ __forceinline__ std::uint64_t matrix_descriptor(const void* tile) {
  return descriptor_layout<M> | (shared_address(tile) & 0x3ffffu) >> 4;
}

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)

__device__ __forceinline__ void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ __forceinline__ void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int Pending>
__device__ __forceinline__ void wgmma_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(Pending) : "memory");
}

// The operands of one instruction: all registers of the accumulators by name, as PTX knows no lists of them. MAJORS
// names the last two, which are there for bfloat16 alone.
#define TINYGAN_WGMMA_OUT(J) "+f"(acc[J].at[0]), "+f"(acc[J].at[1]), "+f"(acc[J].at[2]), "+f"(acc[J].at[3])
#define TINYGAN_WGMMA_64(SHAPE, MAJORS)                                                                          \
  asm volatile("wgmma.mma_async.sync.aligned.m64n64" SHAPE " {"                                                  \
               "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, " \
               "%21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"                                           \
               "}, %32, %33, 1, 1, 1" MAJORS ";"                                                                 \
               : TINYGAN_WGMMA_OUT(0), TINYGAN_WGMMA_OUT(1), TINYGAN_WGMMA_OUT(2), TINYGAN_WGMMA_OUT(3),         \
                 TINYGAN_WGMMA_OUT(4), TINYGAN_WGMMA_OUT(5), TINYGAN_WGMMA_OUT(6), TINYGAN_WGMMA_OUT(7)          \
               : "l"(a), "l"(b), "n"(int{A == Major::mn}), "n"(int{B == Major::mn}))
#define TINYGAN_WGMMA_128(SHAPE, MAJORS)                                                                         \
  asm volatile("wgmma.mma_async.sync.aligned.m64n128" SHAPE " {"                                                 \
               "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, " \
               "%21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, %32, %33, %34, %35, %36, %37, %38, %39, " \
               "%40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, " \
               "%59, %60, %61, %62, %63"                                                                         \
               "}, %64, %65, 1, 1, 1" MAJORS ";"                                                                 \
               : TINYGAN_WGMMA_OUT(0), TINYGAN_WGMMA_OUT(1), TINYGAN_WGMMA_OUT(2), TINYGAN_WGMMA_OUT(3),         \
                 TINYGAN_WGMMA_OUT(4), TINYGAN_WGMMA_OUT(5), TINYGAN_WGMMA_OUT(6), TINYGAN_WGMMA_OUT(7),         \
                 TINYGAN_WGMMA_OUT(8), TINYGAN_WGMMA_OUT(9), TINYGAN_WGMMA_OUT(10), TINYGAN_WGMMA_OUT(11),       \
                 TINYGAN_WGMMA_OUT(12), TINYGAN_WGMMA_OUT(13), TINYGAN_WGMMA_OUT(14), TINYGAN_WGMMA_OUT(15)      \
               : "l"(a), "l"(b), "n"(int{A == Major::mn}), "n"(int{B == Major::mn}))

/// acc(64,8N) += a b of 32 bytes along K.
template <Precision F, Major A, Major B, int N>
__device__ __forceinline__ void wgmma(FragmentC (&acc)[N], std::uint64_t a, std::uint64_t b) {
  static_assert(F == Precision::bf16 || (F == Precision::tf32 && A == Major::k && B == Major::k));
  static_assert(N == 8 || N == 16);
  if constexpr (F == Precision::tf32 && N == 8) TINYGAN_WGMMA_64("k8.f32.tf32.tf32", "");
  if constexpr (F == Precision::tf32 && N == 16) TINYGAN_WGMMA_128("k8.f32.tf32.tf32", "");
  if constexpr (F == Precision::bf16 && N == 8) TINYGAN_WGMMA_64("k16.f32.bf16.bf16", ", %34, %35");
  if constexpr (F == Precision::bf16 && N == 16) TINYGAN_WGMMA_128("k16.f32.bf16.bf16", ", %66, %67");
}

#undef TINYGAN_WGMMA_128
#undef TINYGAN_WGMMA_64
#undef TINYGAN_WGMMA_OUT

/// The compiler moves no access to the accumulators across this: it knows nothing of products in flight, and the asm
/// statements above name the accumulators of a wait nowhere. (CUTLASS: warpgroup_fence_operand.)
template <int N>
__device__ __forceinline__ void wgmma_hold(FragmentC (&acc)[N]) {
  TINYGAN_UNROLL
  for (int j = 0; j < N; ++j) TINYGAN_UNROLL
  for (int i = 0; i < 4; ++i) asm volatile("" : "+f"(acc[j].at[i])::"memory");
}

#else  // never called: kernels are empty here

__device__ __forceinline__ void wgmma_fence() {}
__device__ __forceinline__ void wgmma_commit() {}
template <int Pending>
__device__ __forceinline__ void wgmma_wait() {}
template <Precision F, Major A, Major B, int N>
__device__ __forceinline__ void wgmma(FragmentC (&)[N], std::uint64_t, std::uint64_t) {}
template <int N>
__device__ __forceinline__ void wgmma_hold(FragmentC (&)[N]) {}

#endif

#else

namespace emulate {

/// matrix[i][k]: `count` indices of M or N from `first` on, 32 bytes along K, of the tile that a descriptor names.
template <Precision F, Major M, unsigned K>
TINYGAN_NO_SANITIZE void wgmma_operand(std::uint64_t descriptor, unsigned first, unsigned count, float (*matrix)[K]) {
  constexpr std::uint64_t field = 0x3fffu;  // of a descriptor, in 16 bytes
  const std::uint64_t start = (descriptor & field) << 4;
  const std::uint64_t next_block = (descriptor >> 16 & field) << 4, eight_rows = (descriptor >> 32 & field) << 4;
  const std::byte* const shared = machine->shared().data();
  for (unsigned i = 0; i < count; ++i)
    for (unsigned k = 0; k < K; ++k) {
      const unsigned row = M == Major::k ? first + i : k, element = M == Major::k ? k : (first + i) % 64;
      const std::uint64_t block = M == Major::k ? 0 : (first + i) / 64 * next_block;
      const std::uint64_t logical = start + block + row / 8 * eight_rows + row % 8 * box_row_bytes + 32 / K * element;
      std::uint32_t bits = 0;
      __builtin_memcpy(&bits, shared + (logical ^ (logical >> 7 & 7) << 4), 32 / K);
      if constexpr (F == Precision::tf32) bits &= ~tf32_dropped_bits;
      else bits <<= 16;
      __builtin_memcpy(&matrix[i][k], &bits, sizeof bits);
    }
}

/// A warp's 16 rows of D(64, 8N).
template <Precision F, Major A, Major B, int N>
TINYGAN_NO_SANITIZE void multiply_warp(const PendingProduct* const (&lanes)[32], unsigned warp) {
  constexpr unsigned K = F == Precision::tf32 ? 8 : 16;
  const PendingProduct& first = *lanes[0];
  for (unsigned lane = 1; lane < 32; ++lane)
    if (lanes[lane]->a != first.a || lanes[lane]->b != first.b || lanes[lane]->multiply != first.multiply)
      machine->violation("wgmma", "lanes of a warp name different operands");
  if (first.a >> 16 != (descriptor_layout<A>) >> 16 || first.b >> 16 != (descriptor_layout<B>) >> 16)
    machine->violation("wgmma", "a descriptor of another layout than the instruction's");
  float a[16][K], b[8 * N][K];
  wgmma_operand<F, A>(first.a, 16 * (warp % 4), 16, a);
  wgmma_operand<F, B>(first.b, 0, 8 * N, b);
  for (unsigned lane = 0; lane < 32; ++lane) {
    auto* const acc = static_cast<FragmentC*>(lanes[lane]->accumulator);
    for (unsigned j = 0; j < N; ++j)
      for (unsigned i = 0; i < 4; ++i) {
        const unsigned row = lane / 4 + 8 * (i >> 1), column = 8 * j + 2 * (lane % 4) + (i & 1u);
        double sum = static_cast<double>(acc[j].at[i]);
        for (unsigned k = 0; k < K; ++k) sum += static_cast<double>(a[row][k]) * static_cast<double>(b[column][k]);
        acc[j].at[i] = static_cast<float>(sum);
      }
  }
}

/// Multiplies what a warp's lanes have committed, but for their latest Pending groups.
template <int Pending>
TINYGAN_NO_SANITIZE void finish_products(void* const (&operands)[32], unsigned) {
  const auto& first = *static_cast<const Thread*>(operands[0]);
  const unsigned count = first.products.due(Pending);
  for (unsigned i = 0; i < count; ++i) {
    const PendingProduct* products[32];
    for (unsigned lane = 0; lane < 32; ++lane) {
      const auto& t = *static_cast<const Thread*>(operands[lane]);
      if (t.products.due(Pending) != count)
        machine->violation("wgmma", "lanes of a warp have started different products");
      products[lane] = &t.products[i];
    }
    first.products[i].multiply(products, first.id / 32);
  }
}

}  // namespace emulate

template <Major M>
std::uint64_t matrix_descriptor(const void* tile) {
  emulate::check_aligned(tile, 1024, "a tile of wgmma");
  emulate::check_shared(tile, 16, "a tile of wgmma");
  const auto at = static_cast<std::uint64_t>(static_cast<const std::byte*>(tile) - emulate::machine->shared().data());
  return descriptor_layout<M> | at >> 4;
}
inline void wgmma_fence() {}
inline void wgmma_commit() { emulate::machine->current().products.commit_group(); }
template <int Pending>
void wgmma_wait() {
  emulate::Thread& me = emulate::machine->current();
  const unsigned due = me.products.due(Pending);
  emulate::machine->warp_collective(all_lanes, &emulate::finish_products<Pending>, &me);
  me.products.erase_oldest(due);
}
template <Precision F, Major A, Major B, int N>
void wgmma(FragmentC (&acc)[N], std::uint64_t a, std::uint64_t b) {
  if (!emulate::machine->current().products.start({acc, a, b, &emulate::multiply_warp<F, A, B, N>, 0}))
    emulate::machine->violation("wgmma", "more than ", emulate::PendingProducts::capacity, " products are in flight");
}
template <int N>
void wgmma_hold(FragmentC (&)[N]) {}

#endif

/// Waits for all products in flight, of which acc are the accumulators.
template <int N>
__device__ __forceinline__ void wgmma_finish(FragmentC (&acc)[N]) {
  wgmma_wait<0>();
  wgmma_hold(acc);
}

}  // namespace
}  // namespace tinygan::cuda
