// BatchNorm and LayerNorm.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include <tinygan/nn/layer.hpp>
#include <tinygan/ops/normalisation.hpp>

namespace tinygan::nn {

/// Keras' conventions by default: running = momentum * running + (1 - momentum) * batch, momentum 0.99, eps 1e-3, the
/// running variance from the biased batch variance. torch(): PyTorch's, whose momentum 0.1 is 0.9 here, eps 1e-5,
/// unbiased.
struct BatchNormOptions {
  double momentum = 0.99;
  double epsilon = 1e-3;
  bool unbiased_running_variance = false;
  Activation activation = Activation::none;  ///< applied in the same pass

  /// PyTorch's conventions: momentum 0.9 in Keras' sense, epsilon 1e-5, unbiased running variance.
  static BatchNormOptions torch(Activation f = Activation::none) {
    return {.momentum = 0.9, .epsilon = 1e-5, .unbiased_running_variance = true, .activation = f};
  }
};

/// y = activation(gamma (x - mean)/sqrt(variance + eps) + beta) over the last axis: batch statistics in training,
/// running statistics in inference. x is (N,C) or (N,H,W,C). Inference before any training uses the initial statistics,
/// as Keras and PyTorch do; in an AnomalyScope it throws Error.
template <class T = float>
class BatchNorm : public Layer<T> {
  using Wide = typename Module<T>::Wide;

 public:
  /// Throws Error unless channels >= 1, eps > 0 and 0 <= momentum <= 1.
  explicit BatchNorm(index_t channels, BatchNormOptions options = {});

  Variable<T> forward(const Variable<T>& x, const Pass& pass) override;
  Shape output_shape(const Shape& x) const override;
  OnnxValue export_to(OnnxGraph& graph, const OnnxValue& x) const override;
  std::string type() const override { return "batch_norm"; }
  bool normalises_over_batch() const override { return true; }

  /// Whether the running statistics are those a new layer starts with, mean 0 and variance 1: neither trained nor
  /// loaded. Inference then scales by gamma / sqrt(1 + eps) alone. Reads the device.
  bool has_initial_statistics() const;
  std::string details() const override { return activation_text(options_.activation); }

 private:
  void update(const ops::BatchNormResult<T>& batch, index_t rows, double momentum) const;

