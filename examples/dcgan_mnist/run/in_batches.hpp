// Images of many latent vectors, in batches that bound the memory.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include <tinygan/tensor/tensor.hpp>

namespace dcgan_mnist {

/// The images (N,H,W,C) of latent vectors (N,Z), both in host memory; generate(batch, first) maps vectors on `device`,
/// the first of which has this index, to images.
template <class Generate>
tinygan::Tensor<float> in_batches(const tinygan::Tensor<float>& latents, tinygan::Device device, Generate&& generate) {
  constexpr tinygan::index_t most = 256;
  const tinygan::index_t count = latents.extent(0), width = latents.extent(1);
  const std::vector<float> z = latents.to_vector();
  std::vector<float> all;
  tinygan::Shape shape;
  for (tinygan::index_t first = 0; first < count; first += most) {
    const tinygan::index_t n = std::min(most, count - first);
    const std::span<const float> rows(z.data() + first * width, static_cast<std::size_t>(n * width));
    const tinygan::Tensor<float> images = generate(tinygan::Tensor<float>::from(rows, {n, width}, device), first);
    if (first == 0) {
      shape = images.shape().with(0, count);
      all.reserve(static_cast<std::size_t>(shape.size()));  // fails before the work if memory is short
    }
    const std::vector<float> values = images.to_vector();
    all.insert(all.end(), values.begin(), values.end());
  }
  return tinygan::Tensor<float>::from(all, shape);
}

}  // namespace dcgan_mnist
