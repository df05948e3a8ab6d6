// Random numbers for data: streams of Philox words, one for each (seed, purpose, step, item).
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include <tinygan/backend/philox.hpp>
#include <tinygan/base/shape.hpp>

namespace tinygan::data {

/// Draw numbers of the data side, far above those that tensors count up from 0: the same seed may serve both.
enum class Purpose : std::uint32_t { shuffle = 0xDA7A0001u, augment = 0xDA7A0002u, strokes = 0xDA7A0003u };

/// The words of one stream, in order. Two streams that differ in any of the four numbers are independent.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, Purpose purpose, std::uint64_t step, std::uint64_t item)
      : seed_(seed), counter_{0, static_cast<std::uint32_t>(item), static_cast<std::uint32_t>(purpose),
                              static_cast<std::uint32_t>(step)} {}

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

  /// Nearly normal, mean 0 and variance 1, but never beyond 3.5: the sum of four uniform numbers.
  float bell() {
    float sum = 0;
    for (int i = 0; i < 4; ++i) sum += uniform01(word());
    return (sum - 2) * std::sqrt(3.0f);
  }

  /// A whole number in [0, n), from 64 bits: no value is more likely than another by 2^-32. Expects 1 <= n < 2^31.
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
