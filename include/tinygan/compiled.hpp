// The templates that tinygan::compiled instantiates, each once for the element types float, double and bfloat16.
//
// A program that links the library sees them as `extern template` (the target defines TINYGAN_COMPILED), and its own
// files compile in a sixth of the time. A template that is missing here is instantiated by the file that uses it, as
// without the library, so files built either way link into one program.
#pragma once

#include <tinygan/autograd/grad.hpp>
#include <tinygan/gan/objective.hpp>
#include <tinygan/gan/step.hpp>
#include <tinygan/models/networks.hpp>
#include <tinygan/nn/activations.hpp>
#include <tinygan/nn/conditional.hpp>
#include <tinygan/nn/conv2d.hpp>
#include <tinygan/nn/dense.hpp>
#include <tinygan/nn/dropout.hpp>
#include <tinygan/nn/losses.hpp>
#include <tinygan/nn/minibatch_stddev.hpp>
#include <tinygan/nn/normalisation.hpp>
#include <tinygan/nn/pack.hpp>
#include <tinygan/nn/pooling.hpp>
#include <tinygan/nn/reshape.hpp>
#include <tinygan/nn/sequential.hpp>
#include <tinygan/nn/spectral_norm.hpp>
#include <tinygan/nn/summary.hpp>
#include <tinygan/nn/virtual_batch_norm.hpp>
#include <tinygan/ops/cast.hpp>
#include <tinygan/optim/adam.hpp>
#include <tinygan/optim/clip.hpp>
#include <tinygan/optim/ema.hpp>
#include <tinygan/optim/sgd.hpp>

// TEMPLATE is `template` in the library's sources and `extern template` below.
#define TINYGAN_COMPILED_AUTOGRAD(TEMPLATE, T)                                                                    \
  namespace tinygan {                                                                                             \
  TEMPLATE class Tensor<T>;                                                                                       \
  TEMPLATE Tensor<T> random_uniform(const Shape&, Generator&, T, T);                                              \
  TEMPLATE Tensor<T> random_normal(const Shape&, Generator&, T, T);                                               \
  TEMPLATE Tensor<T> random_bernoulli(const Shape&, T, Generator&);                                               \
  TEMPLATE class SavedTensor<T>;                                                                                  \
  TEMPLATE class Variable<T>;                                                                                     \
  TEMPLATE struct Node<T>;                                                                                        \
  TEMPLATE class GradientTape<T>;                                                                                 \
  TEMPLATE Variable<T> record(const char*, Tensor<T>, std::vector<AnyVariable>, Vjp<T>);                          \
  TEMPLATE std::vector<Variable<T>> grad(const Variable<T>&, const std::vector<Variable<T>>&, const GradOptions&, \
                                         const Variable<T>&);                                                     \
  }

#define TINYGAN_COMPILED_POINTWISE(TEMPLATE, T)                                             \
  namespace tinygan::ops {                                                                  \
  TEMPLATE Variable<T> affine(const Variable<T>&, double, double);                          \
  TEMPLATE Variable<T> neg(const Variable<T>&);                                             \
  TEMPLATE Variable<T> add(const Variable<T>&, const Variable<T>&);                         \
  TEMPLATE Variable<T> sub(const Variable<T>&, const Variable<T>&);                         \
  TEMPLATE Variable<T> mul(const Variable<T>&, const Variable<T>&);                         \
  TEMPLATE Variable<T> div(const Variable<T>&, const Variable<T>&);                         \
  TEMPLATE Variable<T> maximum(const Variable<T>&, const Variable<T>&);                     \
  TEMPLATE Variable<T> minimum(const Variable<T>&, const Variable<T>&);                     \
  TEMPLATE Variable<T> exp(const Variable<T>&);                                             \
  TEMPLATE Variable<T> log(const Variable<T>&);                                             \
  TEMPLATE Variable<T> sqrt(const Variable<T>&);                                            \
  TEMPLATE Variable<T> reciprocal(const Variable<T>&);                                      \
  TEMPLATE Variable<T> square(const Variable<T>&);                                          \
  TEMPLATE Variable<T> abs(const Variable<T>&);                                             \
  TEMPLATE Variable<T> clamp(const Variable<T>&, double, double);                           \
  TEMPLATE Variable<T> activation_grad(Activation, const Variable<T>&, const Variable<T>&); \
  TEMPLATE Variable<T> activation(Activation, const Variable<T>&);                          \
  TEMPLATE Variable<T> relu(const Variable<T>&);                                            \
  TEMPLATE Variable<T> leaky_relu(const Variable<T>&, double);                              \
  TEMPLATE Variable<T> sigmoid(const Variable<T>&);                                         \
  TEMPLATE Variable<T> tanh(const Variable<T>&);                                            \
  TEMPLATE Variable<T> softplus(const Variable<T>&);                                        \
  }

