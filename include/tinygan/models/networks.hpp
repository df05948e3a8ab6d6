// The generator and discriminator pairs of the trainer: images from 100 normal numbers.
#pragma once

#include <array>
#include <string_view>

#include <tinygan/models/network_builders.hpp>

namespace tinygan::models {

/// tinygan: ours, for the best pictures; small: the same, narrower, for quick looks; dcgan: the TensorFlow tutorial's;
/// article: the Keras sample's, done right; libtorch: PyTorch's C++ example's; linear: one layer each.
enum class Network { tinygan, small, dcgan, article, libtorch, linear };

inline constexpr std::array network_names{"tinygan", "small", "dcgan", "article", "libtorch", "linear"};

/// Throws Error on a name that is none of network_names.
inline Network network_from_name(std::string_view name) {
  for (std::size_t i = 0; i < network_names.size(); ++i)
    if (name == network_names[i]) return static_cast<Network>(i);
  fail("network", "'", name, "' is unknown; there are tinygan, small, dcgan, article, libtorch and linear");
}

/// Whether D has batch norm, with which there is no gradient penalty: D's output on an image would depend on others.
inline bool discriminator_has_batch_norm(Network network) { return network == Network::libtorch; }

/// A generator z(N,100) -> image(N,size,size,channels), a discriminator image -> logit(N,1), packs of images to one
/// logit each, and the range of the pixels.
template <class T>
struct Networks {
  nn::Sequential<T> generator, discriminator;
  double pixel_low = -1, pixel_high = 1;

