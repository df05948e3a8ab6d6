// Random numbers: uniform, normal, Bernoulli, integers, dropout and noise, from Philox4x32-10 (backend/philox.hpp).
//
// Element i uses word i % 4 of the block with counter (i / 4, draw, step): the same words as on the CPU. Normals by
// Box-Muller:
//   r = sqrt(-2 ln u0), a = 2 pi u1: even element r cos a, odd element r sin a
// Elements     float or bfloat16: numbers are made in float and rounded.
// Owns         a thread makes whole blocks of four elements, stored as one pack where y is aligned. Dropout may work in
//              place.
// Shared       none.      Requires  sm_75.
// Determinism  an element is a function of its number. The step is read from device memory, so a replayed graph goes
//              on.
// Cost         some 100 integer instructions per 4 elements written: of float about as long as the memory takes.
// Source       Salmon, Moraes, Dror, Shaw, SC 2011; Box and Muller, 1958.
#pragma once

#include <tinygan/backend/philox.hpp>
#include <tinygan/backend/rate_schedule.hpp>
#include <tinygan/base/stream.hpp>

#include "device/map.cuh"
#include "device/math.cuh"
#include "launch.cuh"

namespace tinygan::cuda {
namespace {

enum class Distribution { uniform, normal, bernoulli, dropout };

/// Four elements: uniform a + (b - a) u, normal a + b z, bernoulli u < a, dropout u < a ? 0 : b x.
template <Distribution D>
__device__ Float4 random_pack(const PhiloxBlock& word, float a, float b, const Float4& x) {
  Float4 r;
  if constexpr (D == Distribution::normal) {
    TINYGAN_UNROLL
    for (unsigned k = 0; k < 4; k += 2) {
      const float radius = sqrtf(-2.0f * logf(uniform01_open(word[k])));
      float sine, cosine;
      sincos_turns(uniform01(word[k + 1]), sine, cosine);
      r.at[k] = a + b * (radius * cosine);
      r.at[k + 1] = a + b * (radius * sine);
    }
  } else {
    TINYGAN_UNROLL
    for (unsigned k = 0; k < 4; ++k) {
      const float u = uniform01(word[k]);
      if constexpr (D == Distribution::uniform) r.at[k] = a + (b - a) * u;
      else if constexpr (D == Distribution::bernoulli) r.at[k] = u < a ? 1.0f : 0.0f;
      else r.at[k] = u < a ? 0.0f : b * x.at[k];
    }
  }
  return r;
}

template <Distribution D, class T>
__global__ void __launch_bounds__(map_threads)
    random_kernel(index_t n, index_t packs, RandomKey key, float a, float b, const T* x, T* y) {
  const std::uint64_t step = key.step ? *key.step : 0;
  for (index_t i = grid_thread(); 4 * i < n; i += grid_threads()) {
    const PhiloxBlock word = philox4x32(philox_counter(static_cast<std::uint64_t>(i), key.draw, step), key.seed);
    const index_t here = n - 4 * i < 4 ? n - 4 * i : 4;
    Float4 from{};
    if constexpr (D == Distribution::dropout) {
      if (i < packs) from = load_floats<4>(x + 4 * i);
      else
        for (int k = 0; k < 4; ++k) from.at[k] = k < here ? to_float(x[4 * i + k]) : 0.0f;
    }
    const Float4 r = random_pack<D>(word, a, b, from);
    if (i < packs) store_floats(y + 4 * i, r);
    else
      for (int k = 0; k < 4; ++k)
        if (k < here) y[4 * i + k] = from_float<T>(r.at[k]);
  }
}

template <Distribution D, class T>
void random_numbers(index_t n, const RandomKey& key, float a, float b, const T* x, T* y, Stream stream) {
  const index_t packs = packs_of<4>(n, x, y);  // null is aligned
  launch<random_kernel<D, T>>(
      {.grid = {grid_stride_blocks(ceil_div(n, 4), map_threads)}, .block = {map_threads}, .stream = stream}, n, packs,
      key, a, b, x, y);
}

template <class T>
void random_uniform(index_t n, const RandomKey& key, float low, float high, T* y, Stream stream) {
  random_numbers<Distribution::uniform, T>(n, key, low, high, nullptr, y, stream);
}
template <class T>
void random_normal(index_t n, const RandomKey& key, float mean, float stddev, T* y, Stream stream) {
  random_numbers<Distribution::normal, T>(n, key, mean, stddev, nullptr, y, stream);
}
template <class T>
void random_bernoulli(index_t n, const RandomKey& key, float p, T* y, Stream stream) {
  random_numbers<Distribution::bernoulli, T>(n, key, p, 0.0f, nullptr, y, stream);
}
__global__ void __launch_bounds__(map_threads)
    random_integers_kernel(index_t n, RandomKey key, std::int32_t low, std::int32_t high, std::int32_t* y) {
  const std::uint64_t step = key.step ? *key.step : 0;
  for (index_t i = grid_thread(); 4 * i < n; i += grid_threads()) {
    const PhiloxBlock word = philox4x32(philox_counter(static_cast<std::uint64_t>(i), key.draw, step), key.seed);
    TINYGAN_UNROLL
    for (unsigned k = 0; k < 4; ++k)
      if (4 * i + k < n) y[4 * i + k] = random_integer(word[k], low, high);
  }
}

inline void random_integers(index_t n, const RandomKey& key, std::int32_t low, std::int32_t high, std::int32_t* y,
                            Stream stream) {
  launch<random_integers_kernel>(
      {.grid = {grid_stride_blocks(ceil_div(n, 4), map_threads)}, .block = {map_threads}, .stream = stream}, n, key,
      low, high, y);
}

template <class T>
void dropout(index_t n, const RandomKey& key, float rate, const T* x, T* y, Stream stream) {
  random_numbers<Distribution::dropout>(n, key, rate, 1.0f / (1.0f - rate), x, y, stream);
}

template <class T>
__global__ void __launch_bounds__(map_threads)
    add_noise_kernel(index_t n, index_t packs, RandomKey key, float stddev, RateSchedule schedule, const T* x, T* y) {
  const std::uint64_t step = key.step ? *key.step : 0;
  const auto scale = static_cast<float>(static_cast<double>(stddev) * schedule.at(static_cast<double>(step) - 1));
  for (index_t i = grid_thread(); 4 * i < n; i += grid_threads()) {
    const PhiloxBlock word = philox4x32(philox_counter(static_cast<std::uint64_t>(i), key.draw, step), key.seed);
    const Float4 z = random_pack<Distribution::normal>(word, 0.0f, 1.0f, {});
    if (i < packs) {
      Float4 r = load_floats<4>(x + 4 * i);
      TINYGAN_UNROLL
      for (int k = 0; k < 4; ++k) r.at[k] += scale * z.at[k];
      store_floats(y + 4 * i, r);
    } else {
      TINYGAN_UNROLL
      for (int k = 0; k < 4; ++k)
        if (4 * i + k < n) y[4 * i + k] = from_float<T>(to_float(x[4 * i + k]) + scale * z.at[k]);
    }
  }
}

template <class T>
void add_noise(index_t n, const RandomKey& key, float stddev, const RateSchedule& schedule, const T* x, T* y,
               Stream stream) {
  const index_t packs = packs_of<4>(n, x, y);
  launch<add_noise_kernel<T>>(
      {.grid = {grid_stride_blocks(ceil_div(n, 4), map_threads)}, .block = {map_threads}, .stream = stream}, n, packs,
      key, stddev, schedule, x, y);
}

}  // namespace
}  // namespace tinygan::cuda
