// Reductions over the lanes of a warp and the threads of a block, in an order that depends on nothing but their number.
#pragma once

#include <limits>

#include "../launch.cuh"

namespace tinygan::cuda {
namespace {

/// a + b.
struct Sum {
  static constexpr float neutral = 0.0f;
  __device__ static float combine(float a, float b) { return a + b; }
};

/// The larger of a and b; NaN if either is.
struct Max {
  static constexpr float neutral = -std::numeric_limits<float>::infinity();
  __device__ static float combine(float a, float b) { return a > b || a != a ? a : b; }
};

/// The smaller of a and b; NaN if either is.
struct Min {
  static constexpr float neutral = std::numeric_limits<float>::infinity();
  __device__ static float combine(float a, float b) { return a < b || a != a ? a : b; }
};

/// Op over the 32 lanes of a full warp: a butterfly, every lane gets the result.
template <class Op>
__device__ float warp_reduce(float value) {
  TINYGAN_UNROLL
  for (unsigned bits = warp_size / 2; bits > 0; bits /= 2)
    value = Op::combine(value, __shfl_xor_sync(all_lanes, value, bits));
  return value;
}

/// Shared memory of block_reduce.
struct BlockReduceShared {
  float warp[32];  // one value per warp
};

/// Op over all threads of an x-only block of whole warps; every thread gets the result. `shared` may be used again, by
/// another block_reduce too, after a __syncthreads().
template <class Op>
__device__ float block_reduce(float value, BlockReduceShared& shared) {
  value = warp_reduce<Op>(value);
  if (lane_id() == 0) shared.warp[warp_id()] = value;
  __syncthreads();
  value = lane_id() < blockDim.x / warp_size ? shared.warp[lane_id()] : Op::neutral;
  return warp_reduce<Op>(value);
}

/// A team of threads that reduces one row: a warp (32) or the whole block (Threads).
template <class Op, int Threads>
__device__ __forceinline__ float team_reduce(float value, BlockReduceShared& shared) {
  if constexpr (Threads == static_cast<int>(warp_size)) return warp_reduce<Op>(value);
  __syncthreads();  // a reduction before this one has been read
  return block_reduce<Op>(value, shared);
}

}  // namespace
}  // namespace tinygan::cuda
