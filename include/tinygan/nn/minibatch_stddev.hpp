// Minibatch standard deviation: a channel that shows a discriminator how much the images of a batch vary.
#pragma once

#include <algorithm>

#include <tinygan/nn/layer.hpp>
#include <tinygan/ops/cast.hpp>
#include <tinygan/ops/norms.hpp>

namespace tinygan::nn {

/// x(N,...,C) with one more channel, y(N,...,C+1), constant within a sample: the mean over features f of
/// (variance of x[.,f] over the sample's group + 1e-8)^(1/2). Groups have g = min(group, N) samples, N/g apart; the
/// variance is the biased one. The same in training and inference: a sample's result depends on its group.
/// Source: Karras, Aila, Laine, Lehtinen, "Progressive Growing of GANs", 2018, section 3; groups as in its code.
template <class T = float>
class MinibatchStddev : public Layer<T> {
  using Wide = typename Module<T>::Wide;

 public:
  /// Throws Error unless group >= 2.
  explicit MinibatchStddev(index_t group = 4);

  Variable<T> forward(const Variable<T>& x, const Pass&) override;
  /// Throws Error on rank below 2, and unless N is at most `group` or a multiple of it.
  Shape output_shape(const Shape& x) const override;
  OnnxValue export_to(OnnxGraph& graph, const OnnxValue& x) const override;
  std::string type() const override { return "minibatch_stddev"; }
  std::string details() const override { return text("groups of ", group_); }

 private:
  index_t group_;
};

template <class T>
MinibatchStddev<T>::MinibatchStddev(index_t group) : group_(group) {
  check(group >= 2, "minibatch_stddev", "groups of ", group, ", expected at least 2");
}

template <class T>
Variable<T> MinibatchStddev<T>::forward(const Variable<T>& x, const Pass&) {
  output_shape(x.shape());
  const index_t N = x.shape()[0], g = std::min(group_, N), groups = N / g, features = x.size() / N;
  const Variable<Wide> grouped = ops::reshape(cast<Wide>(x), {g, groups, features});
  const Variable<Wide> variance = ops::mean(ops::square(grouped - ops::mean(grouped, 0, true)), 0, true);
  const Variable<Wide> stddev = ops::mean(ops::sqrt(variance + 1e-8), 2, true);  // (1, groups, 1)
  const Shape channel = x.shape().with(-1, 1);
  const Variable<Wide> spread = ops::broadcast_to(stddev, {g, groups, channel.size() / N});
  return ops::concat<T>({x, cast<T>(ops::reshape(spread, channel))}, -1);
}

template <class T>
Shape MinibatchStddev<T>::output_shape(const Shape& x) const {
  this->check_usable();
  check(x.rank() >= 2, "minibatch_stddev", "input ", x, " has rank ", x.rank(), ", expected at least 2");
  check(x[0] <= group_ || x[0] % group_ == 0, "minibatch_stddev", "a batch of ", x[0], ", expected at most ", group_,
        " or a multiple of it");
  return x.with(-1, x[-1] + 1);
}

template <class T>
OnnxValue MinibatchStddev<T>::export_to(OnnxGraph& graph, const OnnxValue& x) const {
  const Shape shape = output_shape(x.shape), channel = shape.with(-1, 1);
  const index_t features = x.shape.size() / x.shape[0], pixels = channel.size() / x.shape[0];
  const auto mean = [&](const std::string& of, index_t axis) {
    return graph.add("ReduceMean", {of}, {{"axes", OnnxInts{axis}}, {"keepdims", 1}});
  };
  // g = min(group, N) is known only when the graph runs. The order of the features does not matter.
  const std::string N = graph.add("Shape", {x.name}, {{"start", 0}, {"end", 1}});
  const std::string g = graph.add("Min", {N, graph.constant("group", OnnxInts{group_})});
  const std::string extents =
      graph.add("Concat", {g, graph.constant("groups_features", OnnxInts{-1, features})}, {{"axis", 0}});
  const std::string grouped = graph.add("Reshape", {x.name, extents});  // (g, groups, features)
  const std::string centred = graph.add("Sub", {grouped, mean(grouped, 0)});
  const std::string variance = mean(graph.add("Mul", {centred, centred}), 0);
  const std::string stddev = graph.add("Sqrt", {graph.add("Add", {variance, graph.constant("epsilon", 1e-8)})});
  const std::string copies = graph.add("Concat", {g, graph.constant("pixels", OnnxInts{1, pixels})}, {{"axis", 0}});
  const std::string spread = graph.add("Expand", {mean(stddev, 2), copies});  // (g, groups, pixels)
  return {graph.add("Concat", {x.name, graph.reshaped(spread, channel)}, {{"axis", x.shape.rank() == 4 ? 1 : -1}}),
          shape};
}

}  // namespace tinygan::nn
