// Clipping, of gradients and of weights.
#pragma once

#include <tinygan/ops/pointwise.hpp>
#include <tinygan/optim/distinct.hpp>

namespace tinygan::optim {

/// The Euclidean norm of all tensors taken as one vector, a scalar on their device. Throws Error if there are no
/// tensors, if one is empty, or if they are on different devices.
template <class T>
Tensor<wide_t<T>> global_norm(const std::vector<Variable<T>>& xs) {
  check(!xs.empty(), "global_norm", "no tensors");
  for (std::size_t i = 0; i < xs.size(); ++i)
    check(xs[i].defined(), "global_norm", "tensor ", i, " is empty, expected a variable with a value");
  std::vector<Segment<const T>> segments;
  const Device device = xs[0].device();
  for (const Variable<T>& x : xs) {
    check(x.device() == device, "global_norm", "tensors on ", device, " and ", x.device());
    segments.push_back({x.size(), x.value().data()});
  }
  const KernelTable<T>& k = kernels<T>(device);
  const int count = static_cast<int>(segments.size());
  Tensor<wide_t<T>> norm({}, device);
  PoolWorkspace workspace(device);
  k.global_norm(count, segments.data(), norm.data(), workspace, Stream{});
  return norm;
}

/// The gradients scaled by min(1, max_norm / norm), and their norm before scaling. Throws Error unless max_norm > 0.
/// Source: Pascanu, Mikolov, Bengio 2013.
template <class T>
std::pair<std::vector<Variable<T>>, Tensor<wide_t<T>>> clip_by_global_norm(const std::vector<Variable<T>>& grads,
                                                                           double max_norm) {
  check(max_norm > 0, "clip_by_global_norm", "norm ", max_norm, ", expected above 0");
  const Tensor<wide_t<T>> norm = global_norm(grads);
  std::vector<Variable<T>> clipped;
  std::vector<Segment<T>> segments;
  for (const Variable<T>& g : grads) {
    clipped.push_back(g.value().clone());  // gradients may share memory, with each other or with the caller
    segments.push_back({g.size(), clipped.back().value().data()});
  }
  kernels<T>(norm.device())
      .clip_by_norm(static_cast<int>(segments.size()), segments.data(), norm.data(), kernel_scalar<T>(max_norm),
                    Stream{});
  return {clipped, norm};
}

/// Each element clamped to [-limit, limit]. Throws Error unless limit > 0, and on an empty gradient.
template <class T>
std::vector<Variable<T>> clip_by_value(const std::vector<Variable<T>>& grads, double limit) {
  check(limit > 0, "clip_by_value", "limit ", limit, ", expected above 0");
  const NoGrad no_grad;
  std::vector<Variable<T>> clipped;
  for (const Variable<T>& g : grads) {
    check(g.defined(), "clip_by_value", "gradient ", clipped.size(), " is empty, expected a variable with a value");
    clipped.push_back(ops::clamp(g, -limit, limit));
  }
  return clipped;
}

/// Scales the gradients that backward() accumulated by min(1, max_norm / norm), in place, and returns their norm before
/// scaling. Throws Error unless max_norm > 0, and if a parameter has no gradient.
template <class T>
Tensor<wide_t<T>> clip_grads_by_global_norm(const std::vector<Variable<T>>& parameters, double max_norm) {
  check(max_norm > 0, "clip_grads_by_global_norm", "norm ", max_norm, ", expected above 0");
  const std::vector<Variable<T>> grads = detail::accumulated_grads("clip_grads_by_global_norm", parameters);
  const Tensor<wide_t<T>> norm = global_norm(grads);
  std::vector<Segment<T>> segments;
  for (const Variable<T>& g : grads) segments.push_back({g.size(), g.value().data()});
  kernels<T>(norm.device())
      .clip_by_norm(static_cast<int>(segments.size()), segments.data(), norm.data(), kernel_scalar<T>(max_norm),
                    Stream{});
  for (const Variable<T>& g : grads) g.value().bump_version();
  return norm;
}

/// Clamps each element of the gradients that backward() accumulated to [-limit, limit], in place. Throws Error unless
/// limit > 0, and if a parameter has no gradient.
template <class T>
void clip_grads_by_value(const std::vector<Variable<T>>& parameters, double limit) {
  check(limit > 0, "clip_grads_by_value", "limit ", limit, ", expected above 0");
  for (const Variable<T>& g : detail::accumulated_grads("clip_grads_by_value", parameters)) {
    kernels<T>(g.device())
        .unary(UnaryOp::clamp, g.size(), kernel_scalar<T>(-limit), kernel_scalar<T>(limit), g.value().data(),
               g.value().data(), Stream{});
    g.value().bump_version();
  }
}

/// Clamps each weight to [-limit, limit], in place, fp32 master weights where T is bfloat16. Throws Error unless
/// limit > 0, and on an empty parameter.
/// Source: Arjovsky, Chintala, Bottou 2017, Algorithm 1.
template <class T>
void clip_weights(const std::vector<Variable<T>>& parameters, double limit) {
  check(limit > 0, "clip_weights", "limit ", limit, ", expected above 0");
  using Wide = wide_t<T>;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Variable<T>& p = parameters[i];
    check(p.defined(), "clip_weights", "parameter ", i, " is empty, expected a variable with a value");
    const Tensor<Wide> w = p.master();
    kernels<Wide>(w.device())
        .unary(UnaryOp::clamp, w.size(), kernel_scalar<T>(-limit), kernel_scalar<T>(limit), w.data(), w.data(),
               Stream{});
    p.round_master();
  }
}

}  // namespace tinygan::optim
