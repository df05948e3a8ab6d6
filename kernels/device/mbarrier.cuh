// mbarrier: a barrier in shared memory whose phases complete when enough threads and enough bytes have arrived (sm_90).
// Threads arrive without waiting; a wait names the parity of a phase: 0 for the first, then 1, 0...
//
// On the emulated device a wait that never ends is reported as a deadlock. On a GPU it lasts for ever, unless the
// program was compiled with TINYGAN_CUDA_WATCHDOG: then the kernel prints who waits for what, and ends with an error.
// Source: PTX ISA, "Parallel Synchronization: mbarrier".
#pragma once

#include <cstdint>

#ifdef TINYGAN_CUDA_WATCHDOG
#include <cstdio>
#endif

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
  asm volatile(
      "{\n.reg .b64 state;\nmbarrier.arrive.expect_tx.shared::cta.b64 state, [%0], %1;\n}" ::"r"(shared_address(&b)),
      "r"(bytes)
      : "memory");
#else
  __trap();
#endif
}

#ifdef TINYGAN_CUDA_WATCHDOG

/// Whether a phase of this parity has completed, after a bounded wait by the hardware.
__device__ __forceinline__ bool mbarrier_try_wait(Mbarrier& b, unsigned parity) {
  unsigned done = 0;
#if __CUDA_ARCH__ >= 900
  asm volatile(
      "{\n.reg .pred done;\nmbarrier.try_wait.parity.shared::cta.b64 done, [%1], %2;\nselp.u32 %0, 1, 0, done;\n}"
      : "=r"(done)
      : "r"(shared_address(&b)), "r"(parity)
      : "memory");
#endif
  return done != 0;
}

__device__ __forceinline__ std::uint64_t nanoseconds() {
  std::uint64_t t = 0;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(t));
  return t;
}

/// No kernel waits for that long: neither by its own count of attempts, nor by the clock, which goes on while programs
/// that share the GPU have their turn.
inline constexpr unsigned watchdog_attempts = 1024;
inline constexpr std::uint64_t watchdog_nanoseconds = 4'000'000'000;

/// Returns when a phase of this parity has completed; `stage` names the barrier in the watchdog's message.
__device__ __forceinline__ void mbarrier_wait(Mbarrier& b, unsigned parity, int stage = 0) {
  if (mbarrier_try_wait(b, parity)) return;
  const std::uint64_t start = nanoseconds();
  for (unsigned failed = 1; !mbarrier_try_wait(b, parity); ++failed) {
    if (failed < watchdog_attempts || nanoseconds() - start < watchdog_nanoseconds) continue;
    printf("watchdog: block %u,%u, thread %u: stage %d, parity %u, barrier at byte %u of shared memory is not complete "
           "after %u attempts to wait\n",
           blockIdx.x, blockIdx.y, threadIdx.x, stage, parity, shared_address(&b), failed);
    __trap();
  }
}

#else

/// Returns when a phase of this parity has completed; `stage` is for the watchdog.
__device__ __forceinline__ void mbarrier_wait(Mbarrier& b, unsigned parity, int /*stage*/ = 0) {
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

#endif

#else

/// In shared memory. Bytes may come before they are expected.
struct alignas(8) Mbarrier {
  std::int32_t bytes;     // still to come, in this phase
  std::uint16_t missing;  // arrivals still to come
  std::uint8_t arrivals, phase;
};

namespace emulate {

/// Subtracts `arrivals` and `bytes` from the missing ones; the next phase begins at zero.
TINYGAN_NO_SANITIZE inline void arrive(Mbarrier& b, unsigned arrivals, int bytes) {
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

TINYGAN_NO_SANITIZE inline bool phase_over(const void* wait) {
  const auto* const w = static_cast<const MbarrierWait*>(wait);
  machine->bulk_copies().finish(w->barrier);
  return w->barrier->phase != w->parity;
}

TINYGAN_NO_SANITIZE inline void init(Mbarrier& b, unsigned arrivals) {
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
inline void mbarrier_wait(Mbarrier& b, unsigned parity, int /*stage*/ = 0) {
  emulate::check_shared(&b, sizeof b, "an mbarrier");
  const emulate::MbarrierWait wait{&b, parity};
  emulate::machine->wait_until(&emulate::phase_over, &wait);
  emulate::observe(&b);
}

#endif

}  // namespace
}  // namespace tinygan::cuda
