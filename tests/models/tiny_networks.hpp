// A pair of networks like `libtorch`'s, for images of 6x6 and steps of a millisecond: batch norm in both, dropout in D.
#pragma once

#include <tinygan/models/networks.hpp>

#include "support/values.hpp"

namespace tinygan::test {

template <class T = float>
models::Networks<T> tiny_networks(std::uint64_t seed) {
  using nn::Conv2DOptions;
  Generator random(seed);
  const Activation leaky_relu = Activation::leaky_relu(0.2);
  const Conv2DOptions first{.kernel = 4, .stride = 2, .padding = Padding::same(), .activation = leaky_relu},
      second{.kernel = 4, .stride = 2, .padding = Padding::same(), .bias = false},
      up{.kernel = 4, .stride = 2, .padding = Padding::same(), .bias = false, .activation = Activation::tanh};
  models::Networks<T> n;
  n.generator.add(nn::Dense<T>(models::latent_size, 36, {.bias = false}, random))
      .add(nn::BatchNorm<T>(36, {.activation = Activation::relu}))
      .add(nn::Reshape<T>({3, 3, 4}))
      .add(nn::Conv2DTranspose<T>(4, 1, up, random));
  n.discriminator.add(nn::Conv2D<T>(1, 4, first, random))
      .add(nn::Conv2D<T>(4, 8, second, random))
      .add(nn::BatchNorm<T>(8, {.activation = leaky_relu}))
      .add(nn::Dropout<T>(0.3))
      .add(nn::Flatten<T>())
      .add(nn::Dense<T>(32, 1, {}, random));
  return n;
}

/// The same with a D without batch statistics and dropout, for gradient penalties.
template <class T = float>
models::Networks<T> tiny_critic_networks(std::uint64_t seed) {
  models::Networks<T> n = tiny_networks<T>(seed);
  Generator random(seed + 1);
  nn::Sequential<T> d;
  const nn::Conv2DOptions options{
      .kernel = 4, .stride = 2, .padding = Padding::same(), .activation = Activation::leaky_relu(0.2)};
  d.add(nn::Conv2D<T>(1, 4, options, random)).add(nn::Flatten<T>()).add(nn::Dense<T>(36, 1, {}, random));
  n.discriminator = std::move(d);
  return n;
}

/// "Real" images: a bright left half, a dark right one, and noise.
inline Tensor<float> tiny_images(unsigned seed) {
  const Tensor<float> x = random_tensor<float>({8, 6, 6, 1}, seed);
  for (index_t i = 0; i < x.size(); ++i) x.data()[i] = 0.2f * x.data()[i] + (i % 6 < 3 ? 0.7f : -0.7f);
  return x;
}

}  // namespace tinygan::test
