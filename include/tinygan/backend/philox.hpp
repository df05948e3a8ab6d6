// Philox4x32-10, the counter-based random generator: a pure function of (key, counter), so every element of a tensor
// has its own numbers whatever thread or device computes it.
// Source: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.
#pragma once

#include <array>
#include <cstdint>

namespace tinygan {

/// What a random kernel needs: element i of the draw is a function of (seed, *step, draw, i). `step` lives on the
/// device, so a captured training step draws new numbers at every replay.
struct RandomKey {
  std::uint64_t seed = 0;
  std::uint32_t draw = 0;
  const std::uint64_t* step = nullptr;
};

/// Four words, which one evaluation of the generator gives.
using PhiloxBlock = std::array<std::uint32_t, 4>;

/// Four random words for one counter.
constexpr PhiloxBlock philox4x32(PhiloxBlock counter, std::uint64_t key) {
  auto k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53u} * counter[0], b = std::uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ k0, static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ k1, static_cast<std::uint32_t>(a)};
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return counter;
}

/// The counter of elements 4*block .. 4*block+3 of a draw. A step has 2^32 draws of 2^34 elements; steps wrap at 2^32.
constexpr PhiloxBlock philox_counter(std::uint64_t block, std::uint32_t draw, std::uint64_t step) {
  return {static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), draw,
          static_cast<std::uint32_t>(step)};
}

/// Uniform in [0,1) with 24 bits.
constexpr float uniform01(std::uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24f; }

/// An integer from low to high, both included; probabilities differ by less than 2^-32.
constexpr std::int32_t random_integer(std::uint32_t word, std::int32_t low, std::int32_t high) {
  const std::uint64_t count = static_cast<std::uint64_t>(std::int64_t{high} - low) + 1;
  return static_cast<std::int32_t>(low + static_cast<std::int64_t>(word * count >> 32));
}

/// Uniform in (0,1], safe under a logarithm.
constexpr float uniform01_open(std::uint32_t word) { return static_cast<float>((word >> 8) + 1) * 0x1p-24f; }

}  // namespace tinygan
