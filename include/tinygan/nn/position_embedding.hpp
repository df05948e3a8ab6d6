// PositionEmbedding: a trained vector for each position of a sequence.
#pragma once

#include <tinygan/nn/layer.hpp>
#include <tinygan/ops/shape.hpp>

namespace tinygan::nn {

/// What a PositionEmbedding is told beside its sizes.
struct PositionEmbeddingOptions {
  Initializer initializer = Initializer::normal(0, 0.02);  ///< BERT's and GPT's
};

/// y(N,L,C) = x(N,L,C) + embedding(0:L, C), L at most `length`. Source: Gehring et al., "Convolutional Sequence to
/// Sequence Learning", 2017, section 3.1.
template <class T = float>
class PositionEmbedding : public Layer<T> {
 public:
  /// Throws Error unless both sizes are at least 1.
  PositionEmbedding(index_t length, index_t width, PositionEmbeddingOptions options = {},
                    Generator& random = default_generator());

  Variable<T> forward(const Variable<T>& x, const Pass&) override {
    return x + ops::slice(embedding_, 0, 0, output_shape(x.shape())[1]);
  }
  Shape output_shape(const Shape& x) const override;
  OnnxValue export_to(OnnxGraph& graph, const OnnxValue& x) const override;
  std::string type() const override { return "position_embedding"; }
  const Variable<T>& embedding() const { return embedding_; }

 private:
  Variable<T> embedding_;
};

template <class T>
PositionEmbedding<T>::PositionEmbedding(index_t length, index_t width, PositionEmbeddingOptions options,
                                        Generator& random) {
  check(length >= 1 && width >= 1, "position_embedding", length, " positions of width ", width,
        ", expected at least 1 of each");
  embedding_ = this->add_parameter("embedding", {length, width}, options.initializer, {length, width}, random);
}

template <class T>
Shape PositionEmbedding<T>::output_shape(const Shape& x) const {
  this->check_usable();
  const Shape& e = embedding_.shape();
  check(x.rank() == 3 && x[1] <= e[0] && x[2] == e[1], "position_embedding", "input ", x, ", expected (N, L, ", e[1],
        ") of at most ", e[0], " positions");
  return x;
}

template <class T>
OnnxValue PositionEmbedding<T>::export_to(OnnxGraph& graph, const OnnxValue& x) const {
  const Shape shape = output_shape(x.shape);
  const Variable<T> used = ops::slice(embedding_, 0, 0, shape[1]);
  return {graph.add("Add", {x.name, graph.constant("embedding", used)}), shape};
}

}  // namespace tinygan::nn
