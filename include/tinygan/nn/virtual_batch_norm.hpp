// Virtual batch normalisation: statistics of a fixed reference batch and of the sample itself.
#pragma once

#include <cmath>

#include <tinygan/nn/layer.hpp>
#include <tinygan/ops/cast.hpp>
#include <tinygan/ops/norms.hpp>

namespace tinygan::nn {

/// (N,C) to (R+N,C): the rows of a fixed reference batch, then x. The reference is a buffer, and so is saved. With
/// VirtualBatchNorm layers of the same R behind it and DropReference at the end, a model computes every sample beside
/// the reference batch.
template <class T = float>
class AddReference : public Layer<T> {
  using Wide = typename Module<T>::Wide;

 public:
  /// Throws Error unless the reference is (R,C).
  explicit AddReference(Tensor<Wide> reference);

  Variable<T> forward(const Variable<T>& x, const Pass&) override;
  Shape output_shape(const Shape& x) const override;
  OnnxValue export_to(OnnxGraph& graph, const OnnxValue& x) const override;
  std::string type() const override { return "add_reference"; }
  std::string details() const override { return text(reference_.shape()[0], " rows"); }

 private:
  Variable<Wide> reference_;
};

/// (R+N, ...) to (N, ...): the samples behind the reference batch.
template <class T = float>
class DropReference : public Layer<T> {
 public:
  /// Throws Error unless rows >= 1.
  explicit DropReference(index_t rows);

  Variable<T> forward(const Variable<T>& x, const Pass&) override;
  Shape output_shape(const Shape& x) const override;
  OnnxValue export_to(OnnxGraph& graph, const OnnxValue& x) const override;
  std::string type() const override { return "drop_reference"; }
  std::string details() const override { return text(rows_, " rows"); }

 private:
  index_t rows_;
};

/// Epsilon and activation of VirtualBatchNorm.
struct VirtualBatchNormOptions {
  double epsilon = 1e-3;
  Activation activation = Activation::none;
};

/// y = activation(gamma (x - mean)/sqrt(variance + eps) + beta) over the last axis of x(R+N,C) or (R+N,H,W,C). The
/// first R samples are the reference batch, normalised by its statistics m_r and v_r. A sample i behind them has the
/// statistics of the reference batch and itself, a = 1/(R+1):
///   mean = a m_i + (1-a) m_r,   variance = a v_i + (1-a) v_r + a (1-a) (m_i - m_r)^2
/// with m_i and v_i over its pixels. So a sample's result does not depend on the others of its batch, in training as in
/// inference, and there are no running statistics. Computed in fp32 where T is bfloat16.
/// Source: Salimans, Goodfellow, Zaremba, Cheung, Radford, Chen, "Improved Techniques for Training GANs", 2016,
/// section 3.4.
template <class T = float>
class VirtualBatchNorm : public Layer<T> {
  using Wide = typename Module<T>::Wide;

 public:
  /// Throws Error unless channels >= 1, reference_rows >= 1 and eps > 0.
  VirtualBatchNorm(index_t channels, index_t reference_rows, VirtualBatchNormOptions options = {});

  Variable<T> forward(const Variable<T>& x, const Pass&) override;
  Shape output_shape(const Shape& x) const override;
  OnnxValue export_to(OnnxGraph& graph, const OnnxValue& x) const override;
  std::string type() const override { return "virtual_batch_norm"; }
  std::string details() const override { return activation_text(options_.activation); }

