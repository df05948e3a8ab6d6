// Problems of the normalisation, pooling, data and optimiser kernels.
#pragma once

#include <cstdint>

#include <tinygan/backend/activation.hpp>
#include <tinygan/base/shape.hpp>

namespace tinygan {

/// x(rows, channels): batch norm takes its statistics over rows, layer norm over channels.
struct NormDims {
  index_t rows = 0, channels = 0;
};

/// What follows the normalisation: activation(gamma*xhat + beta).
template <class T>
struct NormOptions {
  wide_t<T> epsilon = wide_t<T>(1e-3);
  Activation activation = Activation::none;
  wide_t<T> slope = 0;
};

/// x(N,H,W,C) to y(N,P,Q,C) by windows; cells outside x take no part.
struct PoolDims {
  index_t N = 0, H = 0, W = 0, C = 0, P = 0, Q = 0;
  index_t window_h = 1, window_w = 1, stride_h = 1, stride_w = 1, pad_top = 0, pad_left = 0;
};

/// out(count, pixels) = images[index[count b + i]] * scale + shift, images being bytes (any number of them, pixels
/// each) and b the batch: step mod batches.
struct GatherDims {
  index_t count = 0, pixels = 0, batches = 1;
};

/// Rows of scalars in a metric ring: `count` of them a row, at most `most`; `capacity` rows are kept.
struct RecordDims {
  static constexpr index_t most = 8;

  index_t count = 0, capacity = 0;
};

/// One parameter tensor as an optimiser sees it; m and v are its state (v unused by SGD). With a master, that is what is updated
/// and param becomes the master rounded to T; without one (only where T is wide) param is updated itself.
template <class T>
struct ParameterSlot {
  index_t n = 0;
  T* param = nullptr;
  const T* grad = nullptr;
  wide_t<T>* m = nullptr;
  wide_t<T>* v = nullptr;
  wide_t<T>* master = nullptr;
};

/// A mutable run of elements.
template <class T>
struct Segment {
  index_t n = 0;
  T* data = nullptr;
};

/// Adam (Kingma & Ba 2015): m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2;
///   p -= lr * (m / (1-b1^t)) / (sqrt(v / (1-b2^t)) + eps)                     epsilon_hat = false (the paper, PyTorch)
///   p -= lr * sqrt(1-b2^t)/(1-b1^t) * m / (sqrt(v) + eps)                     epsilon_hat = true  (Keras)
/// with decoupled weight decay p -= lr * weight_decay * p before it (AdamW) when weight_decay > 0.
struct AdamHyper {
  double learning_rate = 2e-4, beta1 = 0.5, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0;
  bool epsilon_hat = false;
};

/// SGD: g += weight_decay p; m = momentum m + g; p -= lr * (nesterov ? g + momentum m : m).
struct SgdHyper {
  double learning_rate = 1e-2, momentum = 0, weight_decay = 0;
  bool nesterov = false;
};

}  // namespace tinygan
