// Embedding: a vector for each of a set of numbers, such as classes or tokens.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <tinygan/nn/module.hpp>
#include <tinygan/nn/onnx_graph.hpp>
#include <tinygan/ops/indexing.hpp>

namespace tinygan::nn {

/// Initialisation of an Embedding.
struct EmbeddingOptions {
  Initializer initializer = Initializer::normal(0, 1);
};

/// y(..,C) = rows of embedding(count,C) at the indices (..). A module of its own, as its input is a tensor of integers.
template <class T = float>
class Embedding : public Module<T> {
 public:
  /// Throws Error unless both sizes are at least 1.
  Embedding(index_t count, index_t width, EmbeddingOptions options = {}, Generator& random = default_generator());

  /// Throws Error like ops::take.
  Variable<T> operator()(const Tensor<std::int32_t>& index) const {
    this->check_usable();
    return ops::take(embedding_, index, 0);
  }
  /// Appends it to a graph of ONNX operators, for layers that use one: the value of the indices may have
  /// any type of numbers.
  OnnxValue export_to(OnnxGraph& graph, const OnnxValue& index) const;
  std::string type() const override { return "embedding"; }
  const Variable<T>& embedding() const { return embedding_; }

 private:
  Variable<T> embedding_;
};

template <class T>
Embedding<T>::Embedding(index_t count, index_t width, EmbeddingOptions options, Generator& random) {
  check(count >= 1 && width >= 1, "embedding", count, " vectors of ", width, " elements, expected at least 1 of each");
  embedding_ = this->add_parameter("embedding", {count, width}, options.initializer, {count, width}, random);
}

template <class T>
OnnxValue Embedding<T>::export_to(OnnxGraph& graph, const OnnxValue& index) const {
  this->check_usable();
  std::vector<index_t> extents(index.shape.begin(), index.shape.end());
  extents.push_back(embedding_.shape()[1]);
  const Shape shape(extents);
  constexpr std::int64_t to_int64 = 7;
  const std::string whole = graph.add("Cast", {index.name}, {{"to", to_int64}});
  const std::string rows = graph.add("Gather", {graph.constant("embedding", embedding_), whole});
  return {graph.channels_first(rows, shape), shape};
}

}  // namespace tinygan::nn
