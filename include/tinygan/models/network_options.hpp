// NetworkOptions: what a pair of networks is varied by.
#pragma once

#include <algorithm>
#include <cmath>

#include <tinygan/base/error.hpp>
#include <tinygan/base/shape.hpp>

namespace tinygan::models {

/// How G normalises: by batch norm, or by virtual batch norm with a reference batch of its own.
enum class Norm { batch, virtual_batch };

/// Variations of a pair of networks; the defaults are the networks as published.
struct NetworkOptions {
  index_t channels = 1;            ///< of an image
  index_t size = 28;               ///< rows and columns of an image
  index_t classes = 0;             ///< G and D get the class of each image, one of so many; 0: none
  index_t hidden_layers = -1;      ///< dense layers in G before its first image; negative: the network's own
  Norm norm = Norm::batch;         ///< virtual_batch: nn::VirtualBatchNorm for each batch norm of G
  bool spectral_norm = false;      ///< on every kernel of D, see nn::SpectralNorm
  index_t minibatch_stddev = 0;    ///< group size of nn::MinibatchStddev before D's last layer; 0: none
  index_t packing = 1;             ///< images that D judges together, see nn::Pack
  double dropout = -1;             ///< rate after D's hidden layers; negative: the network's own
  double discriminator_width = 1;  ///< factor of D's hidden channels
};

/// Throws Error, naming `network`, on a value out of range.
inline void check_options(const char* network, const NetworkOptions& o) {
  check(o.channels >= 1, network, o.channels, " channels, expected at least 1");
  check(o.size >= 1, network, "images of ", o.size, "x", o.size, ", expected at least 1x1");
  check(o.minibatch_stddev == 0 || o.minibatch_stddev >= 2, network, "minibatch standard deviation over groups of ",
        o.minibatch_stddev, ", expected 0 or at least 2");
  check(o.packing >= 1, network, "packs of ", o.packing, " images, expected at least 1");
  check(o.classes >= 0, network, o.classes, " classes, expected at least 0");
  check(o.classes == 0 || o.packing == 1, network, "packs of ", o.packing,
        " images in conditional networks, expected 1: ", "images of a pack have a class each");
  check(o.dropout < 1, network, "dropout ", o.dropout, ", expected below 1, or negative for the network's own");
  check(o.discriminator_width > 0 && std::isfinite(o.discriminator_width), network, "discriminator width ",
        o.discriminator_width, ", expected a finite number above 0");
}

namespace detail {

/// D's channels for a layer that has so many at width 1.
inline index_t discriminator_channels(const NetworkOptions& o, index_t channels) {
  return std::max<index_t>(1, std::llround(static_cast<double>(channels) * o.discriminator_width));
}

/// An image of size base 2^doublings.
struct Doublings {
  index_t base, count;
};

/// Throws Error, naming `network`, on a size other than 28, 32 and 64.
inline Doublings doublings(const char* network, index_t size) {
  switch (size) {
    case 28: return {7, 2};
    case 32: return {8, 2};
    case 64: return {8, 3};
    default: fail(network, "images of ", size, "x", size, ", expected 28x28, 32x32 or 64x64");
  }
}

/// Throws Error, naming `network`, on virtual batch norm: there is no batch norm to replace.
inline void check_no_norm(const char* network, const NetworkOptions& o) {
  check(o.norm == Norm::batch, network,
        "virtual batch norm, expected none: the generator has no batch norm to replace");
}

/// Throws Error, naming `network`, on a number of hidden layers: it has no choice of it.
inline void check_no_hidden_layers(const char* network, const NetworkOptions& o) {
  check(o.hidden_layers < 0, network, o.hidden_layers,
        " hidden layers in the generator, expected the network's own: tinygan and small have a choice");
}

/// Throws Error, naming `network`, on a size other than 28.
inline void check_28(const char* network, const NetworkOptions& o) {
  check(o.size == 28, network, "images of ", o.size, "x", o.size,
        ", expected 28x28; tinygan, small, dcgan and linear have other sizes");
}

}  // namespace detail

}  // namespace tinygan::models
