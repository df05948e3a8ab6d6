// Multi-head attention.
#pragma once

#include <cmath>
#include <vector>

#include <tinygan/nn/dense.hpp>
#include <tinygan/ops/batched_matmul.hpp>
#include <tinygan/ops/compare.hpp>
#include <tinygan/ops/dropout.hpp>
#include <tinygan/ops/softmax.hpp>

namespace tinygan::nn {

/// Masking, dropout and biases of MultiHeadAttention.
struct AttentionOptions {
  bool causal = false;  ///< position i attends to positions 0 to i only
  double dropout = 0;   ///< of the attention weights, in training
  bool bias = true;     ///< of the four projections
};

/// y(N,L,C): queries, keys and values are dense projections of x(N,L,C), cut into `heads` heads of D = C / heads;
///   head = softmax(Q K^T / sqrt(D)) V,  y = concat(heads) W + b.
/// Source: Vaswani et al., "Attention Is All You Need", 2017, section 3.2.
template <class T = float>
class MultiHeadAttention : public Layer<T> {
 public:
  /// Throws Error unless heads >= 1 divides width, and 0 <= dropout < 1.
  MultiHeadAttention(index_t width, index_t heads, AttentionOptions options = {},
                     Generator& random = default_generator());

  /// Self-attention.
  Variable<T> forward(const Variable<T>& x, const Pass& pass) override { return attend(x, x, pass); }
  /// Queries from x(N,L,C), keys and values from memory(N,M,C). Throws Error on another shape; of a causal layer unless
  /// L = M.
  Variable<T> attend(const Variable<T>& x, const Variable<T>& memory, const Pass& pass);

  Shape output_shape(const Shape& x) const override;
  /// Of forward(), self-attention.
  OnnxValue export_to(OnnxGraph& graph, const OnnxValue& x) const override;
  std::string type() const override { return "multi_head_attention"; }
  std::string details() const override { return text(heads_, " heads", options_.causal ? ", causal" : ""); }

 private:
  /// (N,L,C) to (N,heads,L,D).
  Variable<T> heads_of(const Variable<T>& x) const;
  /// (L,L): 1 where the column is a later position than the row. Kept from call to call.
  Tensor<T> future(index_t length, Device device);

