// The generator and discriminator pairs of the trainer: images from 100 normal numbers.
#pragma once

#include <array>
#include <string_view>

#include <tinygan/models/network_options.hpp>
#include <tinygan/nn/activations.hpp>
#include <tinygan/nn/conv2d.hpp>
#include <tinygan/nn/dense.hpp>
#include <tinygan/nn/dropout.hpp>
#include <tinygan/nn/minibatch_stddev.hpp>
#include <tinygan/nn/normalisation.hpp>
#include <tinygan/nn/pack.hpp>
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

/// A generator z(N,100) -> image(N,size,size,channels), a discriminator image -> logit(N,1), packs of images to one
/// logit each, and the range of the pixels.
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

/// Appends D's layers with what the options add to them.
template <class T>
class Discriminator {
 public:
  Discriminator(nn::Sequential<T>& layers, const NetworkOptions& options, Generator& random)
      : layers_(&layers), options_(options), random_(&random), channels_(options.packing * options.channels) {
    if (options.packing > 1) layers.add(nn::Pack<T>(options.packing));
  }

  /// A convolution to `channels`, times the width, without dropout.
  Discriminator& conv(index_t channels, const Conv2DOptions& conv) {
    return output_conv(discriminator_channels(options_, channels), conv);
  }
  /// A convolution to exactly `channels`.
  Discriminator& output_conv(index_t channels, Conv2DOptions conv) {
    conv.spectral_norm = options_.spectral_norm;
    layers_->add(nn::Conv2D<T>(channels_, channels, conv, *random_));
    channels_ = channels;
    return *this;
  }
  Discriminator& batch_norm(const BatchNormOptions& norm) {
    layers_->add(nn::BatchNorm<T>(channels_, norm));
    return *this;
  }
  /// Dropout at the rate of the options, or else at the network's own, if it is not 0.
  Discriminator& dropout(double own) {
    const double rate = options_.dropout < 0 ? own : options_.dropout;
    if (rate > 0) layers_->add(nn::Dropout<T>(rate));
    return *this;
  }
  /// What belongs before the last layer.
  Discriminator& minibatch_stddev() {
    if (options_.minibatch_stddev == 0) return *this;
    layers_->add(nn::MinibatchStddev<T>(options_.minibatch_stddev));
    ++channels_;
    return *this;
  }
  /// The last layer: images of `size` x `size` to one logit.
  void logit(index_t size, DenseOptions dense = {}) {
    dense.spectral_norm = options_.spectral_norm;
    minibatch_stddev();
    layers_->add(nn::Flatten<T>()).add(nn::Dense<T>(size * size * channels_, 1, dense, *random_));
  }

 private:
  nn::Sequential<T>* layers_;
  NetworkOptions options_;
  Generator* random_;
  index_t channels_;
};

template <class T>
Networks<T> dcgan(const NetworkOptions& o, Generator& random) {
  const Doublings size = doublings("dcgan", o.size);
  const Activation leaky_relu = Activation::leaky_relu(0.3);
  const BatchNormOptions norm{.activation = leaky_relu};
  const Conv2DOptions leaky{.kernel = 5,
                            .stride = 2,
                            .padding = Padding::same(),
                            .activation = leaky_relu,
                            .kernel_initializer = dcgan_init()};
  Networks<T> n;
  index_t channels = 64 << size.count;  // 256 at 28x28
  const index_t units = size.base * size.base * channels;
  n.generator.add(nn::Dense<T>(latent_size, units, {.bias = false, .kernel_initializer = dcgan_init()}, random))
      .add(nn::BatchNorm<T>(units, norm))
      .add(nn::Reshape<T>({size.base, size.base, channels}));
  for (index_t stride = 1; channels > 64; stride = 2, channels /= 2)
    n.generator.add(nn::Conv2DTranspose<T>(channels, channels / 2, no_bias(5, stride), random))
        .add(nn::BatchNorm<T>(channels / 2, norm));
  const Conv2DOptions last = no_bias(5, 2, Padding::same(), Activation::tanh);
  n.generator.add(nn::Conv2DTranspose<T>(64, o.channels, last, random));
  Discriminator<T> d(n.discriminator, o, random);
  for (index_t i = 0; i < size.count; ++i) d.conv(64 << i, leaky).dropout(0.3);
  d.logit(size.base, {.kernel_initializer = dcgan_init()});
  return n;
}