  /// Moves both networks.
  void to(Device device) {
    generator.to(device);
    discriminator.to(device);
  }
};

namespace detail {

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
  GeneratorBuilder<T> g(n.generator, o, random);
  index_t channels = 64 << size.count;  // 256 at 28x28
  const index_t units = size.base * size.base * channels;
  g.add(nn::Dense<T>(g.inputs(), units, {.bias = false, .kernel_initializer = dcgan_init()}, random))
      .norm(units, norm)
      .add(nn::Reshape<T>({size.base, size.base, channels}));
  for (index_t stride = 1; channels > 64; stride = 2, channels /= 2)
    g.add(nn::Conv2DTranspose<T>(channels, channels / 2, no_bias(5, stride), random)).norm(channels / 2, norm);
  const Conv2DOptions last = no_bias(5, 2, Padding::same(), Activation::tanh);
  g.add(nn::Conv2DTranspose<T>(64, o.channels, last, random)).finish();
  DiscriminatorBuilder<T> d(n.discriminator, o, random);
  for (index_t i = 0; i < size.count; ++i) d.conv(64 << i, leaky).dropout(0.3);
  d.logit(size.base, {.kernel_initializer = dcgan_init()});
  return n;
}

template <class T>
Networks<T> article(const NetworkOptions& o, Generator& random) {
  check_28("article", o);
  check_no_norm("article", o);
  const Activation leaky_relu = Activation::leaky_relu(0.2);
  const auto leaky = [&](index_t kernel) {
    return Conv2DOptions{.kernel = kernel, .stride = 2, .padding = Padding::same(), .activation = leaky_relu};
  };
  const DenseOptions dense{.activation = leaky_relu};
  Networks<T> n;
  n.pixel_low = 0;  // a sigmoid's range, and so the data's
  GeneratorBuilder<T> g(n.generator, o, random);
  g.add(nn::Dense<T>(g.inputs(), 6272, dense, random))
      .add(nn::Dense<T>(6272, 6272, dense, random))
      .add(nn::Reshape<T>({7, 7, 128}))
      .add(nn::Conv2DTranspose<T>(128, 128, leaky(5), random))
      .add(nn::Conv2DTranspose<T>(128, 128, leaky(5), random))
      .add(nn::Conv2D<T>(128, o.channels, {.padding = Padding::same(), .activation = Activation::sigmoid}, random));
  DiscriminatorBuilder<T>(n.discriminator, o, random)
      .conv(128, leaky(3))
      .dropout(0)
      .conv(128, leaky(3))
      .dropout(0)
      .logit(7);
  return n;
}

template <class T>
Networks<T> libtorch(const NetworkOptions& o, Generator& random) {
  check_28("libtorch", o);
  const Activation leaky_relu = Activation::leaky_relu(0.2);
  const auto relu = BatchNormOptions::torch(Activation::relu), leaky = BatchNormOptions::torch(leaky_relu);
  const Padding one = Padding::all(1);
  Networks<T> n;
  GeneratorBuilder<T> g(n.generator, o, random);
  g.add(nn::Reshape<T>({1, 1, g.inputs()}))
      .add(nn::Conv2DTranspose<T>(g.inputs(), 256, no_bias(4, 1, Padding::valid()), random))
      .norm(256, relu)
      .add(nn::Conv2DTranspose<T>(256, 128, no_bias(3, 2, one), random))
      .norm(128, relu)
      .add(nn::Conv2DTranspose<T>(128, 64, no_bias(4, 2, one), random))
      .norm(64, relu)
      .add(nn::Conv2DTranspose<T>(64, o.channels, no_bias(4, 2, one, Activation::tanh), random))
      .finish();
  DiscriminatorBuilder<T> d(n.discriminator, o, random);
  d.conv(64, no_bias(4, 2, one, leaky_relu))
      .dropout(0)
      .conv(128, no_bias(4, 2, one))
      .batch_norm(leaky)
      .dropout(0)
      .conv(256, no_bias(4, 2, one))
      .batch_norm(leaky)
      .dropout(0);
  if (d.conditional()) {  // a convolution of all pixels is a dense layer
    d.logit(3, {.bias = false, .kernel_initializer = dcgan_init()});
  } else {
    d.minibatch_stddev().output_conv(1, no_bias(3, 1, Padding::valid()));
    n.discriminator.add(nn::Flatten<T>());
  }
  return n;
}

/// The widths of our own networks, tinygan and small.
struct Widths {
  index_t hidden, channels;                       ///< G's dense layers; its first image
  std::array<index_t, 3> discriminator_channels;  ///< of D's convolutions
};

/// Three hidden dense layers in G and a third convolution in D decide on the image as a whole: without them strokes are
/// right and digits are not (docs/quality.md). A conditional G has none: the class decides, and the layers would only
/// take variety from the images. Kernels divisible by the stride, against checkerboards; no batch norm in D, for
/// gradient penalties.
template <class T>
Networks<T> ours(const char* name, const Widths& widths, const NetworkOptions& o, Generator& random) {
  const Doublings size = doublings(name, o.size);
  const Activation leaky_relu = Activation::leaky_relu(0.2);
  const BatchNormOptions norm{.momentum = 0.9, .activation = leaky_relu};
  const DenseOptions dense{.bias = false, .kernel_initializer = dcgan_init()};
  Networks<T> n;
  GeneratorBuilder<T> g(n.generator, o, random);
  const index_t image = size.base * size.base * widths.channels;
  index_t units = g.inputs();
  const auto add_dense = [&](index_t next) {
    g.add(nn::Dense<T>(units, next, dense, random)).norm(next, norm);
    units = next;
  };
  const index_t own = o.classes > 0 ? 0 : 3;
  for (index_t i = o.hidden_layers < 0 ? own : o.hidden_layers; i > 0; --i) add_dense(widths.hidden);
  add_dense(image);
  g.add(nn::Reshape<T>({size.base, size.base, widths.channels}));
  index_t channels = widths.channels;
  for (index_t i = 1; i < size.count; ++i, channels = 64)
    g.add(nn::Conv2DTranspose<T>(channels, 64, no_bias(4, 2), random)).norm(64, norm);
  const Conv2DOptions last = no_bias(4, 2, Padding::same(), Activation::tanh);
  g.add(nn::Conv2DTranspose<T>(channels, o.channels, last, random)).finish();
  const Conv2DOptions leaky{.kernel = 4,
                            .stride = 2,
                            .padding = Padding::same(),
                            .activation = leaky_relu,
                            .kernel_initializer = dcgan_init()};
  DiscriminatorBuilder<T> d(n.discriminator, o, random);
  d.conv(widths.discriminator_channels[0], leaky);
  for (index_t i = 1; i < size.count; ++i) d.conv(widths.discriminator_channels[1], leaky);
  d.conv(widths.discriminator_channels[2], leaky)
      .dropout(0)
      .logit((size.base + 1) / 2, {.kernel_initializer = dcgan_init()});
  return n;
}

/// The best pictures for their time, by the measurements of docs/quality.md.
template <class T>
Networks<T> tinygan(const NetworkOptions& o, Generator& random) {
  return ours<T>("tinygan", {.hidden = 512, .channels = 128, .discriminator_channels = {64, 128, 256}}, o, random);
}

/// A third of tinygan's work.
template <class T>
Networks<T> small(const NetworkOptions& o, Generator& random) {
  return ours<T>("small", {.hidden = 256, .channels = 64, .discriminator_channels = {64, 64, 128}}, o, random);
}

/// G(z) = sigmoid(z theta1 + theta2), D(x) = x theta3 + theta4, a logit: the least that is a GAN. A generator without a
/// hidden layer draws a blur of all digits at best.
template <class T>
Networks<T> linear(const NetworkOptions& o, Generator& random) {
  check_no_norm("linear", o);
  check(o.dropout <= 0, "linear", "dropout ", o.dropout, ", expected none: the discriminator has no hidden layer");
  check(o.discriminator_width == 1, "linear", "discriminator width ", o.discriminator_width,
        ", expected 1: the discriminator has no hidden layer");
  Networks<T> n;
  n.pixel_low = 0;
  const index_t pixels = o.size * o.size * o.channels;
  GeneratorBuilder<T> g(n.generator, o, random);
  g.add(nn::Dense<T>(g.inputs(), pixels, {.activation = Activation::sigmoid}, random))
      .add(nn::Reshape<T>({o.size, o.size, o.channels}));
  DiscriminatorBuilder<T>(n.discriminator, o, random).logit(o.size);
  return n;
}

}  // namespace detail

/// A pair of networks with freshly drawn weights, on the generator's device. Throws Error on an option out of range or
/// a size that the network does not have.
template <class T>
Networks<T> make_networks(Network network, const NetworkOptions& options, Generator& random) {
  constexpr std::array make{&detail::tinygan<T>, &detail::small<T>,    &detail::dcgan<T>,
                            &detail::article<T>, &detail::libtorch<T>, &detail::linear<T>};
  const auto at = static_cast<std::size_t>(network);
  check(at < make.size(), "network", "unknown network");
  check_options(network_names[at], options);
  if (network != Network::tinygan && network != Network::small)
    detail::check_no_hidden_layers(network_names[at], options);
  Networks<T> networks = make[at](options, random);
  networks.to(random.device());  // what is not drawn was made on the CPU
  return networks;
}

}  // namespace tinygan::models
