// The generator and discriminator pairs of the MNIST trainer: 28x28x1 images from 100 normal numbers.
#pragma once

#include <array>
#include <string_view>

#include <tinygan/nn/activations.hpp>
#include <tinygan/nn/conv2d.hpp>
#include <tinygan/nn/dense.hpp>
#include <tinygan/nn/dropout.hpp>
#include <tinygan/nn/normalisation.hpp>
#include <tinygan/nn/reshape.hpp>
#include <tinygan/nn/sequential.hpp>

namespace tinygan::models {

/// dcgan: the TensorFlow tutorial's; article: the Keras sample's, done right; libtorch: PyTorch's C++ example's; small:
/// ours, for quick looks.
enum class Network { dcgan, article, libtorch, small };

inline constexpr std::array network_names{"dcgan", "article", "libtorch", "small"};

/// Throws Error on a name that is none of network_names.
inline Network network_from_name(std::string_view name) {
  for (std::size_t i = 0; i < network_names.size(); ++i)
    if (name == network_names[i]) return static_cast<Network>(i);
  fail("network", "'", name, "' is unknown; there are dcgan, article, libtorch and small");
}

inline constexpr index_t latent_size = 100;

/// A generator z(N,100) -> image(N,28,28,1), a discriminator image -> logit(N,1), and the range of the pixels.
template <class T>
struct Networks {
  nn::Sequential<T> generator, discriminator;
  double pixel_low = -1, pixel_high = 1;

