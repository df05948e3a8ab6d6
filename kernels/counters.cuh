// Counters and the metric ring: device state that changes from one replay of a captured step to the next.
//
//   count_up       ++*counter
//   record_values  ring(capacity, count)[*step mod capacity, i] = *values[i], NaN for a null
//
// Owns         count_up: one thread; record_values: thread i value i.
// Shared       none.      Requires  sm_75.
// Determinism  kernels of a device run one after the other, so the counter has one writer.
// Cost         a launch.
#pragma once

#include <tinygan/backend/data_dims.hpp>
#include <tinygan/base/stream.hpp>

#include "launch.cuh"

namespace tinygan::cuda {
namespace {

template <class Counter>
__global__ void __launch_bounds__(32) count_up_kernel(Counter* counter) {
  if (threadIdx.x == 0) ++*counter;
}

inline void count_up(std::uint64_t* counter) { launch<count_up_kernel<std::uint64_t>>({.block = {1}}, counter); }

/// The addresses of one row's values, small enough to be an argument.
struct RecordedValues {
  const float* at[RecordDims::max_count];
};

template <class T>
__global__ void __launch_bounds__(32)
    record_values_kernel(RecordDims d, RecordedValues values, const std::uint64_t* step, T* ring) {
  const index_t i = threadIdx.x;
  if (i >= d.count) return;
  const auto row = static_cast<index_t>(*step % static_cast<std::uint64_t>(d.capacity));
  ring[row * d.count + i] = values.at[i] ? *values.at[i] : nanf("");
}

inline void record_values(const RecordDims& d, const float* const* values, const std::uint64_t* step, float* ring,
                          Stream stream) {
  RecordedValues list{};
  for (index_t i = 0; i < d.count; ++i) list.at[i] = values[i];
  launch<record_values_kernel<float>>({.block = {warp_size}, .stream = stream}, d, list, step, ring);
}

}  // namespace
}  // namespace tinygan::cuda