 private:
  index_t rows_;
  VirtualBatchNormOptions options_;
  Variable<T> gamma_, beta_;
};

template <class T>
AddReference<T>::AddReference(Tensor<Wide> reference) {
  check(reference.defined() && reference.rank() == 2, "add_reference", "reference ",
        reference.defined() ? text(reference.shape()) : "without a value", ", expected (R,C)");
  reference_ = this->add_buffer("reference", std::move(reference));
}

template <class T>
Variable<T> AddReference<T>::forward(const Variable<T>& x, const Pass&) {
  output_shape(x.shape());
  return ops::concat<T>({cast<T>(reference_), x}, 0);
}

template <class T>
Shape AddReference<T>::output_shape(const Shape& x) const {
  this->check_usable();
  const Shape& reference = reference_.shape();
  check(x.rank() == 2 && x[1] == reference[1], "add_reference", "input ", x, ", expected (N, ", reference[1], ")");
  return {reference[0] + x[0], x[1]};
}

template <class T>
OnnxValue AddReference<T>::export_to(OnnxGraph& graph, const OnnxValue& x) const {
  return {graph.add("Concat", {graph.constant("reference", reference_), x.name}, {{"axis", 0}}), output_shape(x.shape)};
}

template <class T>
DropReference<T>::DropReference(index_t rows) : rows_(rows) {
  check(rows >= 1, "drop_reference", rows, " rows, expected at least 1");
}

template <class T>
Variable<T> DropReference<T>::forward(const Variable<T>& x, const Pass&) {
  output_shape(x.shape());
  return ops::slice(x, 0, rows_, x.shape()[0]);
}

template <class T>
Shape DropReference<T>::output_shape(const Shape& x) const {
  this->check_usable();
  check(x.rank() >= 1 && x[0] > rows_, "drop_reference", "input ", x, ", expected more than the ", rows_,
        " rows of the reference batch");
  return x.with(0, x[0] - rows_);
}

template <class T>
OnnxValue DropReference<T>::export_to(OnnxGraph& graph, const OnnxValue& x) const {
  const Shape shape = output_shape(x.shape);
  return {graph.samples(x.name, rows_), shape};
}

template <class T>
VirtualBatchNorm<T>::VirtualBatchNorm(index_t channels, index_t reference_rows, VirtualBatchNormOptions options)
    : rows_(reference_rows), options_(options) {
  check(channels >= 1, "virtual_batch_norm", channels, " channels, expected at least 1");
  check(reference_rows >= 1, "virtual_batch_norm", "a reference batch of ", reference_rows, ", expected at least 1");
  check(options.epsilon > 0 && std::isfinite(options.epsilon), "virtual_batch_norm", "epsilon ", options.epsilon,
        ", expected above 0");
  gamma_ = this->add_parameter("gamma", Tensor<Wide>::full({channels}, 1));
  beta_ = this->add_parameter("beta", Tensor<Wide>::zeros({channels}));
}

template <class T>
Variable<T> VirtualBatchNorm<T>::forward(const Variable<T>& x, const Pass&) {
  output_shape(x.shape());
  const index_t all = x.shape()[0], channels = gamma_.size();
  const Variable<Wide> pixels = ops::reshape(cast<Wide>(x), {all, x.size() / (all * channels), channels});
  const Variable<Wide> gamma = cast<Wide>(gamma_), beta = cast<Wide>(beta_);
  const auto normalise = [&](const Variable<Wide>& centred, const Variable<Wide>& variance) {
    return centred * (gamma / ops::sqrt(variance + options_.epsilon)) + beta;
  };
  // Of the reference batch, (1,1,C); of each sample, (N,1,C).
  const Variable<Wide> reference = ops::slice(pixels, 0, 0, rows_), samples = ops::slice(pixels, 0, rows_, all);
  const Variable<Wide> m_r = ops::mean(reference, {0, 1}, true), centred_r = reference - m_r;
  const Variable<Wide> v_r = ops::mean(ops::square(centred_r), {0, 1}, true);
  const Variable<Wide> m_i = ops::mean(samples, 1, true), v_i = ops::mean(ops::square(samples - m_i), 1, true);
  const double a = 1 / static_cast<double>(rows_ + 1);
  const Variable<Wide> mean = m_i * a + m_r * (1 - a);
  const Variable<Wide> variance = v_i * a + v_r * (1 - a) + ops::square(m_i - m_r) * (a * (1 - a));
  const Variable<Wide> y = ops::concat<Wide>({normalise(centred_r, v_r), normalise(samples - mean, variance)}, 0);
  return cast<T>(ops::activation(options_.activation, ops::reshape(y, x.shape())));
}

template <class T>
Shape VirtualBatchNorm<T>::output_shape(const Shape& x) const {
  this->check_usable();
  check(x.rank() >= 2 && x[-1] == gamma_.size(), "virtual_batch_norm", "input ", x, ", expected (..., ", gamma_.size(),
        ")");
  check(x[0] > rows_, "virtual_batch_norm", "input ", x, ", expected more than the ", rows_,
        " samples of the reference batch");
  return x;
}

template <class T>
OnnxValue VirtualBatchNorm<T>::export_to(OnnxGraph& graph, const OnnxValue& x) const {
  const Shape shape = output_shape(x.shape);
  const index_t channels = gamma_.size();
  const auto add = [&](const std::string& a, const std::string& b) { return graph.add("Add", {a, b}); };
  const auto sub = [&](const std::string& a, const std::string& b) { return graph.add("Sub", {a, b}); };
  const auto mul = [&](const std::string& a, const std::string& b) { return graph.add("Mul", {a, b}); };
  const auto mean = [&](const std::string& of, const OnnxInts& axes) {
    return graph.add("ReduceMean", {of}, {{"axes", axes}, {"keepdims", 1}});
  };
  const std::string gamma = graph.constant("gamma", gamma_, {1, channels, 1}),
                    beta = graph.constant("beta", beta_, {1, channels, 1}),
                    epsilon = graph.constant("epsilon", options_.epsilon);
  const auto normalise = [&](const std::string& centred, const std::string& variance) {
    return add(mul(centred, graph.add("Div", {gamma, graph.add("Sqrt", {add(variance, epsilon)})})), beta);
  };
  // As in forward(), with pixels (R+N, C, H*W). The graph computes the reference batch's statistics in every call.
  const index_t count = shape.size() / (shape[0] * channels);
  const std::string pixels = graph.add("Reshape", {x.name, graph.constant("pixels", OnnxInts{-1, channels, count})});
  const std::string reference = graph.samples(pixels, 0, rows_), samples = graph.samples(pixels, rows_);
  const std::string m_r = mean(reference, {0, 2}), centred_r = sub(reference, m_r);
  const std::string v_r = mean(mul(centred_r, centred_r), {0, 2});
  const std::string m_i = mean(samples, {2}), centred_i = sub(samples, m_i), v_i = mean(mul(centred_i, centred_i), {2});
  const double a = 1 / static_cast<double>(rows_ + 1);
  const std::string of_sample = graph.constant("sample", a), of_reference = graph.constant("rest", 1 - a),
                    of_both = graph.constant("both", a * (1 - a)), apart = sub(m_i, m_r);
  const std::string m = add(mul(m_i, of_sample), mul(m_r, of_reference));
  const std::string v = add(add(mul(v_i, of_sample), mul(v_r, of_reference)), mul(mul(apart, apart), of_both));
  const std::string y = graph.add("Concat", {normalise(centred_r, v_r), normalise(sub(samples, m), v)}, {{"axis", 0}});
  OnnxInts dims = onnx_sample_dims(shape);
  dims.insert(dims.begin(), -1);
  return {graph.activation(options_.activation, graph.add("Reshape", {y, graph.constant("shape", dims)})), shape};
}

}  // namespace tinygan::nn
