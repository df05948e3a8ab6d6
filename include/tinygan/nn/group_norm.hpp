// GroupNorm and InstanceNorm: statistics of each image by itself.
#pragma once

#include <cmath>

#include <tinygan/nn/layer.hpp>
#include <tinygan/ops/normalisation.hpp>

namespace tinygan::nn {

/// Epsilon and affine parameters of GroupNorm and InstanceNorm.
struct GroupNormOptions {
  double epsilon = 1e-5;
  bool affine = true;  ///< gamma and beta
};

/// y = gamma (x - mean)/sqrt(variance + eps) + beta for x(N,..,C): statistics over all positions and the C / groups
/// channels of a group, of each image; gamma and beta for each channel.
/// Source: Wu, He, "Group Normalization", 2018.
template <class T = float>
class GroupNorm : public Layer<T> {
  using Wide = typename Module<T>::Wide;

 public:
  /// Throws Error unless groups >= 1 divides channels, and eps > 0.
  GroupNorm(index_t groups, index_t channels, GroupNormOptions options = {});

  Variable<T> forward(const Variable<T>& x, const Pass&) override;
  Shape output_shape(const Shape& x) const override;
  std::string type() const override { return "group_norm"; }
  std::string details() const override { return text(groups_, " groups"); }

 private:
  index_t groups_, channels_;
  GroupNormOptions options_;
  Variable<T> gamma_, beta_;
};

/// Group norm with one channel in a group. Source: Ulyanov, Vedaldi, Lempitsky, "Instance Normalization", 2016.
template <class T = float>
class InstanceNorm : public GroupNorm<T> {
 public:
  explicit InstanceNorm(index_t channels, GroupNormOptions options = GroupNormOptions{.affine = false})
      : GroupNorm<T>(channels, channels, options) {}
  std::string type() const override { return "instance_norm"; }
  std::string details() const override { return {}; }
};

template <class T>
GroupNorm<T>::GroupNorm(index_t groups, index_t channels, GroupNormOptions options)
    : groups_(groups), channels_(channels), options_(options) {
  check(groups >= 1 && channels >= 1 && channels % groups == 0, "group_norm", groups, " groups of ", channels,
        " channels, expected a divisor of them");
  check(options.epsilon > 0 && std::isfinite(options.epsilon), "group_norm", "epsilon ", options.epsilon,
        ", expected above 0");
  if (!options.affine) return;
  gamma_ = this->add_parameter("gamma", Tensor<Wide>::full({channels}, 1));
  beta_ = this->add_parameter("beta", Tensor<Wide>::zeros({channels}));
}

template <class T>
Variable<T> GroupNorm<T>::forward(const Variable<T>& x, const Pass&) {
  output_shape(x.shape());
  // A row for each image and group, which layer_norm normalises.
  const index_t N = x.shape()[0], size = channels_ / groups_, positions = x.size() / (N * channels_);
  const Variable<T> by_group = ops::permute(ops::reshape(x, {N, positions, groups_, size}), {0, 2, 1, 3});
  const Shape row{positions * size};
  const Variable<T> one(Tensor<T>::full(row, T(1), x.device())), zero(Tensor<T>::zeros(row, x.device()));
  const Variable<T> rows = ops::layer_norm(ops::reshape(by_group, {N * groups_, positions * size}), one, zero,
                                           {kernel_scalar<T>(options_.epsilon), Activation::none});
  const Variable<T> y = ops::permute(ops::reshape(rows, {N, groups_, positions, size}), {0, 2, 1, 3});
  const Variable<T> normalised = ops::reshape(y, x.shape());
  return options_.affine ? normalised * gamma_ + beta_ : normalised;
}

template <class T>
Shape GroupNorm<T>::output_shape(const Shape& x) const {
  this->check_usable();
  check(x.rank() >= 2 && x[-1] == channels_, this->type(), "input ", x, ", expected (N, .., ", channels_, ")");
  check(x.size() > x[0] * groups_, this->type(), "input ", x, " has one value in a group, statistics need at least 2");
  return x;
}

}  // namespace tinygan::nn
