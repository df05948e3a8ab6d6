// Embedding: a vector for each of a set of numbers, such as classes or tokens.
#pragma once

#include <tinygan/nn/module.hpp>
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

}  // namespace tinygan::nn
