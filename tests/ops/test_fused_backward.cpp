// Going back through an activation in the epilogue of the kernel that computes the cotangent: the same gradients as in a pass of
// its own, and only where nobody else looks at that cotangent.
#include <tinygan/autograd/check_grads.hpp>
#include <tinygan/ops/conv.hpp>

#include "support/catch.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;
using V = Variable<double>;

namespace {

constexpr Activation activations[] = {Activation::none, Activation::relu, Activation::leaky_relu, Activation::sigmoid,
                                      Activation::tanh};

/// conv -> transposed conv -> conv to one channel -> dense, each ended by f.
V chain(Activation f, const std::vector<V>& w) {
  const ops::Fused<double> end{.activation = f, .slope = 0.2};
  const ConvOptions half{2, 2, Padding::same()};
  const V a = ops::conv2d(w[0], w[1], half, end);
  const V b = ops::conv2d_transpose(a, w[2], half, end);
  const V c = ops::conv2d(b, w[3], ConvOptions{1, 1, Padding::same()}, end);
  return ops::matmul(ops::matmul(ops::flatten(c), w[4], {}, end), w[5], {}, end);
}

std::vector<Tensor<double>> operands(double scale = 1) {
  const Shape shapes[] = {{2, 4, 6, 3}, {3, 3, 3, 5}, {3, 3, 2, 5}, {3, 3, 2, 1}, {24, 7}, {7, 2}};
  std::vector<Tensor<double>> list;
  for (unsigned i = 0; i < 6; ++i) list.push_back(ops::affine(V(random_tensor<double>(shapes[i], 20 + i)), scale, 0.0).value());
  return list;
}

std::vector<V> leaves(const std::vector<Tensor<double>>& values) {
  std::vector<V> list;
  for (const auto& v : values) list.emplace_back(v, true);
  return list;
}

/// Gradients with the epilogues at work, and without: a pass that is recorded takes every derivative by itself.
void check_fused(const std::function<V(const std::vector<V>&)>& f) {
  const std::vector<V> one = leaves(operands()), other = leaves(operands());
  const std::vector<V> fused = grad(ops::sum(f(one)), one), plain = grad(ops::sum(f(other)), other, {.create_graph = true});
  for (std::size_t i = 0; i < fused.size(); ++i) {
    const auto a = fused[i].value().to_vector(), b = plain[i].value().to_vector();
    double size = 0, difference = 0;
    for (std::size_t k = 0; k < a.size(); ++k) {
      size = std::max(size, std::fabs(b[k]));
      difference = std::max(difference, std::fabs(a[k] - b[k]));
    }
    CAPTURE(i, size, difference);
    CHECK(difference <= 1e-14 * size);
  }
}

/// relu by an op of the test's own, which notes how its cotangent arrived.
V watched_relu(const V& x, int& passed, int& not_passed) {
  return record<double>("watched_relu", ops::relu(x.detach()).value(), {x}, [&](const Backward<double>& c) {
    ++(c.past_activation ? passed : not_passed);
    return std::vector{c.past_activation ? c.g : ops::activation_grad(Activation::relu, 0.0, c.g, c.out)};
  }, Activation::relu);
}

}  // namespace

TEST_CASE("gradients through fused activations are those of separate passes") {
  for (const Activation f : activations) check_fused([f](const std::vector<V>& w) { return chain(f, w); });
}

TEST_CASE("an activated value with two readers, and one that is read twice by one") {
  for (const Activation f : activations) {
    const ops::Fused<double> end{.activation = f, .slope = 0.2};
    const ConvOptions half{2, 2, Padding::same()};
    check_fused([&](const std::vector<V>& w) {
      const V a = ops::conv2d(w[0], w[1], half, end);
      return ops::sum(ops::conv2d_transpose(a, w[2], half)) + ops::sum(ops::square(a)) + ops::sum(chain(f, w));
    });
    check_fused([&](const std::vector<V>& w) {
      const V a = ops::matmul(w[5], w[4], {true, true}, end);  // (2, 24)
      return ops::sum(ops::matmul(a, a, {false, true})) + ops::sum(chain(f, w));
    });
  }
}

TEST_CASE("both orders of gradients through fused activations, against finite differences") {
  for (const Activation f : {Activation::sigmoid, Activation::tanh})  // scaled to where differences are good to 1e-6
    REQUIRE_NOTHROW(check_grads<double>([f](const std::vector<V>& w) { return ops::sum(chain(f, w)); }, operands(0.3),
                                        {.order = 2}));
}

TEST_CASE("the kernel that computes a cotangent goes back through the activation, where it is alone with it") {
  const V x(random_tensor<double>({3, 4}, 1), true), w(random_tensor<double>({4, 2}, 2), true);
  int passed = 0, not_passed = 0;
  const auto expect = [&](int p, int n) {
    CHECK(passed == p);
    CHECK(not_passed == n);
    passed = not_passed = 0;
  };
  const V y = watched_relu(x, passed, not_passed);
  const GradOptions keep{.retain_graph = true};
  const V once = ops::sum(ops::matmul(y, w)), twice = once + ops::sum(ops::matmul(y, w));
  grad(once, {x}, keep);
  expect(1, 0);
  grad(twice, {x}, keep);  // a second reader
  expect(0, 1);
  grad(once, {x, y}, keep);  // somebody wants the cotangent itself
  expect(0, 1);
  grad(once, {x}, {.create_graph = true});  // recorded
  expect(0, 1);
  grad(ops::sum(ops::square(y)), {x}, keep);  // an op that knows nothing of it
  expect(0, 1);
}
