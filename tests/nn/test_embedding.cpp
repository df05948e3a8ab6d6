#include <tinygan/nn/embedding.hpp>

#include <tinygan/ops/pointwise.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;
using Tokens = Tensor<std::int32_t>;

TEST_CASE("Embedding: a row for each index, which its gradient reaches as often as it is named") {
  nn::Embedding<double> layer(3, 2);
  layer.embedding().set_value(Tensor<double>::from({1, 2, 3, 4, 5, 6}, {3, 2}));
  const Tokens tokens = Tokens::from({2, 0, 2, 2}, {2, 2});
  const Variable<double> y = layer(tokens);
  CHECK(y.shape() == Shape{2, 2, 2});
  CHECK(array(y) == Array{5, 6, 1, 2, 5, 6, 5, 6});
  CHECK(array(grad(ops::sum(y), {layer.embedding()})[0]) == Array{1, 1, 0, 0, 3, 3});
  CHECK(layer.parameter_count() == 6);
  CHECK(layer.named_parameters()[0].name == "embedding");
  CHECK(error_of([&] { layer(Tokens::from({3}, {1})); }) == "take: index 3 at element 0 of (1,), expected 0 to 2");
  CHECK(error_of([] { nn::Embedding<float>(0, 2); }) ==
        "embedding: 0 vectors of 2 elements, expected at least 1 of each");
}
