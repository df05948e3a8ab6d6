// Spectral norms of kernels, and spectral normalisation of a layer's kernel.
#pragma once

#include <cmath>
#include <utility>

#include <tinygan/nn/module.hpp>
#include <tinygan/nn/pass.hpp>
#include <tinygan/ops/cast.hpp>
#include <tinygan/ops/matmul.hpp>
#include <tinygan/ops/norms.hpp>

namespace tinygan::nn {

namespace detail {

/// A kernel as a matrix whose columns belong to one output channel each.
inline Shape matrix_shape(const Shape& kernel) { return {kernel.size() / kernel[-1], kernel[-1]}; }

inline constexpr double spectral_epsilon = 1e-12;  // of sigma^2: a kernel of zeros stays one

/// The kernel's values as a matrix, in fp32 where T is bfloat16.
template <class T>
Variable<wide_t<T>> kernel_matrix(const Variable<T>& kernel) {
  return Variable<wide_t<T>>(kernel.master().reshape(matrix_shape(kernel.shape())));
}

/// A step of power iteration, W'W u / |W'W u|, for w(M,K) and u(K,1).
template <class V>
Tensor<V> power_iteration(const Variable<V>& w, const Tensor<V>& u) {
  const NoGrad no_grad;
  const Variable<V> v = ops::matmul(w, Variable<V>(u));                  // (M, 1)
  const Variable<V> next = ops::matmul(w, v, {.trans_a = true});         // (K, 1)
  const Variable<V> shifted = next + Variable<V>(u) * spectral_epsilon;  // u itself where W is 0
  return (shifted / ops::norm(shifted)).value();
}

/// |W u| (), an estimate of the largest singular value.
template <class V>
Variable<V> singular_value(const Variable<V>& w, const Tensor<V>& u) {
  return ops::norm(ops::matmul(w, Variable<V>(u)), {}, false, spectral_epsilon);
}

}  // namespace detail

/// The largest singular value of a kernel (..., K) as a matrix (size / K, K), a scalar on its device: |W u| after some
/// steps of power iteration from a vector of ones. It lies below the exact one, within a few per cent for a random
/// matrix and closer where a single value stands out. Throws Error on rank below 2 and unless iterations >= 0.
template <class T>
Tensor<wide_t<T>> spectral_norm(const Variable<T>& kernel, int iterations = 8) {
  check(kernel.defined() && kernel.rank() >= 2, "spectral_norm", "kernel ", kernel.defined() ? kernel.shape() : Shape{},
        ", expected rank 2 or more");
  check(iterations >= 0, "spectral_norm", iterations, " iterations, expected at least 0");
  using Wide = wide_t<T>;
  const NoGrad no_grad;
  const Variable<Wide> w = detail::kernel_matrix(kernel);
  const index_t K = kernel.shape()[-1];
  Tensor<Wide> u = Tensor<Wide>::full({K, 1}, static_cast<Wide>(1 / std::sqrt(static_cast<double>(K))), w.device());
  for (int i = 0; i < iterations; ++i) u = detail::power_iteration(w, u);
  return detail::singular_value(w, u).value();
}

/// The largest spectral_norm() of a module's parameters of rank 2 and more, its kernels. Throws Error if it has none.
template <class T>
Tensor<wide_t<T>> largest_spectral_norm(const Module<T>& module) {
  const NoGrad no_grad;
  Variable<wide_t<T>> largest;
  for (const Variable<T>& kernel : module.parameters()) {
    if (kernel.rank() < 2) continue;
    const Variable<wide_t<T>> norm(spectral_norm(kernel));
    largest = largest.defined() ? largest + ops::relu(norm - largest) : norm;
  }
  check(largest.defined(), "largest_spectral_norm", "the ", module.type(), " has no kernel");
  return largest.value();
}

/// W / sigma with sigma = (|W u|^2 + 1e-12)^(1/2), an estimate of the largest singular value of the kernel W as a
/// matrix (size / K, K).
/// The buffer u (K), of length 1, is the estimate of the right singular vector. A training pass that updates statistics
/// first does one step of power iteration, u <- W'W u / |W'W u|. Gradients pass through W and sigma; u is a constant.
/// Computed in fp32 where T is bfloat16: u from the master weights, sigma from the weights.
/// Source: Miyato, Kataoka, Koyama, Yoshida, "Spectral Normalization for GANs", 2018, Algorithm 1.
template <class T>
class SpectralNorm : public Module<T> {
  using Wide = typename Module<T>::Wide;

 public:
  /// Draws u and iterates `initial_steps` times, so that the first sigma is not far too low.
  SpectralNorm(Variable<T> kernel, Generator& random);

  /// The normalised kernel.
  Variable<T> operator()(const Pass& pass) const;

  std::string type() const override { return "spectral_norm"; }

  static constexpr int initial_steps = 15;

 private:
  Variable<T> kernel_;
  Variable<Wide> u_;
};

namespace detail {

/// The details of a layer, with a note where its kernel is normalised.
inline std::string with_spectral_norm(std::string details, bool on) {
  if (!on) return details;
  return details.empty() ? "spectral norm" : details + ", spectral norm";
}

}  // namespace detail

template <class T>
SpectralNorm<T>::SpectralNorm(Variable<T> kernel, Generator& random) : kernel_(std::move(kernel)) {
  const index_t K = kernel_.shape()[-1];
  Tensor<Wide> u = random_normal<Wide>({K, 1}, random).to(kernel_.device());
  for (int i = 0; i < initial_steps; ++i) u = detail::power_iteration(detail::kernel_matrix(kernel_), u);
  u_ = this->add_buffer("u", u.reshape({K}));
}

template <class T>
Variable<T> SpectralNorm<T>::operator()(const Pass& pass) const {
  this->check_usable();
  const Shape matrix = detail::matrix_shape(kernel_.shape());
  Tensor<Wide> u;  // (K, 1), a copy: u_ may be overwritten before the backward pass
  if (pass.training && pass.update_statistics) {
    u = detail::power_iteration(detail::kernel_matrix(kernel_), u_.value().reshape({matrix[1], 1}));
    kernels<Wide>(u.device()).copy({1, u.size(), u.size(), u.size()}, u.data(), u_.value().data(), Stream{});
    u_.value().bump_version();
  } else {
    u = u_.value().clone().reshape({matrix[1], 1});
  }
  const Variable<Wide> w = ops::reshape(cast<Wide>(kernel_), matrix);
  return ops::reshape(cast<T>(w / detail::singular_value(w, u)), kernel_.shape());
}

}  // namespace tinygan::nn
