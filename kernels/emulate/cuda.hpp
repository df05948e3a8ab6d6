// CUDA's words for a host compiler: qualifiers, barriers, warp intrinsics. A kernel reads the same to both.
//
// __shared__ and __constant__ are missing on purpose: shared memory comes from block_shared() only.
#pragma once

#include <cmath>  // CUDA's expf, fmaf and others

#include "machine.hpp"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)

namespace tinygan::cuda {
namespace {

/// Waits for all threads of the block that have not exited; all must wait at the same line.
inline void __syncthreads(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  emulate::machine->barrier({file, line});
}

/// Waits for the lanes in `mask`, and orders their accesses to memory.
inline void __syncwarp(unsigned mask = 0xffffffffu) { emulate::machine->warp_barrier(mask); }

namespace emulate {

/// One lane's operand of a shuffle. `from` is the lane it reads, 32 or more for its own value.
template <class T>
struct Shuffle {
  T value, result;
  unsigned from;
};

template <class T>
T shuffle(unsigned mask, T value, unsigned from) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8, "a shuffle moves 4 or 8 bytes");
  Shuffle<T> mine{value, value, from};
  machine->warp_collective(
      mask,
      [](void* const(&operands)[32], unsigned) {
        for (void* b : operands) {
          if (!b) continue;
          auto& lane = *static_cast<Shuffle<T>*>(b);
          if (lane.from >= 32) continue;
          if (!operands[lane.from])
            machine->violation("warp mask", "a shuffle reads lane ", lane.from, ", which takes no part in it");
          lane.result = static_cast<const Shuffle<T>*>(operands[lane.from])->value;
        }
      },
      &mine);
  return mine.result;
}

/// One lane's operand of a vote.
struct Vote {
  bool yes;
  unsigned ballot;
};

}  // namespace emulate

template <class T>
T __shfl_sync(unsigned mask, T value, unsigned lane) {
  return emulate::shuffle(mask, value, lane % 32);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, unsigned bits) {
  return emulate::shuffle(mask, value, emulate::machine->current().lane() ^ bits);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta) {
  return emulate::shuffle(mask, value, emulate::machine->current().lane() + delta);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta) {
  // Below lane 0 the number wraps round: a lane keeps its own value.
  return emulate::shuffle(mask, value, emulate::machine->current().lane() - delta);
}

inline unsigned __ballot_sync(unsigned mask, bool yes) {
  emulate::Vote mine{yes, 0};
  emulate::machine->warp_collective(
      mask,
      [](void* const(&operands)[32], unsigned) {
        unsigned ballot = 0;
        for (unsigned lane = 0; lane < 32; ++lane)
          if (operands[lane] && static_cast<emulate::Vote*>(operands[lane])->yes) ballot |= 1u << lane;
        for (void* b : operands)
          if (b) static_cast<emulate::Vote*>(b)->ballot = ballot;
      },
      &mine);
  return mine.ballot;
}
/// The place of the lowest bit that is 1, counted from 1; 0 if there is none.
inline int __ffs(int bits) { return __builtin_ffs(bits); }
inline bool __any_sync(unsigned mask, bool yes) { return __ballot_sync(mask, yes) != 0; }
inline bool __all_sync(unsigned mask, bool yes) { return __ballot_sync(mask, yes) == mask; }

}  // namespace
}  // namespace tinygan::cuda