template <class T>
Networks<T> article(const NetworkOptions& o, Generator& random) {
  check_28("article", o);
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
      .add(nn::Conv2D<T>(128, o.channels, {.padding = Padding::same(), .activation = Activation::sigmoid}, random));
  Discriminator<T>(n.discriminator, o, random).conv(128, leaky(3)).dropout(0).conv(128, leaky(3)).dropout(0).logit(7);
  return n;
}

template <class T>
Networks<T> libtorch(const NetworkOptions& o, Generator& random) {
  check_28("libtorch", o);
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
      .add(nn::Conv2DTranspose<T>(64, o.channels, no_bias(4, 2, one, Activation::tanh), random));
  Discriminator<T>(n.discriminator, o, random)
      .conv(64, no_bias(4, 2, one, leaky_relu))
      .dropout(0)
      .conv(128, no_bias(4, 2, one))
      .batch_norm(leaky)
      .dropout(0)
      .conv(256, no_bias(4, 2, one))
      .batch_norm(leaky)
      .dropout(0)
      .minibatch_stddev()
      .output_conv(1, no_bias(3, 1, Padding::valid()));
  n.discriminator.add(nn::Flatten<T>());
  return n;
}

/// Kernels divisible by the stride, against checkerboards; no batch norm in D; a sixth of dcgan's work.
template <class T>
Networks<T> small(const NetworkOptions& o, Generator& random) {
  const Doublings size = doublings("small", o.size);
  const BatchNormOptions norm{.momentum = 0.9, .activation = Activation::relu};
  const Conv2DOptions leaky{.kernel = 4,
                            .stride = 2,
                            .padding = Padding::same(),
                            .activation = Activation::leaky_relu(0.2),
                            .kernel_initializer = dcgan_init()};
  Networks<T> n;
  const index_t units = size.base * size.base * 64;
  n.generator.add(nn::Dense<T>(latent_size, units, {.bias = false, .kernel_initializer = dcgan_init()}, random))
      .add(nn::BatchNorm<T>(units, norm))
      .add(nn::Reshape<T>({size.base, size.base, 64}));
  for (index_t i = 1; i < size.count; ++i)
    n.generator.add(nn::Conv2DTranspose<T>(64, 64, no_bias(4, 2), random)).add(nn::BatchNorm<T>(64, norm));
  const Conv2DOptions last = no_bias(4, 2, Padding::same(), Activation::tanh);
  n.generator.add(nn::Conv2DTranspose<T>(64, o.channels, last, random));
  Discriminator<T> d(n.discriminator, o, random);
  for (index_t i = 0; i < size.count; ++i) d.conv(64, leaky);
  d.dropout(0.3).logit(size.base, {.kernel_initializer = dcgan_init()});
  return n;
}

}  // namespace detail

/// A pair of networks with freshly drawn weights, on the generator's device. Throws Error on an option out of range or
/// a size that the network does not have.
template <class T>
Networks<T> make_networks(Network network, const NetworkOptions& options, Generator& random) {
  constexpr std::array make{&detail::dcgan<T>, &detail::article<T>, &detail::libtorch<T>, &detail::small<T>};
  const auto at = static_cast<std::size_t>(network);
  check(at < make.size(), "network", "unknown network");
  check_options(network_names[at], options);
  Networks<T> networks = make[at](options, random);
  networks.to(random.device());  // what is not drawn was made on the CPU
  return networks;
}

}  // namespace tinygan::models
