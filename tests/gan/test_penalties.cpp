// Gradient penalties: hand values, and that they reach the critic's weights rightly, against finite differences.
#include <tinygan/gan/penalties.hpp>

#include <tinygan/autograd/check_grads.hpp>
#include <tinygan/ops/conv.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;
using V = Variable<double>;

namespace {

const Shape batch{3, 5, 4, 1};

/// Weights of a critic: convolution, LeakyReLU, convolution, LeakyReLU, dense. Biases of +-3 keep it away from kinks.
std::vector<Tensor<double>> weights() {
  return {tensor<double>(draw(Draw::uniform, {3, 3, 1, 4}, 1), {3, 3, 1, 4}),
          tensor<double>(draw(Draw::sides, {4}, 2), {4}),
          tensor<double>(draw(Draw::uniform, {3, 2, 4, 2}, 3), {3, 2, 4, 2}),
          tensor<double>(draw(Draw::sides, {2}, 4), {2}), tensor<double>(draw(Draw::uniform, {4, 1}, 5), {4, 1})};
}

V critic(const std::vector<V>& w, const V& x) {
  const ConvOptions half{2, 2, Padding::same()};
  const V first = ops::conv2d(x, w[0], half, {w[1], Activation::leaky_relu(0.2)});
  const V second = ops::conv2d(first * 0.1, w[2], half, {w[3], Activation::leaky_relu(0.2)});
  return ops::matmul(ops::flatten(second), w[4]);
}

V penalty_of(const std::vector<V>& w) {
  Generator random(7);
  const auto real = random_tensor<double>(batch, 11), fake = random_tensor<double>(batch, 12);
  return gan::gradient_penalty([&](const V& x) { return critic(w, x); }, real, fake, random);
}
V r1_of(const std::vector<V>& w) {
  return gan::r1_penalty([&](const V& x) { return critic(w, x); }, random_tensor<double>(batch, 11));
}

V r2_of(const std::vector<V>& w) {
  return gan::r2_penalty([&](const V& x) { return critic(w, x); }, random_tensor<double>(batch, 12));
}

std::vector<V> leaves(const std::vector<Tensor<double>>& values) {
  std::vector<V> list;
  for (const auto& v : values) list.emplace_back(v, true);
  return list;
}

}  // namespace

TEST_CASE("the WGAN-GP penalty's gradient with respect to the critic's weights, against finite differences") {
  REQUIRE_NOTHROW(check_grads<double>(penalty_of, weights(), {.order = 2}));
}

TEST_CASE("the R1 penalty's gradient with respect to the critic's weights, against finite differences") {
  REQUIRE_NOTHROW(check_grads<double>(r1_of, weights(), {.order = 2}));
}

TEST_CASE("the R2 penalty's gradient with respect to the critic's weights, against finite differences") {
  REQUIRE_NOTHROW(check_grads<double>(r2_of, weights(), {.order = 2}));
}

TEST_CASE("penalties reach every kernel of the critic") {
  for (const auto& penalty : {&penalty_of, &r1_of, &r2_of}) {
    const std::vector<V> w = leaves(weights());
    const auto g = grad(penalty(w), w);
    for (std::size_t i : {0u, 2u, 4u}) {
      double size = 0;
      for (double v : array(g[i])) size += std::fabs(v);
      CHECK(size > 1e-3);
    }
  }
}

TEST_CASE("penalties of a linear critic by hand") {
  const V a(random_tensor<double>({20, 1}, 1), true);
  double norm = 0;
  for (double v : array(a)) norm += v * v;
  const auto linear = [&](const V& x) { return ops::matmul(ops::flatten(x), a); };
  const auto real = random_tensor<double>(batch, 2), fake = random_tensor<double>(batch, 3);
  Generator random(1);
  const V gp = gan::gradient_penalty(linear, real, fake, random), r1 = gan::r1_penalty(linear, real),
          r2 = gan::r2_penalty(linear, fake);
  const double length = std::sqrt(norm + 1e-12);
  check_rounded<double>({std::pow(length - 1, 2)}, gp);
  check_rounded<double>({norm / 2}, r1);
  check_rounded<double>({norm / 2}, r2);
  const Array values = array(a);
  Array slope;
  for (const double v : values) slope.push_back(2 * (length - 1) * v / length);
  check_rounded<double>(slope, grad(gp, {a}, {.create_graph = true})[0]);
  check_rounded<double>(values, grad(r1, {a}, {.create_graph = true})[0]);
}

TEST_CASE("the penalty is taken between real and fake, at one place per sample, not the same for all") {
  const auto real = Tensor<double>::full(batch, 1.0), fake = Tensor<double>::zeros(batch);
  Array seen;
  Generator random(4);
  gan::gradient_penalty(
      [&](const V& x) {
        seen = array(x);
        return ops::sum(ops::square(x), {1, 2, 3});
      },
      real, fake, random);
  REQUIRE(seen.size() == 60);
  for (std::size_t i = 0; i < 60; ++i) {
    CHECK((seen[i] >= 0 && seen[i] < 1));
    CHECK(seen[i] == seen[i / 20 * 20]);
  }
  CHECK(seen[0] != seen[20]);
  CHECK(seen[20] != seen[40]);
}

TEST_CASE("the penalty is finite, and so is its gradient, where the critic is flat") {
  const V w(Tensor<double>::zeros({20, 1}), true);
  Generator random(1);
  const V gp = gan::gradient_penalty([&](const V& x) { return ops::matmul(ops::flatten(x), w); },
                                     random_tensor<double>(batch, 1), random_tensor<double>(batch, 2), random);
  check_rounded<double>({std::pow(1 - 1e-6, 2)}, gp);  // the norm of zeros is the root of 1e-12
  for (double v : array(grad(gp, {w})[0])) CHECK(std::isfinite(v));
}

TEST_CASE("the gradient of a penalty without an epsilon is 0, as PyTorch's, where the critic is flat") {
  const V w(Tensor<double>::zeros({20, 1}), true), x(random_tensor<double>(batch, 1), true);
  const V slope = grad(ops::sum(ops::matmul(ops::flatten(x), w)), {x}, {.create_graph = true})[0];
  const V penalty = ops::mean(ops::square(ops::norm(slope, {1, 2, 3}) - 1));
  const V dw = grad(penalty, {w}, {.create_graph = true})[0];
  CHECK(penalty.item() == 1);
  CHECK(array(dw) == Array(20, 0.0));
  CHECK(array(grad(ops::sum(dw), {w})[0]) == Array(20, 0.0));
}

TEST_CASE("penalties name batches that do not match") {
  Generator random;
  const auto same = [](const V& x) { return x; };
  const auto real = Tensor<double>::zeros({2, 3});
  CHECK(support::error_of([&] { gan::gradient_penalty(same, real, {}, random); }) ==
        "gradient_penalty: fake is empty, expected a batch");
  CHECK(support::error_of([&] { gan::r1_penalty(same, Tensor<double>{}); }) ==
        "r1_penalty: real is empty, expected a batch");
  CHECK(support::error_of([&] { gan::r2_penalty(same, Tensor<double>{}); }) ==
        "r2_penalty: fake is empty, expected a batch");
  CHECK(support::error_of([&] {
          gan::gradient_penalty([](const V& x) { return x; }, Tensor<double>::zeros({2, 3}),
                                Tensor<double>::zeros({3, 3}), random);
        }) == "gradient_penalty: real (2, 3) and fake (3, 3) differ");
}
