// PositionEmbedding against its definition, on sequences shorter than it knows, and what it refuses.
#include <tinygan/nn/position_embedding.hpp>

#include <tinygan/autograd/check_grads.hpp>

#include "support/check_ops.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;

TEST_CASE("PositionEmbedding adds to each position its row") {
  for (const Device device : devices())
    for (const index_t length : {1, 3, 5}) {
      CAPTURE(text(device), length);
      Generator random(1);
      nn::PositionEmbedding layer(5, 4, {}, random);
      const Array rows = array(layer.embedding());
      layer.to(device);
      const Variable<float> x(random_tensor<float>({2, length, 4}, 1).to(device));
      const std::vector<float> from = x.value().to_vector(), to = layer(x).value().to_vector();
      for (std::size_t i = 0; i < from.size(); ++i) {
        const std::size_t in_sequence = i % static_cast<std::size_t>(length * 4);
        CHECK(to[i] == from[i] + static_cast<float>(rows[in_sequence]));
      }
      CHECK(layer.output_shape(x.shape()) == x.shape());
    }
}

TEST_CASE("PositionEmbedding: gradients, zero for positions without an input") {
  Generator random(1);
  nn::PositionEmbedding<double> layer(5, 4, {}, random);
  REQUIRE_NOTHROW(check_grads<double>([&](const auto& x) { return ops::square(layer(x[0])); },
                                      {random_tensor<double>({2, 3, 4}, 1)}, {.order = 2}));
  const Variable<double> x(random_tensor<double>({2, 3, 4}, 1));
  const Array gradient = array(grad(ops::sum(layer(x)), {layer.embedding()})[0]);
  for (std::size_t i = 0; i < gradient.size(); ++i) CHECK(gradient[i] == (i < 3 * 4 ? 2 : 0));
}

TEST_CASE("PositionEmbedding names what does not fit") {
  CHECK(error_of([] { nn::PositionEmbedding(0, 4); }) ==
        "position_embedding: 0 positions of width 4, expected at least 1 of each");
  const nn::PositionEmbedding layer(5, 4);
  const std::string expected = ", expected (N, L, 4) of at most 5 positions";
  CHECK(error_of([&] { layer.output_shape({2, 6, 4}); }) == "position_embedding: input (2, 6, 4)" + expected);
  CHECK(error_of([&] { layer.output_shape({2, 5, 3}); }) == "position_embedding: input (2, 5, 3)" + expected);
  CHECK(error_of([&] { layer.output_shape({2, 4}); }) == "position_embedding: input (2, 4)" + expected);
}
