// Random numbers for data: streams of Philox words, one for each (seed, purpose, step, item).
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include <tinygan/backend/philox.hpp>
#include <tinygan/base/shape.hpp>

namespace tinygan::data {

/// Draw numbers of data streams, far above those of random tensors, so that both may use the same seed.
enum class Purpose : std::uint32_t {
  shuffle = 0xDA7A0001u,
  augment = 0xDA7A0002u,
  strokes = 0xDA7A0003u,
  stacked = 0xDA7A0004u,
  crop = 0xDA7A0005u
};

/// The words of one stream, in order. Streams that differ in any of the four numbers are independent.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, Purpose purpose, std::uint64_t step, std::uint64_t item)
      : seed_(seed), counter_{0, static_cast<std::uint32_t>(item), static_cast<std::uint32_t>(purpose),
                              static_cast<std::uint32_t>(step)} {}

  /// The next 32 bits.
  std::uint32_t word() {
    if (used_ == 4) {
      block_ = philox4x32(counter_, seed_);
      ++counter_[0];
      used_ = 0;
    }
    return block_[used_++];
  }

  /// In [low, high).
  float uniform(float low, float high) { return low + (high - low) * uniform01(word()); }

  /// Approximately normal, mean 0 and variance 1, absolute value below 3.5: a sum of four uniform numbers.
  float bell() {
    float sum = 0;
    for (int i = 0; i < 4; ++i) sum += uniform01(word());
    return (sum - 2) * std::sqrt(3.0f);
  }

  /// An integer in [0, n), from 64 random bits: probabilities differ by less than 2^-32. Expects 1 <= n < 2^31.
  index_t below(index_t n) {
    const auto b = static_cast<std::uint64_t>(n);
    const std::uint64_t high = word(), low = word();
    return static_cast<index_t>((high * b + (low * b >> 32)) >> 32);
  }

 private:
  std::uint64_t seed_;
  PhiloxBlock counter_, block_{};
  std::size_t used_ = 4;
};

}  // namespace tinygan::data
