// Stacked digits: three random images as the channels of one, a thousand kinds in all. A test of mode coverage.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/cpu/thread_pool.hpp>
#include <tinygan/data/dataset.hpp>
#include <tinygan/data/random.hpp>

namespace tinygan::data {

/// `count` images (height, width, 3), each channel an image of `digits` drawn with replacement: image i is a function
/// of (digits, seed, i). Without labels, of which there would be a thousand. Throws Error unless `digits` is images of
/// one channel and 1 <= count < 2^31.
/// Source: Metz, Poole, Pfau, Sohl-Dickstein, "Unrolled Generative Adversarial Networks", 2017; Lin et al., "PacGAN",
/// 2018.
ImageDataset stack_digits(const ImageDataset& digits, index_t count, std::uint64_t seed);

}  // namespace tinygan::data

#ifdef TINYGAN_FUNC

namespace tinygan::data {

TINYGAN_FUNC ImageDataset stack_digits(const ImageDataset& digits, index_t count, std::uint64_t seed) {
  constexpr index_t channels = 3;
  check(digits.count >= 1 && digits.channels == 1, "stack_digits", digits.count, " images of ", digits.channels,
        " channels, expected at least 1 of 1");
  check(count >= 1 && count <= std::numeric_limits<std::int32_t>::max(), "stack_digits", count,
        " images, expected 1 to 2^31 - 1");
  digits.check_size();
  ImageDataset d;
  d.source = "stacked " + digits.source;
  d.split = digits.split;
  d.count = count;
  d.height = digits.height;
  d.width = digits.width;
  d.channels = channels;
  const index_t pixels = digits.pixels();  // pixels() checks for overflow: once, not for each byte
  d.images.resize(static_cast<std::size_t>(count * d.pixels()));
  cpu::parallel_for(count, 256, [&](index_t begin, index_t end) {
    for (index_t i = begin; i < end; ++i) {
      RandomStream random(seed, Purpose::stacked, 0, static_cast<std::uint64_t>(i));
      std::uint8_t* const to = d.images.data() + i * channels * pixels;
      for (index_t c = 0; c < channels; ++c) {
        const std::uint8_t* const from = digits.images.data() + random.below(digits.count) * pixels;
        for (index_t p = 0; p < pixels; ++p) to[channels * p + c] = from[p];
      }
    }
  });
  return d;
}

}  // namespace tinygan::data

#endif