  index_t width_, heads_;
  AttentionOptions options_;
  Dense<T>*query_, *key_, *value_, *output_;  // child modules
  Tensor<T> future_;
};

template <class T>
MultiHeadAttention<T>::MultiHeadAttention(index_t width, index_t heads, AttentionOptions options, Generator& random)
    : width_(width), heads_(heads), options_(options) {
  check(width >= 1 && heads >= 1 && width % heads == 0, "multi_head_attention", heads, " heads of width ", width,
        ", expected a divisor of the width");
  check(options.dropout >= 0 && options.dropout < 1, "multi_head_attention", "dropout ", options.dropout,
        ", expected at least 0 and below 1");
  const auto projection = [&](const char* name) {
    return &this->add_module(name, Dense<T>(width, width, {.bias = options.bias}, random));
  };
  query_ = projection("query");
  key_ = projection("key");
  value_ = projection("value");
  output_ = projection("output");
}

template <class T>
Variable<T> MultiHeadAttention<T>::heads_of(const Variable<T>& x) const {
  const Shape& s = x.shape();
  return ops::permute(ops::reshape(x, {s[0], s[1], heads_, width_ / heads_}), {0, 2, 1, 3});
}

template <class T>
Tensor<T> MultiHeadAttention<T>::future(index_t length, Device device) {
  const Shape shape{length, length};
  if (future_.defined() && future_.shape() == shape && future_.device() == device) return future_;
  std::vector<T> mask(static_cast<std::size_t>(shape.size()), T(0));
  for (index_t row = 0; row < length; ++row)
    for (index_t column = row + 1; column < length; ++column)
      mask[static_cast<std::size_t>(row * length + column)] = T(1);
  return future_ = Tensor<T>::from(mask, shape, device);
}

template <class T>
Variable<T> MultiHeadAttention<T>::attend(const Variable<T>& x, const Variable<T>& memory, const Pass& pass) {
  output_shape(x.shape());
  check(output_shape(memory.shape())[0] == x.shape()[0], this->type(), "memory ", memory.shape(), " for input ",
        x.shape(), ", expected as many sequences");
  const index_t length = x.shape()[1], head_width = width_ / heads_;
  const Variable<T> q = heads_of((*query_)(x, pass)), k = heads_of((*key_)(memory, pass)),
                    v = heads_of((*value_)(memory, pass));
  Variable<T> scores = ops::batched_matmul(q, k, {.trans_b = true}) *
                       (1 / std::sqrt(static_cast<double>(head_width)));  // (N, heads, L, M)
  if (options_.causal) {
    check(memory.shape()[1] == length, this->type(), "memory ", memory.shape(), " for a causal input ", x.shape(),
          ", expected the same length");
    scores = ops::where(Variable<T>(future(length, x.device())), Tensor<T>::scalar(T(-1e30f), x.device()), scores);
  }
  Variable<T> weights = ops::softmax(scores);
  if (pass.training && options_.dropout > 0)
    weights = ops::dropout(weights, options_.dropout, pass.generator("multi_head_attention", x.device()));
  const Variable<T> heads = ops::permute(ops::batched_matmul(weights, v), {0, 2, 1, 3});  // (N, L, heads, D)
  return (*output_)(ops::reshape(heads, x.shape()), pass);
}

template <class T>
Shape MultiHeadAttention<T>::output_shape(const Shape& x) const {
  this->check_usable();
  check(x.rank() == 3 && x[2] == width_, this->type(), "input ", x, ", expected (N, L, ", width_, ")");
  return x;
}

template <class T>
OnnxValue MultiHeadAttention<T>::export_to(OnnxGraph& graph, const OnnxValue& x) const {
  const Shape shape = output_shape(x.shape);
  const index_t length = shape[1], head_width = width_ / heads_;
  const auto projected = [&](const char* name, const Dense<T>& projection, const OnnxValue& from) {
    const OnnxGraph::Scope scope(graph, name);
    return projection.export_to(graph, from).name;
  };
  const auto heads_of_value = [&](const char* name, const Dense<T>& projection, OnnxInts perm) {
    const std::string cut = graph.add(
        "Reshape", {projected(name, projection, x), graph.constant("heads", OnnxInts{0, 0, heads_, head_width})});
    return graph.add("Transpose", {cut}, {{"perm", std::move(perm)}});
  };
  const std::string q = heads_of_value("query", *query_, {0, 2, 1, 3}), k = heads_of_value("key", *key_, {0, 2, 3, 1}),
                    v = heads_of_value("value", *value_, {0, 2, 1, 3});
  std::string scores = graph.add(
      "Mul", {graph.add("MatMul", {q, k}), graph.constant("scale", 1 / std::sqrt(static_cast<double>(head_width)))});
  if (options_.causal) {
    std::vector<float> later(static_cast<std::size_t>(length * length), 0.0f);  // added: no score has a digit of 1e30
    for (index_t row = 0; row < length; ++row)
      for (index_t column = row + 1; column < length; ++column)
        later[static_cast<std::size_t>(row * length + column)] = -1e30f;
    scores = graph.add("Add", {scores, graph.constant("later", {length, length}, later)});
  }
  const std::string weights = graph.add("Softmax", {scores}, {{"axis", -1}});
  const std::string heads =
      graph.add("Transpose", {graph.add("MatMul", {weights, v})}, {{"perm", OnnxInts{0, 2, 1, 3}}});
  const std::string joined = graph.add("Reshape", {heads, graph.constant("width", OnnxInts{0, 0, width_})});
  return {projected("output", *output_, {joined, shape}), shape};
}

}  // namespace tinygan::nn
