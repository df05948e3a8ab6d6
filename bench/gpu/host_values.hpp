// Values on the host, by all threads of the pool: a case of a second on the device must not wait for one host thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <utility>

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

/// Random values, the same ones of a kind for everybody in this run; `kind` below 4. They move when more are asked for.
inline const float* random_operand(index_t size, std::size_t kind) {
  static const unsigned seed = std::random_device{}();
  static std::array<std::pair<index_t, Buffer<float>>, 4> kept;
  auto& [have, values] = kept[kind];
  if (have < size) {
    values = random_buffer(size, seed + static_cast<unsigned>(kind));
    have = size;
  }
  return values.get();
}

}  // namespace tinygan::bench::gpu
