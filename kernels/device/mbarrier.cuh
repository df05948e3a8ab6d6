// mbarrier: a barrier in shared memory whose phases complete when enough threads have arrived and enough bytes have
// come (sm_90). Threads arrive without waiting; who waits asks for the parity of a phase: 0 for the first, then 1, 0...
//
// On the emulated device a wait that nobody ends is a deadlock, and named so.
// Source: PTX ISA, "Parallel Synchronization: mbarrier".
#pragma once

#include <cstdint>

#include "../launch.cuh"
#include "vector.cuh"

namespace tinygan::cuda {
namespace {

#ifdef __CUDACC__

/// In shared memory.
struct Mbarrier {
  std::uint64_t bits;
};

__device__ __forceinline__ unsigned shared_address(const void* p) {
  return static_cast<unsigned>(__cvta_generic_to_shared(p));
}

/// Phase 0 begins; `arrivals` complete a phase. By one thread, then mbarrier_ready(), then a __syncthreads().
__device__ __forceinline__ void mbarrier_init(Mbarrier& b, unsigned arrivals) {
#if __CUDA_ARCH__ >= 900
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(&b)), "r"(arrivals) : "memory");
#else
  __trap();
#endif
}

/// Makes the initialisations of this thread known to the copies that will arrive.
__device__ __forceinline__ void mbarrier_ready() {
#if __CUDA_ARCH__ >= 900
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
#endif
}

__device__ __forceinline__ void mbarrier_arrive(Mbarrier& b) {
#if __CUDA_ARCH__ >= 900
  asm volatile("{\n.reg .b64 state;\nmbarrier.arrive.shared::cta.b64 state, [%0];\n}" ::"r"(shared_address(&b))
               : "memory");
#else
  __trap();
#endif
}

/// Arrives, and makes the phase wait for that many bytes too.
__device__ __forceinline__ void mbarrier_arrive_expect(Mbarrier& b, unsigned bytes) {
#if __CUDA_ARCH__ >= 900
  asm volatile("{\n.reg .b64 state;\nmbarrier.arrive.expect_tx.shared::cta.b64 state, [%0], %1;\n}" ::"r"(
                   shared_address(&b)), "r"(bytes)
               : "memory");
#else
  __trap();
#endif
}

/// Returns when a phase of this parity has completed.
__device__ __forceinline__ void mbarrier_wait(Mbarrier& b, unsigned parity) {
#if __CUDA_ARCH__ >= 900
  asm volatile(
      "{\n.reg .pred done;\nagain:\nmbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n@done bra over;\n"
      "bra again;\nover:\n}" ::"r"(shared_address(&b)),
      "r"(parity)
      : "memory");
#else
  __trap();
#endif
}

#else

/// In shared memory. Bytes may come before they are expected.
struct alignas(8) Mbarrier {
  std::int32_t bytes;          // still to come, in this phase
  std::uint16_t missing;       // arrivals still to come
  std::uint8_t arrivals, phase;
};

namespace emulate {

/// Takes `arrivals` and `bytes` off what is missing, and begins the next phase when nothing is.
TINYGAN_UNWATCHED inline void arrive(Mbarrier& b, unsigned arrivals, int bytes) {
  publish(&b);
  if (arrivals > b.missing) machine->violation("mbarrier", "more threads arrive than the barrier was made for");
  b.missing = static_cast<std::uint16_t>(b.missing - arrivals);
  b.bytes -= bytes;
  if (b.missing > 0 || b.bytes != 0) return;
  b.missing = b.arrivals;
  b.phase ^= 1;
}

struct MbarrierWait {
  Mbarrier* barrier;
  unsigned parity;
};

TINYGAN_UNWATCHED inline bool phase_over(const void* wait) {
  const auto* const w = static_cast<const MbarrierWait*>(wait);
  machine->finish_bulk(w->barrier);
  return w->barrier->phase != w->parity;
}

TINYGAN_UNWATCHED inline void init(Mbarrier& b, unsigned arrivals) {
  if (arrivals < 1 || arrivals > 255) machine->violation("mbarrier", arrivals, " arrivals, expected 1 to 255");
  b.bytes = 0;
  b.missing = static_cast<std::uint16_t>(arrivals);
  b.arrivals = static_cast<std::uint8_t>(arrivals);
  b.phase = 0;
}

}  // namespace emulate

inline void mbarrier_init(Mbarrier& b, unsigned arrivals) {
  emulate::check_shared(&b, sizeof b, "an mbarrier");
  emulate::init(b, arrivals);
}
inline void mbarrier_ready() {}
inline void mbarrier_arrive(Mbarrier& b) { emulate::arrive(b, 1, 0); }
inline void mbarrier_arrive_expect(Mbarrier& b, unsigned bytes) { emulate::arrive(b, 1, -static_cast<int>(bytes)); }
inline void mbarrier_wait(Mbarrier& b, unsigned parity) {
  emulate::check_shared(&b, sizeof b, "an mbarrier");
  const emulate::MbarrierWait wait{&b, parity};
  emulate::machine->wait_until(&emulate::phase_over, &wait);
  emulate::observe(&b);
}

#endif

}  // namespace
}  // namespace tinygan::cuda
