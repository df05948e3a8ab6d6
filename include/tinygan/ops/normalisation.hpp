// Batch and layer normalisation: fused kernels, with a composition of plain ops as their reference.
#pragma once

#include <cmath>

#include <tinygan/ops/norms.hpp>

namespace tinygan::ops {

namespace detail {

/// v is a variable or tensor with one value for each channel of x. Throws Error on a wrong shape or device.
template <class T, class PerChannel>
void check_per_channel(const char* op, const PerChannel& v, const char* name, const Variable<T>& x) {
  check(v.rank() == 1 && v.shape()[0] == x.shape()[-1], op, name, " has shape ", v.shape(), ", input ", x.shape(),
        " expects (", x.shape()[-1], ",)",
        v.rank() == 1 ? tinygan::detail::channels_first_hint(x.shape(), v.shape()[0]) : std::string());
  check(v.device() == x.device(), op, name, " on ", v.device(), ", input on ", x.device());
}

/// The problem of normalising x with gamma and beta. Throws Error on an empty input, a wrong rank, shape or device, or
/// an epsilon that is negative or not finite.
template <class T>
NormDims norm_dims(const char* op, const Variable<T>& x, const Variable<T>& gamma, const Variable<T>& beta,
                   const NormOptions<T>& options) {
  check_input(op, "input", x);
  check_input(op, "gamma", gamma);
  check_input(op, "beta", beta);
  check(x.rank() >= 2, op, "input ", x.shape(), " has rank ", x.rank(), ", expected at least 2");
  check_per_channel(op, gamma, "gamma", x);
  check_per_channel(op, beta, "beta", x);
  check(options.epsilon >= 0 && std::isfinite(options.epsilon), op, "epsilon ", options.epsilon,
        ", expected a finite number of at least 0");
  check(options.activation.slope >= 0, op, "slope ", options.activation.slope, ", expected at least 0");
  return {x.size() / x.shape()[-1], x.shape()[-1]};
}

/// The gradients of a fused op by its reference, for create_graph.
template <class T, class Reference>
std::vector<Variable<T>> reference_grads(const Backward<T>& c, Reference reference) {
  std::vector<Variable<T>> wanted, grads(c.in.size());
  for (std::size_t i = 0; i < c.in.size(); ++i)
    if (c.needs[i]) wanted.push_back(c.in[i]);
  const std::vector<Variable<T>> found = grad(reference(), wanted, {.create_graph = true}, c.g);
  for (std::size_t i = 0, next = 0; i < c.in.size(); ++i)
    if (c.needs[i]) grads[i] = found[next++];
  return grads;
}

/// activation(gamma (x - mean)/sqrt(variance + eps) + beta) with statistics over `axes`, in plain ops.
template <class T>
Variable<T> normalise(const Variable<T>& x, const Variable<T>& gamma, const Variable<T>& beta, const Axes& axes,
                      const NormOptions<T>& o) {
  const Variable<T> centred = x - mean(x, axes, true);
  const Variable<T> variance = mean(square(centred), axes, true);
  return activation(o.activation, centred / sqrt(variance + o.epsilon) * gamma + beta);
}

inline Axes all_but_last(int rank) {
  std::vector<int> axes;
  for (int axis = 0; axis + 1 < rank; ++axis) axes.push_back(axis);
  return axes;
}

}  // namespace detail

/// A batch-normalised tensor with its batch statistics: mean and biased variance per channel.
template <class T>
struct BatchNormResult {
  Variable<T> y;
  Tensor<wide_t<T>> mean, variance;
};

/// The composition of plain ops that batch_norm equals.
template <class T>
Variable<T> batch_norm_reference(const Variable<T>& x, const Variable<T>& gamma, const Variable<T>& beta,
                                 const NormOptions<T>& options) {
  return detail::normalise(x, gamma, beta, detail::all_but_last(x.rank()), options);
}

namespace detail {

template <class T>
std::vector<Variable<T>> batch_norm_backward(const Backward<T>& c, const NormDims& d, const NormOptions<T>& options,
                                             const Tensor<wide_t<T>>& mean, const Tensor<wide_t<T>>& variance) {
  const Variable<T>&x = c.in[0], &gamma = c.in[1], &beta = c.in[2];
  if (recording()) return reference_grads(c, [&] { return batch_norm_reference(x, gamma, beta, options); });
  const Device device = x.device();
  Tensor<T> dx(x.shape(), device), dgamma(gamma.shape(), device), dbeta(beta.shape(), device);
  const KernelTable<T>& k = kernels<T>(device);
  PoolWorkspace workspace(device);
  k.batch_norm_backward(d, options, x.value().data(), mean.data(), variance.data(), gamma.value().data(),
                        beta.value().data(), c.g.value().data(), dx.data(), dgamma.data(), dbeta.data(), workspace,
                        Stream{});
  return {dx, dgamma, dbeta};
}

}  // namespace detail

/// y = activation(gamma (x - mean)/sqrt(variance + eps) + beta), statistics over all axes but the last, x(...,
/// channels).
/// Source: Ioffe & Szegedy 2015. Throws Error on rank below 2, a wrong gamma or beta, or a single row.
template <class T>
BatchNormResult<T> batch_norm(const Variable<T>& x, const Variable<T>& gamma, const Variable<T>& beta,
                              const NormOptions<T>& options) {
  const NormDims d = detail::norm_dims("batch_norm", x, gamma, beta, options);
  check(d.rows >= 2, "batch_norm", "input ", x.shape(), " has one value per channel, statistics need at least 2");
  const KernelTable<T>& k = kernels<T>(x.device());
  const Device device = x.device();
  Tensor<wide_t<T>> mean({d.channels}, device), variance({d.channels}, device);
  Tensor<T> y(x.shape(), device);
  PoolWorkspace workspace(device);
  k.batch_norm(d, options, x.value().data(), gamma.value().data(), beta.value().data(), y.data(), mean.data(),
               variance.data(), workspace, Stream{});
  Variable<T> result = record<T>("batch_norm", y, {x, gamma, beta}, [d, options, mean, variance](const Backward<T>& c) {
    return detail::batch_norm_backward(c, d, options, mean, variance);
  });
  return {result, mean, variance};
}

/// The same with given statistics (inference): y = activation(gamma (x - mean)/sqrt(variance + eps) + beta). Throws
/// Error on rank below 2 or a gamma, beta, mean or variance of a wrong shape.
template <class T>
Variable<T> batch_norm_inference(const Variable<T>& x, const Variable<T>& gamma, const Variable<T>& beta,
                                 const Tensor<wide_t<T>>& mean, const Tensor<wide_t<T>>& variance,
                                 const NormOptions<T>& options) {
  const NormDims d = detail::norm_dims("batch_norm", x, gamma, beta, options);
  check(mean.defined(), "batch_norm", "mean is empty, expected (", x.shape()[-1], ",)");
  detail::check_per_channel("batch_norm", mean, "mean", x);
  check(variance.defined(), "batch_norm", "variance is empty, expected (", x.shape()[-1], ",)");
  detail::check_per_channel("batch_norm", variance, "variance", x);
  Tensor<T> y(x.shape(), x.device());
  kernels<T>(x.device())
      .batch_norm_apply(d, options, x.value().data(), mean.data(), variance.data(), gamma.value().data(),
                        beta.value().data(), y.data(), Stream{});
  const SavedTensor saved_mean("the mean", mean),
      saved_variance("the variance", variance);  // a layer's running statistics change
  return record<T>("batch_norm_inference", y, {x, gamma, beta}, [=](const Backward<T>& c) {
    const Variable<T> h = activation_grad(options.activation, c.g, c.out);
    const Variable<T> rstd = reciprocal(sqrt(Variable<T>(cast<T>(saved_variance.get())) + options.epsilon));
    std::vector<Variable<T>> grads(3);
    if (c.needs[0]) grads[0] = h * (c.in[1] * rstd);
    if (c.needs[1]) grads[1] = sum_to(h * ((c.in[0] - Variable<T>(cast<T>(saved_mean.get()))) * rstd), c.in[1].shape());
    if (c.needs[2]) grads[2] = sum_to(h, c.in[2].shape());
    return grads;
  });
}

/// The composition of plain ops that layer_norm equals.
template <class T>
Variable<T> layer_norm_reference(const Variable<T>& x, const Variable<T>& gamma, const Variable<T>& beta,
                                 const NormOptions<T>& options) {
  return detail::normalise(x, gamma, beta, {-1}, options);
}

namespace detail {

template <class T>
std::vector<Variable<T>> layer_norm_backward(const Backward<T>& c, const NormDims& d, const NormOptions<T>& options,
                                             const Tensor<wide_t<T>>& mean, const Tensor<wide_t<T>>& rstd) {
  const Variable<T>&x = c.in[0], &gamma = c.in[1], &beta = c.in[2];
  if (recording()) return reference_grads(c, [&] { return layer_norm_reference(x, gamma, beta, options); });
  const Device device = x.device();
  Tensor<T> dx(x.shape(), device), dgamma(gamma.shape(), device), dbeta(beta.shape(), device);
  const KernelTable<T>& k = kernels<T>(device);
  PoolWorkspace workspace(device);
  k.layer_norm_backward(d, options, x.value().data(), mean.data(), rstd.data(), gamma.value().data(),
                        beta.value().data(), c.g.value().data(), dx.data(), dgamma.data(), dbeta.data(), workspace,
                        Stream{});
  return {dx, dgamma, dbeta};
}

}  // namespace detail

/// y = activation(gamma (x - mean)/sqrt(variance + eps) + beta), statistics over the last axis of each row.
/// Source: Ba, Kiros, Hinton 2016. Throws Error on rank below 2 or a wrong gamma or beta.
template <class T>
Variable<T> layer_norm(const Variable<T>& x, const Variable<T>& gamma, const Variable<T>& beta,
                       const NormOptions<T>& options) {
  const NormDims d = detail::norm_dims("layer_norm", x, gamma, beta, options);
  const Device device = x.device();
  Tensor<wide_t<T>> mean({d.rows}, device), rstd({d.rows}, device);
  Tensor<T> y(x.shape(), device);
  kernels<T>(device).layer_norm(d, options, x.value().data(), gamma.value().data(), beta.value().data(), y.data(),
                                mean.data(), rstd.data(), Stream{});
  return record<T>("layer_norm", y, {x, gamma, beta}, [d, options, mean, rstd](const Backward<T>& c) {
    return detail::layer_norm_backward(c, d, options, mean, rstd);
  });
}

}  // namespace tinygan::ops
