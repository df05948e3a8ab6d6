// Batches from byte images: out(count, pixels) = images[index[b count + i]] * scale + shift, b = *step mod batches.
//
// A byte has 256 values, so the arithmetic is done once for each and the kernel looks them up. Split by image.
#pragma once

#include <cstdint>

#include <tinygan/backend/data_dims.hpp>
#include <tinygan/base/stream.hpp>
#include <tinygan/cpu/map.hpp>

namespace tinygan::cpu {

template <class T>
void gather_images(const GatherDims& d, const std::uint8_t* images, const std::int32_t* index,
                   const std::uint64_t* step, T scale, T shift, T* out, Stream) {
  if (step) index += static_cast<index_t>(*step % static_cast<std::uint64_t>(d.batches)) * d.count;
  T value[256];
  for (int byte = 0; byte < 256; ++byte) value[byte] = static_cast<T>(byte) * scale + shift;
  parallel_for(d.count, chunk_rows(d.pixels), [&](index_t begin, index_t end) {
    for (index_t i = begin; i < end; ++i) {
      const std::uint8_t* image = images + index[i] * d.pixels;
      for (index_t k = 0; k < d.pixels; ++k) out[i * d.pixels + k] = value[image[k]];
    }
  });
}

}  // namespace tinygan::cpu
