// Spectral normalisation of a layer's kernel.
#pragma once

#include <utility>

#include <tinygan/nn/module.hpp>
#include <tinygan/nn/pass.hpp>
#include <tinygan/ops/cast.hpp>
#include <tinygan/ops/matmul.hpp>
#include <tinygan/ops/norms.hpp>

namespace tinygan::nn {

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
  /// The next estimate of u (K,1).
  Tensor<Wide> iterate(const Tensor<Wide>& u) const;

  Variable<T> kernel_;
  Variable<Wide> u_;
};

namespace detail {

/// The details of a layer, with a note where its kernel is normalised.
inline std::string with_spectral_norm(std::string details, bool on) {
  if (!on) return details;
  return details.empty() ? "spectral norm" : details + ", spectral norm";
}

/// A kernel as a matrix whose columns belong to one output channel each.
inline Shape matrix_shape(const Shape& kernel) { return {kernel.size() / kernel[-1], kernel[-1]}; }

inline constexpr double spectral_epsilon = 1e-12;  // of sigma^2: a kernel of zeros stays one

}  // namespace detail

template <class T>
SpectralNorm<T>::SpectralNorm(Variable<T> kernel, Generator& random) : kernel_(std::move(kernel)) {
  const index_t K = kernel_.shape()[-1];
  Tensor<Wide> u = random_normal<Wide>({K, 1}, random).to(kernel_.device());
  for (int i = 0; i < initial_steps; ++i) u = iterate(u);
  u_ = this->add_buffer("u", u.reshape({K}));
}

template <class T>
auto SpectralNorm<T>::iterate(const Tensor<Wide>& u) const -> Tensor<Wide> {
  const NoGrad no_grad;
  const Variable<Wide> w(kernel_.master().reshape(detail::matrix_shape(kernel_.shape())));
  const Variable<Wide> v = ops::matmul(w, Variable<Wide>(u));                          // (size / K, 1)
  const Variable<Wide> next = ops::matmul(w, v, {.trans_a = true});                    // (K, 1)
  const Variable<Wide> shifted = next + Variable<Wide>(u) * detail::spectral_epsilon;  // u itself where W is 0
  return (shifted / ops::norm(shifted)).value();
}

template <class T>
Variable<T> SpectralNorm<T>::operator()(const Pass& pass) const {
  this->check_usable();
  const Shape matrix = detail::matrix_shape(kernel_.shape());
  Tensor<Wide> u;  // (K, 1), a copy: u_ may be overwritten before the backward pass
  if (pass.training && pass.update_statistics) {
    u = iterate(u_.value().reshape({matrix[1], 1}));
    kernels<Wide>(u.device()).copy({1, u.size(), u.size(), u.size()}, u.data(), u_.value().data(), Stream{});
    u_.value().bump_version();
  } else {
    u = u_.value().clone().reshape({matrix[1], 1});
  }
  const Variable<Wide> w = ops::reshape(cast<Wide>(kernel_), matrix);
  const Variable<Wide> sigma = ops::norm(ops::matmul(w, Variable<Wide>(u)), {}, false, detail::spectral_epsilon);
  return ops::reshape(cast<T>(w / sigma), kernel_.shape());
}

}  // namespace tinygan::nn
