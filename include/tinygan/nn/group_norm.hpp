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
  OnnxValue export_to(OnnxGraph& graph, const OnnxValue& x) const override;
  std::string type() const override { return "group_norm"; }
  std::string details() const override { return text(groups_, " groups"); }

 private:
  /// Makes one_ and zero_ rows of that size, unless they are.
  void use_rows_of(index_t size, Device device);

  index_t groups_, channels_;
  GroupNormOptions options_;
  Variable<T> gamma_, beta_;
  Tensor<T> one_, zero_;  // of a row of a group, for layer_norm; kept from call to call
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
void GroupNorm<T>::use_rows_of(index_t size, Device device) {
  if (one_.defined() && one_.size() == size && one_.device() == device) return;
  one_ = Tensor<T>::full({size}, T(1), device);
  zero_ = Tensor<T>::zeros({size}, device);
}

template <class T>
Variable<T> GroupNorm<T>::forward(const Variable<T>& x, const Pass&) {
  output_shape(x.shape());
  // A row for each image and group, which layer_norm normalises.
  const index_t N = x.shape()[0], size = channels_ / groups_, positions = x.size() / (N * channels_);
  const Variable<T> by_group = ops::permute(ops::reshape(x, {N, positions, groups_, size}), {0, 2, 1, 3});
  use_rows_of(positions * size, x.device());
  const Variable<T> rows = ops::layer_norm(ops::reshape(by_group, {N * groups_, positions * size}), Variable<T>(one_),
                                           Variable<T>(zero_), {kernel_scalar<T>(options_.epsilon), Activation::none});
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

/// Of an older operator, InstanceNormalization of the groups: GroupNormalization is one since opset 18.
template <class T>
OnnxValue GroupNorm<T>::export_to(OnnxGraph& graph, const OnnxValue& x) const {
  const Shape shape = output_shape(x.shape);
  const int rank = shape.rank();
  const bool images = rank == 4;  // channels first in the graph; others are turned here
  OnnxInts to_front{0, rank - 1}, to_back{0};
  for (int axis = 1; axis + 1 < rank; ++axis) to_front.push_back(axis), to_back.push_back(axis + 1);
  to_back.push_back(1);
  std::string y = images || rank == 2 ? x.name : graph.add("Transpose", {x.name}, {{"perm", to_front}});
  const std::vector<float> ones(static_cast<std::size_t>(groups_), 1.0f), zeros(ones.size(), 0.0f);
  y = graph.add("Reshape", {y, graph.constant("groups", OnnxInts{0, groups_, -1})});
  y = graph.add("InstanceNormalization",
                {y, graph.constant("one", {groups_}, ones), graph.constant("zero", {groups_}, zeros)},
                {{"epsilon", static_cast<float>(options_.epsilon)}});
  OnnxInts dims{0, channels_};
  if (images) dims = {0, channels_, shape[1], shape[2]};
  else
    for (int axis = 1; axis + 1 < rank; ++axis) dims.push_back(shape[axis]);
  y = graph.add("Reshape", {y, graph.constant("shape", dims)});
  if (!images && rank > 2) y = graph.add("Transpose", {y}, {{"perm", to_back}});
  if (options_.affine) {
    const Shape per_channel = images ? Shape{channels_, 1, 1} : Shape{channels_};
    y = graph.add("Mul", {y, graph.constant("gamma", gamma_, per_channel)});
    y = graph.add("Add", {y, graph.constant("beta", beta_, per_channel)});
  }
  return {y, shape};
}

}  // namespace tinygan::nn