  void to(Device device) {
    generator.to(device);
    discriminator.to(device);
  }
};

namespace detail {

using nn::BatchNormOptions;
using nn::Conv2DOptions;
using nn::DenseOptions;
using nn::Initializer;

inline Initializer dcgan_init() { return Initializer::normal(0, 0.02); }  // Radford et al. 2015

/// A convolution without bias, for use before batch norm.
inline Conv2DOptions no_bias(index_t kernel, index_t stride, Padding padding = Padding::same(),
                             Activation activation = Activation::none) {
  return {.kernel = kernel,
          .stride = stride,
          .padding = padding,
          .bias = false,
          .activation = activation,
          .kernel_initializer = dcgan_init()};
}

template <class T>
Networks<T> dcgan(Generator& random) {
  const Activation leaky_relu = Activation::leaky_relu(0.3);
  const BatchNormOptions norm{.activation = leaky_relu};
  const Conv2DOptions leaky{.kernel = 5,
                            .stride = 2,
                            .padding = Padding::same(),
                            .activation = leaky_relu,
                            .kernel_initializer = dcgan_init()};
  Networks<T> n;
  n.generator.add(nn::Dense<T>(latent_size, 12544, {.bias = false, .kernel_initializer = dcgan_init()}, random))
      .add(nn::BatchNorm<T>(12544, norm))
      .add(nn::Reshape<T>({7, 7, 256}))
      .add(nn::Conv2DTranspose<T>(256, 128, no_bias(5, 1), random))
      .add(nn::BatchNorm<T>(128, norm))
      .add(nn::Conv2DTranspose<T>(128, 64, no_bias(5, 2), random))
      .add(nn::BatchNorm<T>(64, norm))
      .add(nn::Conv2DTranspose<T>(64, 1, no_bias(5, 2, Padding::same(), Activation::tanh), random));
  n.discriminator.add(nn::Conv2D<T>(1, 64, leaky, random))
      .add(nn::Dropout<T>(0.3))
      .add(nn::Conv2D<T>(64, 128, leaky, random))
      .add(nn::Dropout<T>(0.3))
      .add(nn::Flatten<T>())
      .add(nn::Dense<T>(6272, 1, {.kernel_initializer = dcgan_init()}, random));
  return n;
}

template <class T>
Networks<T> article(Generator& random) {
  const Activation leaky_relu = Activation::leaky_relu(0.2);
  const auto leaky = [&](index_t kernel) {
    return Conv2DOptions{.kernel = kernel, .stride = 2, .padding = Padding::same(), .activation = leaky_relu};
  };
  const DenseOptions dense{.activation = leaky_relu};
  Networks<T> n;
  n.pixel_low = 0;  // a sigmoid's range, and so the data's
  n.generator.add(nn::Dense<T>(latent_size, 6272, dense, random))
      .add(nn::Dense<T>(6272, 6272, dense, random))
      .add(nn::Reshape<T>({7, 7, 128}))
      .add(nn::Conv2DTranspose<T>(128, 128, leaky(5), random))
      .add(nn::Conv2DTranspose<T>(128, 128, leaky(5), random))
      .add(nn::Conv2D<T>(128, 1, {.padding = Padding::same(), .activation = Activation::sigmoid}, random));
  n.discriminator.add(nn::Conv2D<T>(1, 128, leaky(3), random))
      .add(nn::Conv2D<T>(128, 128, leaky(3), random))
      .add(nn::Flatten<T>())
      .add(nn::Dense<T>(6272, 1, {}, random));
  return n;
}

template <class T>
Networks<T> libtorch(Generator& random) {
  const Activation leaky_relu = Activation::leaky_relu(0.2);
  const auto relu = BatchNormOptions::torch(Activation::relu), leaky = BatchNormOptions::torch(leaky_relu);
  const Padding one = Padding::all(1);
  Networks<T> n;
  n.generator.add(nn::Reshape<T>({1, 1, latent_size}))
      .add(nn::Conv2DTranspose<T>(latent_size, 256, no_bias(4, 1, Padding::valid()), random))
      .add(nn::BatchNorm<T>(256, relu))
      .add(nn::Conv2DTranspose<T>(256, 128, no_bias(3, 2, one), random))
      .add(nn::BatchNorm<T>(128, relu))
      .add(nn::Conv2DTranspose<T>(128, 64, no_bias(4, 2, one), random))
      .add(nn::BatchNorm<T>(64, relu))
      .add(nn::Conv2DTranspose<T>(64, 1, no_bias(4, 2, one, Activation::tanh), random));
  n.discriminator.add(nn::Conv2D<T>(1, 64, no_bias(4, 2, one, leaky_relu), random))
      .add(nn::Conv2D<T>(64, 128, no_bias(4, 2, one), random))
      .add(nn::BatchNorm<T>(128, leaky))
      .add(nn::Conv2D<T>(128, 256, no_bias(4, 2, one), random))
      .add(nn::BatchNorm<T>(256, leaky))
      .add(nn::Conv2D<T>(256, 1, no_bias(3, 1, Padding::valid()), random))
      .add(nn::Flatten<T>());
  return n;
}

/// Kernels divisible by the stride, against checkerboards; no batch norm in D; a sixth of dcgan's work.
template <class T>
Networks<T> small(Generator& random) {
  const BatchNormOptions norm{.momentum = 0.9, .activation = Activation::relu};
  const Conv2DOptions leaky{.kernel = 4,
                            .stride = 2,
                            .padding = Padding::same(),
                            .activation = Activation::leaky_relu(0.2),
                            .kernel_initializer = dcgan_init()};
  Networks<T> n;
  n.generator.add(nn::Dense<T>(latent_size, 3136, {.bias = false, .kernel_initializer = dcgan_init()}, random))
      .add(nn::BatchNorm<T>(3136, norm))
      .add(nn::Reshape<T>({7, 7, 64}))
      .add(nn::Conv2DTranspose<T>(64, 64, no_bias(4, 2), random))
      .add(nn::BatchNorm<T>(64, norm))
      .add(nn::Conv2DTranspose<T>(64, 1, no_bias(4, 2, Padding::same(), Activation::tanh), random));
  n.discriminator.add(nn::Conv2D<T>(1, 64, leaky, random))
      .add(nn::Conv2D<T>(64, 64, leaky, random))
      .add(nn::Dropout<T>(0.3))
      .add(nn::Flatten<T>())
      .add(nn::Dense<T>(3136, 1, {.kernel_initializer = dcgan_init()}, random));
  return n;
}

}  // namespace detail

/// A pair of networks with freshly drawn weights, on the generator's device.
template <class T>
Networks<T> make_networks(Network network, Generator& random) {
  constexpr std::array make{&detail::dcgan<T>, &detail::article<T>, &detail::libtorch<T>, &detail::small<T>};
  const auto at = static_cast<std::size_t>(network);
  check(at < make.size(), "network", "unknown network");
  Networks<T> networks = make[at](random);
  networks.to(random.device());  // what is not drawn was made on the CPU
  return networks;
}

}  // namespace tinygan::models