#define TINYGAN_COMPILED_OPS(TEMPLATE, T)                                                                             \
  namespace tinygan::ops {                                                                                            \
  TEMPLATE Variable<T> sum(const Variable<T>&, const Axes&, bool);                                                    \
  TEMPLATE Variable<T> sum_to(const Variable<T>&, const Shape&);                                                      \
  TEMPLATE Variable<T> broadcast_to(const Variable<T>&, const Shape&);                                                \
  TEMPLATE Variable<T> mean(const Variable<T>&, const Axes&, bool);                                                   \
  TEMPLATE Variable<T> sum_squares(const Variable<T>&, const Axes&, bool);                                            \
  TEMPLATE Variable<T> norm(const Variable<T>&, const Axes&, bool, double);                                           \
  TEMPLATE Variable<T> softmax(const Variable<T>&, int);                                                              \
  TEMPLATE Variable<T> log_softmax(const Variable<T>&, int);                                                          \
  TEMPLATE Variable<T> reshape(const Variable<T>&, const Shape&);                                                     \
  TEMPLATE Variable<T> flatten(const Variable<T>&);                                                                   \
  TEMPLATE Variable<T> slice(const Variable<T>&, int, index_t, index_t);                                              \
  TEMPLATE Variable<T> pad(const Variable<T>&, int, index_t, index_t);                                                \
  TEMPLATE Variable<T> concat(const std::vector<Variable<T>>&, int);                                                  \
  TEMPLATE Variable<T> permute(const Variable<T>&, const std::vector<int>&);                                          \
  TEMPLATE Variable<T> transpose(const Variable<T>&);                                                                 \
  TEMPLATE Variable<T> dropout(const Variable<T>&, double, Generator&);                                               \
  TEMPLATE Variable<T> add_noise(const Variable<T>&, double, const RateSchedule&, Generator&);                        \
  TEMPLATE Variable<T> translate(const Variable<T>&, const Tensor<std::int32_t>&);                                    \
  TEMPLATE Variable<T> cutout(const Variable<T>&, const Tensor<std::int32_t>&, index_t, index_t);                     \
  TEMPLATE Variable<T> matmul(const Variable<T>&, const Variable<T>&, MatmulOptions, const Fused<T>&);                \
  TEMPLATE Variable<T> conv2d(const Variable<T>&, const Variable<T>&, const ConvOptions&, const Fused<T>&);           \
  TEMPLATE Variable<T> conv2d(const Variable<T>&, const Variable<T>&, const ConvDims&, const Fused<T>&);              \
  TEMPLATE Variable<T> conv2d_input_grad(const Variable<T>&, const Variable<T>&, const ConvDims&, const Fused<T>&);   \
  TEMPLATE Variable<T> conv2d_weight_grad(const Variable<T>&, const Variable<T>&, const ConvDims&);                   \
  TEMPLATE Variable<T> conv2d_transpose(const Variable<T>&, const Variable<T>&, const ConvOptions&, const Fused<T>&,  \
                                        OutputPadding);                                                               \
  TEMPLATE BatchNormResult<T> batch_norm(const Variable<T>&, const Variable<T>&, const Variable<T>&,                  \
                                         const NormOptions<T>&);                                                      \
  TEMPLATE Variable<T> batch_norm_inference(const Variable<T>&, const Variable<T>&, const Variable<T>&,               \
                                            const Tensor<wide_t<T>>&, const Tensor<wide_t<T>>&,                       \
                                            const NormOptions<T>&);                                                   \
  TEMPLATE Variable<T> layer_norm(const Variable<T>&, const Variable<T>&, const Variable<T>&, const NormOptions<T>&); \
  TEMPLATE Variable<T> max_pool2d(const Variable<T>&, const PoolOptions&);                                            \
  TEMPLATE Variable<T> average_pool2d(const Variable<T>&, const PoolOptions&);                                        \
  TEMPLATE Variable<T> upsample2d(const Variable<T>&, index_t, index_t);                                              \
  }

