// Gradients through chains of products and convolutions that end in activations, with values that are read more than once.
#include <tinygan/autograd/check_grads.hpp>
#include <tinygan/ops/conv.hpp>

#include "support/catch.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;
using V = Variable<double>;

namespace {

/// conv -> transposed conv -> conv to one channel -> dense, each ended by f; its first and last values are read twice.
V chain(Activation f, const std::vector<V>& w) {
  const ops::Fused<double> end{.activation = f};
  const ConvOptions half{2, 2, Padding::same()};
  const V a = ops::conv2d(w[0], w[1], half, end);
  const V b = ops::conv2d_transpose(a, w[2], half, end);
  const V c = ops::conv2d(b, w[3], ConvOptions{1, 1, Padding::same()}, end);
  const V d = ops::matmul(ops::matmul(ops::flatten(c), w[4], {}, end), w[5], {}, end);
  return ops::sum(ops::matmul(d, d, {false, true})) + ops::sum(ops::square(a)) +
         ops::sum(ops::conv2d_transpose(a, w[2], half));
}

}  // namespace

TEST_CASE("both orders of gradients through fused activations, against finite differences") {
  const Shape shapes[] = {{2, 4, 6, 3}, {3, 3, 3, 5}, {3, 3, 2, 5}, {3, 3, 2, 1}, {24, 7}, {7, 2}};
  std::vector<Tensor<double>> operands;  // scaled to where differences are good to 1e-6
  for (unsigned i = 0; i < 6; ++i)
    operands.push_back(ops::affine(V(random_tensor<double>(shapes[i], 20 + i)), 0.3, 0.0).value());
  for (const Activation f : {Activation::sigmoid, Activation::tanh})
    REQUIRE_NOTHROW(check_grads<double>([f](const std::vector<V>& w) { return chain(f, w); }, operands, {.order = 2}));
}
