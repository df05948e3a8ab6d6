// Gradient penalties: losses on the gradient of the critic, whose gradient is of second order.
#pragma once

#include <tinygan/ops/cast.hpp>
#include <tinygan/ops/norms.hpp>
#include <tinygan/tensor/random.hpp>

namespace tinygan::gan {

namespace detail {

inline std::vector<int> sample_axes(int rank) {
  std::vector<int> axes;
  for (int axis = 1; axis < rank; ++axis) axes.push_back(axis);
  return axes;
}

/// The gradient of sum critic(x) with respect to x, differentiable in turn, in fp32 where T is bfloat16; critic maps a
/// batch to one value per sample.
template <class T, class Critic>
Variable<wide_t<T>> input_gradient(Critic&& critic, const Tensor<T>& x) {
  const Variable<T> at(x, true);
  return cast<wide_t<T>>(grad(ops::sum(critic(at)), {at}, {.create_graph = true})[0]);
}

/// mean over samples of |grad critic(x)|^2 / 2.
template <class T, class Critic>
Variable<wide_t<T>> zero_centred_penalty(Critic&& critic, const Tensor<T>& x) {
  const Variable<wide_t<T>> slope = input_gradient<T>(critic, x);
  return ops::mean(ops::sum_squares(slope, sample_axes(slope.rank()))) * 0.5;
}

}  // namespace detail

/// WGAN-GP: mean over samples of (|grad critic(x^)|_2 - 1)^2 at x^ = e real + (1-e) fake, e uniform per sample. The
/// critic must treat samples independently (no batch norm). Throws Error if the batches differ in shape.
/// Source: Gulrajani et al. 2017.
template <class T, class Critic>
Variable<wide_t<T>> gradient_penalty(Critic&& critic, const Tensor<T>& real, const Tensor<T>& fake, Generator& random) {
  check(real.defined() && fake.defined(), "gradient_penalty", real.defined() ? "fake" : "real",
        " is empty, expected a batch");
  check(real.shape() == fake.shape(), "gradient_penalty", "real ", real.shape(), " and fake ", fake.shape(), " differ");
  Shape per_sample = real.shape();
  for (int axis = 1; axis < real.rank(); ++axis) per_sample = per_sample.with(axis, 1);
  Tensor<T> between;
  {
    const NoGrad no_grad;
    const Variable<T> e = random_uniform<T>(per_sample, random);
    between = (e * (Variable<T>(real) - Variable<T>(fake)) + Variable<T>(fake)).value();
  }
  const Variable<wide_t<T>> slope = detail::input_gradient<T>(critic, between);
  return ops::mean(ops::square(ops::norm(slope, detail::sample_axes(slope.rank()), false, 1e-12) - 1));
}

/// R1: mean over samples of |grad critic(x)|^2 / 2 at real images. Throws Error on an empty batch. Source: Mescheder,
/// Geiger, Nowozin 2018.
template <class T, class Critic>
Variable<wide_t<T>> r1_penalty(Critic&& critic, const Tensor<T>& real) {
  check(real.defined(), "r1_penalty", "real is empty, expected a batch");
  return detail::zero_centred_penalty<T>(critic, real);
}

/// R2: the same at generated images. Source: Mescheder, Geiger, Nowozin 2018; with R1 in Huang et al. 2024 (R3GAN).
template <class T, class Critic>
Variable<wide_t<T>> r2_penalty(Critic&& critic, const Tensor<T>& fake) {
  check(fake.defined(), "r2_penalty", "fake is empty, expected a batch");
  return detail::zero_centred_penalty<T>(critic, fake);
}

}  // namespace tinygan::gan
