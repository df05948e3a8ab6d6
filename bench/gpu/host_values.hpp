// Values on the host, by all threads of the pool: a case of a second on the device must not wait for one host thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <tinygan/base/shape.hpp>
#include <tinygan/cpu/thread_pool.hpp>

#include "support/buffers.hpp"

namespace tinygan::bench::gpu {

inline constexpr index_t host_grain = 1 << 16;

template <class T>
Buffer<T> uninitialised(index_t size) {
  const std::size_t bytes = (static_cast<std::size_t>(size) * sizeof(T) + 4096) / 4096 * 4096;
  return Buffer<T>(static_cast<T*>(std::aligned_alloc(4096, bytes)));
}

/// Random values in [-1, 1): of one seed always the same, whatever the number of threads.
inline Buffer<float> random_buffer(index_t size, std::uint32_t seed) {
  Buffer<float> values = uninitialised<float>(size);
  float* const to = values.get();
  cpu::parallel_for(size, host_grain, [=](index_t begin, index_t end) {
    std::uint64_t state = (std::uint64_t{seed} << 32) + static_cast<std::uint64_t>(begin);
    for (index_t i = begin; i < end; ++i) {  // SplitMix64
      std::uint64_t z = state += 0x9e3779b97f4a7c15u;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
      to[i] = static_cast<float>(static_cast<std::int32_t>((z ^ (z >> 31)) >> 32)) * 0x1p-31f;
    }
  });
  return values;
}

template <class From, class To>
void convert(index_t size, const From* from, To* to) {
  cpu::parallel_for(size, host_grain, [=](index_t begin, index_t end) {
    for (index_t i = begin; i < end; ++i) to[i] = static_cast<To>(from[i]);
  });
}

}  // namespace tinygan::bench::gpu
