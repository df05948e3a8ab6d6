// Builders of a generator's and a discriminator's layers: what NetworkOptions change of a network, whichever it is.
#pragma once

#include <utility>

#include <tinygan/models/network_options.hpp>
#include <tinygan/nn/conditional.hpp>
#include <tinygan/nn/conv2d.hpp>
#include <tinygan/nn/dense.hpp>
#include <tinygan/nn/dropout.hpp>
#include <tinygan/nn/minibatch_stddev.hpp>
#include <tinygan/nn/normalisation.hpp>
#include <tinygan/nn/pack.hpp>
#include <tinygan/nn/reshape.hpp>
#include <tinygan/nn/sequential.hpp>
#include <tinygan/nn/virtual_batch_norm.hpp>

namespace tinygan::models {

inline constexpr index_t latent_size = 100;

namespace detail {

using nn::BatchNormOptions;
using nn::Conv2DOptions;
using nn::DenseOptions;

/// Appends G's layers with what the options change of them.
template <class T>
class GeneratorBuilder {
 public:
  GeneratorBuilder(nn::Sequential<T>& layers, const NetworkOptions& options, Generator& random)
      : layers_(&layers), inputs_(latent_size + options.classes), virtual_(options.norm == Norm::virtual_batch) {
    if (options.classes > 0) layers.add(nn::AddLabels<T>(options.classes));
    if (virtual_) layers.add(nn::AddReference<T>(reference(options.classes, random)));
  }

  /// Numbers per image behind what the options add in front.
  index_t inputs() const { return inputs_; }

  template <class Layer>
  GeneratorBuilder& add(Layer layer) {
    layers_->add(std::move(layer));
    return *this;
  }
  GeneratorBuilder& norm(index_t channels, const BatchNormOptions& o) {
    if (virtual_)
      return add(nn::VirtualBatchNorm<T>(channels, reference_rows, {.epsilon = o.epsilon, .activation = o.activation}));
    return add(nn::BatchNorm<T>(channels, o));
  }
  void finish() {
    if (virtual_) add(nn::DropReference<T>(reference_rows));
  }

 private:
  static constexpr index_t reference_rows = 64;

  /// Latent vectors and, in turn, the classes: (reference_rows, latent_size + classes).
  static Tensor<wide_t<T>> reference(index_t classes, Generator& random) {
    Tensor<wide_t<T>> z = random_normal<wide_t<T>>({reference_rows, latent_size}, random);
    if (classes == 0) return z;
    Tensor<wide_t<T>> labels = Tensor<wide_t<T>>::zeros({reference_rows, classes});
    for (index_t i = 0; i < reference_rows; ++i) labels.data()[i * classes + i % classes] = 1;
    return ops::concat<wide_t<T>>({z, labels.to(z.device())}, 1).value();
  }

  nn::Sequential<T>* layers_;
  index_t inputs_;
  bool virtual_;
};

/// Appends D's layers with what the options add to them.
template <class T>
class DiscriminatorBuilder {
 public:
  DiscriminatorBuilder(nn::Sequential<T>& layers, const NetworkOptions& options, Generator& random)
      : layers_(&layers), options_(options), random_(&random), channels_(options.packing * options.channels) {
    if (options.packing > 1) layers.add(nn::Pack<T>(options.packing));
  }

  /// A convolution to `channels`, times the width, without dropout.
  DiscriminatorBuilder& conv(index_t channels, const Conv2DOptions& conv) {
    return output_conv(discriminator_channels(options_, channels), conv);
  }
  /// A convolution to exactly `channels`.
  DiscriminatorBuilder& output_conv(index_t channels, Conv2DOptions conv) {
    conv.spectral_norm = options_.spectral_norm;
    layers_->add(nn::Conv2D<T>(channels_, channels, conv, *random_));
    channels_ = channels;
    return *this;
  }
  DiscriminatorBuilder& batch_norm(const BatchNormOptions& norm) {
    layers_->add(nn::BatchNorm<T>(channels_, norm));
    return *this;
  }
  /// Dropout at the rate of the options, or else at the network's own, if it is not 0.
  DiscriminatorBuilder& dropout(double own) {
    const double rate = options_.dropout < 0 ? own : options_.dropout;
    if (rate > 0) layers_->add(nn::Dropout<T>(rate));
    return *this;
  }
  /// What belongs before the last layer.
  DiscriminatorBuilder& minibatch_stddev() {
    if (options_.minibatch_stddev == 0) return *this;
    layers_->add(nn::MinibatchStddev<T>(options_.minibatch_stddev));
    ++channels_;
    return *this;
  }
  bool conditional() const { return options_.classes > 0; }
  /// The last layer: images of `size` x `size` to one logit.
  void logit(index_t size, DenseOptions dense = {}) {
    minibatch_stddev();
    layers_->add(nn::Flatten<T>());
    const index_t features = size * size * channels_;
    if (conditional()) {
      const nn::ProjectionOptions projection{
          .bias = dense.bias, .initializer = dense.kernel_initializer, .spectral_norm = options_.spectral_norm};
      layers_->add(nn::Projection<T>(features, options_.classes, projection, *random_));
    } else {
      dense.spectral_norm = options_.spectral_norm;
      layers_->add(nn::Dense<T>(features, 1, dense, *random_));
    }
  }

 private:
  nn::Sequential<T>* layers_;
  NetworkOptions options_;
  Generator* random_;
  index_t channels_;
};

}  // namespace detail

}  // namespace tinygan::models
