// mbarrier: a barrier in shared memory whose phases complete when enough threads have arrived and enough bytes have
// come (sm_90). Threads arrive without waiting; who waits asks for the parity of a phase: 0 for the first, then 1, 0...
//
// The emulated device keeps the same 64 bits: arrivals still to come, arrivals of a phase, bytes still to come, phase.
// A wait that nobody ends is a deadlock there, and named so. Source: PTX ISA, "Parallel Synchronization: mbarrier".
#pragma once

#include <bit>
#include <cstdint>

#include "../launch.cuh"
#include "vector.cuh"

namespace tinygan::cuda {
namespace {

/// In shared memory, 8-byte aligned.
struct Mbarrier {
  std::uint64_t bits;
};

#ifdef __CUDACC__

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

namespace emulate {

/// Mbarrier::bits. Bytes may arrive before they are expected: their count is signed.
struct MbarrierState {
  std::int32_t bytes;
  std::uint16_t missing;
  std::uint8_t arrivals, phase;
};
static_assert(sizeof(MbarrierState) == sizeof(Mbarrier));

TINYGAN_UNWATCHED inline MbarrierState load_state(const Mbarrier& b) { return std::bit_cast<MbarrierState>(b); }

/// Takes `arrivals` and `bytes` off what is missing, and begins the next phase when nothing is.
TINYGAN_UNWATCHED inline void arrive(Mbarrier& b, unsigned arrivals, std::int32_t bytes) {
  MbarrierState s = load_state(b);
  if (arrivals > s.missing) machine->violation("mbarrier", "more threads arrive than the barrier was made for");
  s.missing = static_cast<std::uint16_t>(s.missing - arrivals);
  s.bytes -= bytes;
  if (s.missing == 0 && s.bytes == 0) {
    s.missing = s.arrivals;
    s.phase ^= 1;
  }
  b = std::bit_cast<Mbarrier>(s);
}

struct MbarrierWait {
  Mbarrier* barrier;
  unsigned parity;
};

/// The copies bound for a barrier that somebody waits at arrive.
TINYGAN_UNWATCHED inline void deliver(Mbarrier& b) {
  auto& copies = machine->bulk_copies();
  for (std::size_t i = 0; i < copies.size();) {
    if (copies[i].barrier != &b) {
      ++i;
      continue;
    }
    const PendingBulk copy = copies[i];
    copies.erase(copies.begin() + static_cast<std::ptrdiff_t>(i));
    copy.fill(copy);
  }
}

TINYGAN_UNWATCHED inline bool phase_over(const void* w) {
  const auto& [barrier, parity] = *static_cast<const MbarrierWait*>(w);
  deliver(*barrier);
  return load_state(*barrier).phase != parity;
}

}  // namespace emulate

inline void mbarrier_init(Mbarrier& b, unsigned arrivals) {
  emulate::check_shared(&b, sizeof b, "an mbarrier");
  if (arrivals < 1 || arrivals > 255) emulate::machine->violation("mbarrier", arrivals, " arrivals, expected 1 to 255");
  const auto n = static_cast<std::uint8_t>(arrivals);
  b = std::bit_cast<Mbarrier>(emulate::MbarrierState{0, n, n, 0});
}
inline void mbarrier_ready() {}
inline void mbarrier_arrive(Mbarrier& b) {
  emulate::publish(&b);
  emulate::arrive(b, 1, 0);
}
inline void mbarrier_arrive_expect(Mbarrier& b, unsigned bytes) {
  emulate::publish(&b);
  emulate::arrive(b, 1, -static_cast<std::int32_t>(bytes));
}
inline void mbarrier_wait(Mbarrier& b, unsigned parity) {
  emulate::check_shared(&b, sizeof b, "an mbarrier");
  const emulate::MbarrierWait wait{&b, parity};
  emulate::machine->wait_until(&emulate::phase_over, &wait);
  emulate::observe(&b);
}

#endif

}  // namespace
}  // namespace tinygan::cuda