  BatchNormOptions options_;
  Variable<T> gamma_, beta_;
  Variable<Wide> running_mean_, running_variance_;
};

template <class T>
BatchNorm<T>::BatchNorm(index_t channels, BatchNormOptions options) : options_(options) {
  check(channels >= 1, "batch_norm", channels, " channels, expected at least 1");
  check(options.epsilon > 0 && std::isfinite(options.epsilon), "batch_norm", "epsilon ", options.epsilon,
        ", expected above 0");
  check(options.momentum >= 0 && options.momentum <= 1, "batch_norm", "momentum ", options.momentum,
        ", expected 0 to 1");
  gamma_ = this->add_parameter("gamma", Tensor<Wide>::full({channels}, 1));
  beta_ = this->add_parameter("beta", Tensor<Wide>::zeros({channels}));
  running_mean_ = this->add_buffer("moving_mean", Tensor<Wide>::zeros({channels}));
  running_variance_ = this->add_buffer("moving_variance", Tensor<Wide>::full({channels}, 1));
}

template <class T>
Variable<T> BatchNorm<T>::forward(const Variable<T>& x, const Pass& pass) {
  this->check_usable();
  const double momentum = pass.momentum < 0 ? options_.momentum : pass.momentum;
  check(momentum >= 0 && momentum <= 1, "batch_norm", "momentum ", momentum, " of the pass, expected 0 to 1");
  const NormOptions<T> o{kernel_scalar<T>(options_.epsilon), options_.activation};
  if (!pass.training) {
    check(!detecting_anomalies() || !has_initial_statistics(), "batch_norm",
          "inference with the initial running statistics, mean 0 and variance 1: train the model or load its weights "
          "first");
    return ops::batch_norm_inference(x, gamma_, beta_, running_mean_.value(), running_variance_.value(), o);
  }
  ops::BatchNormResult<T> result = ops::batch_norm(x, gamma_, beta_, o);
  if (pass.update_statistics) update(result, x.size() / gamma_.size(), momentum);
  return result.y;
}

template <class T>
Shape BatchNorm<T>::output_shape(const Shape& x) const {
  this->check_usable();
  check(x.rank() >= 2 && x[-1] == gamma_.size(), "batch_norm", "input ", x, ", expected (..., ", gamma_.size(), ")");
  return x;
}

template <class T>
bool BatchNorm<T>::has_initial_statistics() const {
  this->check_usable();
  const auto all = [](const Tensor<Wide>& t, Wide value) {
    const std::vector<Wide> v = t.to_vector();
    return std::all_of(v.begin(), v.end(), [&](Wide e) { return e == value; });
  };
  return all(running_mean_.value(), 0) && all(running_variance_.value(), 1);
}

template <class T>
void BatchNorm<T>::update(const ops::BatchNormResult<T>& batch, index_t rows, double momentum) const {
  const KernelTable<Wide>& k = kernels<Wide>(gamma_.device());
  const index_t n = gamma_.size();
  Tensor<Wide> variance = batch.variance;
  if (options_.unbiased_running_variance)
    variance =
        ops::detail::unary_value(UnaryOp::affine, variance, static_cast<double>(rows) / static_cast<double>(rows - 1));
  k.ema(n, kernel_scalar<T>(momentum), batch.mean.data(), running_mean_.value().data(), Stream{});
  k.ema(n, kernel_scalar<T>(momentum), variance.data(), running_variance_.value().data(), Stream{});
  running_mean_.value().bump_version();
  running_variance_.value().bump_version();
}

template <class T>
OnnxValue BatchNorm<T>::export_to(OnnxGraph& graph, const OnnxValue& x) const {
  const Shape shape = output_shape(x.shape);
  check(shape.rank() == 2 || shape.rank() == 4, "batch_norm", "input ", shape, " has rank ", shape.rank(),
        ", expected 2 or 4 in a graph of ONNX operators");
  const std::string y =
      graph.add("BatchNormalization",
                {x.name, graph.constant("gamma", gamma_), graph.constant("beta", beta_),
                 graph.constant("moving_mean", running_mean_), graph.constant("moving_variance", running_variance_)},
                {{"epsilon", static_cast<float>(options_.epsilon)}});
  return {graph.activation(options_.activation, y), shape};
}

/// Epsilon, affine parameters and activation of a LayerNorm.
struct LayerNormOptions {
  double epsilon = 1e-3;  ///< Keras'; PyTorch's is 1e-5
  Activation activation = Activation::none;
};

/// y = activation(gamma (x - mean)/sqrt(variance + eps) + beta), statistics over the last axis of each row.
template <class T = float>
class LayerNorm : public Layer<T> {
  using Wide = typename Module<T>::Wide;

 public:
  /// Throws Error unless channels >= 1 and eps > 0.
  explicit LayerNorm(index_t channels, LayerNormOptions options = {});

  Variable<T> forward(const Variable<T>& x, const Pass&) override;
  Shape output_shape(const Shape& x) const override;
  OnnxValue export_to(OnnxGraph& graph, const OnnxValue& x) const override;
  std::string type() const override { return "layer_norm"; }
  std::string details() const override { return activation_text(options_.activation); }

 private:
  LayerNormOptions options_;
  Variable<T> gamma_, beta_;
};

template <class T>
LayerNorm<T>::LayerNorm(index_t channels, LayerNormOptions options) : options_(options) {
  check(channels >= 1, "layer_norm", channels, " channels, expected at least 1");
  check(options.epsilon > 0 && std::isfinite(options.epsilon), "layer_norm", "epsilon ", options.epsilon,
        ", expected above 0");
  gamma_ = this->add_parameter("gamma", Tensor<Wide>::full({channels}, 1));
  beta_ = this->add_parameter("beta", Tensor<Wide>::zeros({channels}));
}

template <class T>
Variable<T> LayerNorm<T>::forward(const Variable<T>& x, const Pass&) {
  return ops::layer_norm(x, gamma_, beta_, {kernel_scalar<T>(options_.epsilon), options_.activation});
}

template <class T>
Shape LayerNorm<T>::output_shape(const Shape& x) const {
  this->check_usable();
  check(x.rank() >= 2 && x[-1] == gamma_.size(), "layer_norm", "input ", x, ", expected (..., ", gamma_.size(), ")");
  return x;
}

template <class T>
OnnxValue LayerNorm<T>::export_to(OnnxGraph& graph, const OnnxValue& x) const {
  const Shape shape = output_shape(x.shape);
  const std::string y = graph.add(
      "LayerNormalization", {graph.channels_last(x), graph.constant("gamma", gamma_), graph.constant("beta", beta_)},
      {{"axis", -1}, {"epsilon", static_cast<float>(options_.epsilon)}});
  return {graph.activation(options_.activation, graph.channels_first(y, shape)), shape};
}

}  // namespace tinygan::nn
