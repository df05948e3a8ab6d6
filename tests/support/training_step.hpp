// A training step of a small network, and what it amounts to: the same on every processor, as weights, images and
// targets are drawn from Philox.
#pragma once

#include <cmath>
#include <vector>

#include <tinygan/autograd/grad.hpp>
#include <tinygan/nn/conv2d.hpp>
#include <tinygan/nn/dense.hpp>
#include <tinygan/nn/losses.hpp>
#include <tinygan/nn/normalisation.hpp>
#include <tinygan/nn/reshape.hpp>
#include <tinygan/nn/sequential.hpp>

namespace tinygan::test {

/// Mean squared error of the network in training mode.
template <class T>
struct TrainingStep {
  Generator random{7};
  nn::Sequential<T> model{nn::Conv2D<T>(1, 6, {.kernel = 4, .stride = 2}, random),
                          nn::BatchNorm<T>(6, {.activation = Activation::leaky_relu(0.2)}), nn::Flatten<T>(),
                          nn::Dense<T>(6 * 5 * 5, 1, {}, random)};
  Tensor<T> images = random_uniform<T>({4, 12, 12, 1}, random, -1, 1);
  Tensor<T> targets = random_uniform<T>({4, 1}, random, -1, 1);

  Variable<T> loss() {
    return nn::mean_squared_error(model(Variable<T>(images), nn::Pass::train(random)), Variable<T>(targets));
  }
};

/// A value computed in double, and how far off float arithmetic may be; tests/nn/test_training_step.cpp derives both.
struct Figure {
  double value, bound;
};

/// Of the loss, and of the sum of the magnitudes of each parameter's gradient.
inline constexpr Figure training_loss{0.1622972184, 6.2e-4};
inline constexpr Figure training_gradients[] = {{16.4543152774, 0.14},  {0, 2.3e-4},          {0.4340082987, 4.2e-3},
                                                {0.6269432189, 4.2e-3}, {31.284936792, 0.17}, {0.2974170743, 2.1e-3}};

template <class T>
double sum_of_magnitudes(const Variable<T>& x) {
  double sum = 0;
  for (const T value : x.value().to_vector()) sum += std::fabs(static_cast<double>(value));
  return sum;
}

}  // namespace tinygan::test
