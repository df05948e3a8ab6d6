// Batches from byte images on the device: out(count, pixels) = images[index[b count + i]] * scale + shift,
// b = *step mod batches, the step being counted on the device.
//
// Owns         a thread makes packs of 4 pixels (single ones where an image's size or an address does not allow it).
// Shared       none.      Requires  sm_75.
// Determinism  every pixel is computed by itself.
// Cost         1 byte read and 4 written per pixel, 2 of bfloat16.
#pragma once

#include <tinygan/backend/data_dims.hpp>
#include <tinygan/base/stream.hpp>

#include "device/map.cuh"
#include "launch.cuh"

namespace tinygan::cuda {
namespace {

/// `pixels` and `packs` are counted in packs of N.
template <int N, class T>
__global__ void __launch_bounds__(map_threads)
    gather_images_kernel(GatherDims d, index_t packs, Divisor pixels, const std::uint8_t* images,
                         const std::int32_t* index, const std::uint64_t* step, float scale, float shift, T* out) {
  if (step) index += static_cast<index_t>(*step % static_cast<std::uint64_t>(d.batches)) * d.count;
  for (index_t i = grid_thread(); i < packs; i += grid_threads()) {
    const index_t row = pixels.divide(i), at = i - row * pixels.value();
    const std::uint8_t* const from = images + (index[row] * pixels.value() + at) * N;
    std::uint8_t byte[N];
    if constexpr (N == 4) {
      const auto four = load_pack<4>(from);
      TINYGAN_UNROLL
      for (int k = 0; k < N; ++k) byte[k] = four.at[k];
    } else {
      byte[0] = *from;
    }
    Pack<float, N> r;
    TINYGAN_UNROLL
    for (int k = 0; k < N; ++k) r.at[k] = static_cast<float>(byte[k]) * scale + shift;
    store_floats(out + N * i, r);
  }
}

template <class T>
void gather_images(const GatherDims& d, const std::uint8_t* images, const std::int32_t* index,
                   const std::uint64_t* step, float scale, float shift, T* out, Stream stream) {
  const bool vectorised = d.pixels % 4 == 0 && is_vector_aligned<4>(images, out);
  const index_t N = vectorised ? 4 : 1, count = d.count * d.pixels / N;
  const Divisor pixels(d.pixels / N);
  const Launch how{.grid = {grid_stride_blocks(count, map_threads)}, .block = {map_threads}, .stream = stream};
  if (vectorised) launch<gather_images_kernel<4, T>>(how, d, count, pixels, images, index, step, scale, shift, out);
  else launch<gather_images_kernel<1, T>>(how, d, count, pixels, images, index, step, scale, shift, out);
}

}  // namespace
}  // namespace tinygan::cuda