#define TINYGAN_COMPILED_NN(TEMPLATE, T)                                                         \
  namespace tinygan::nn {                                                                        \
  TEMPLATE class Module<T>;                                                                      \
  TEMPLATE class Sequential<T>;                                                                  \
  TEMPLATE ModelSummary summarise(const Layer<T>&, const Shape&, const Pass&);                   \
  TEMPLATE class SpectralNorm<T>;                                                                \
  TEMPLATE class Dense<T>;                                                                       \
  TEMPLATE class Conv2D<T>;                                                                      \
  TEMPLATE class Conv2DTranspose<T>;                                                             \
  TEMPLATE class AddLabels<T>;                                                                   \
  TEMPLATE class Projection<T>;                                                                  \
  TEMPLATE class BatchNorm<T>;                                                                   \
  TEMPLATE class LayerNorm<T>;                                                                   \
  TEMPLATE class AddReference<T>;                                                                \
  TEMPLATE class DropReference<T>;                                                               \
  TEMPLATE class VirtualBatchNorm<T>;                                                            \
  TEMPLATE class Dropout<T>;                                                                     \
  TEMPLATE class MinibatchStddev<T>;                                                             \
  TEMPLATE class Pack<T>;                                                                        \
  TEMPLATE class Flatten<T>;                                                                     \
  TEMPLATE class Reshape<T>;                                                                     \
  TEMPLATE class ActivationLayer<T>;                                                             \
  TEMPLATE class Softmax<T>;                                                                     \
  TEMPLATE class MaxPool2D<T>;                                                                   \
  TEMPLATE class AveragePool2D<T>;                                                               \
  TEMPLATE class UpSample2D<T>;                                                                  \
  TEMPLATE Variable<T> bce_with_logits(const Variable<T>&, const Variable<T>&, Reduction);       \
  TEMPLATE Variable<T> bce_with_logits(const Variable<T>&, double, Reduction);                   \
  TEMPLATE Variable<T> mean_squared_error(const Variable<T>&, const Variable<T>&, Reduction);    \
  TEMPLATE Variable<T> softmax_cross_entropy(const Variable<T>&, const Variable<T>&, Reduction); \
  }                                                                                              \
  namespace tinygan::optim {                                                                     \
  TEMPLATE class Optimiser<T>;                                                                   \
  TEMPLATE class GroupedOptimiser<T, AdamHyper>;                                                 \
  TEMPLATE class GroupedOptimiser<T, SgdHyper>;                                                  \
  TEMPLATE class Adam<T>;                                                                        \
  TEMPLATE class Sgd<T>;                                                                         \
  }

#define TINYGAN_COMPILED_GAN(TEMPLATE, T)                                                \
  namespace tinygan::models {                                                            \
  TEMPLATE Networks<T> make_networks(Network, const NetworkOptions&, Generator&);        \
  }                                                                                      \
  namespace tinygan::gan {                                                               \
  TEMPLATE Variable<T> diff_augment(const DiffAugment&, const Variable<T>&, Generator&); \
  TEMPLATE class AdversarialStep<T>;                                                     \
  TEMPLATE class DiscriminatorView<T>;                                                   \
  }

#ifdef TINYGAN_COMPILED

#define TINYGAN_COMPILED_ALL(TEMPLATE, T)           \
  namespace tinygan::cpu {                          \
  TEMPLATE const KernelTable<T>& kernel_table<T>(); \
  }                                                 \
  TINYGAN_COMPILED_AUTOGRAD(TEMPLATE, T)            \
  TINYGAN_COMPILED_POINTWISE(TEMPLATE, T)           \
  TINYGAN_COMPILED_OPS(TEMPLATE, T)                 \
  TINYGAN_COMPILED_NN(TEMPLATE, T)                  \
  TINYGAN_COMPILED_GAN(TEMPLATE, T)

TINYGAN_COMPILED_ALL(extern template, float)
TINYGAN_COMPILED_ALL(extern template, double)
TINYGAN_COMPILED_ALL(extern template, bfloat16)

#endif
