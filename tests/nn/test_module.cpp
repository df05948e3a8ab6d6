// Modules of one's own: children, several inputs and results, files.
#include <tinygan/nn/module.hpp>

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include <tinygan/tinygan.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using support::contains;
using support::error_of;

namespace {

/// y = relu(x + f(x)).
class Residual : public nn::Layer<> {
 public:
  Residual(index_t features, Generator& random)
      : body_(add_module("body", nn::Sequential(nn::Dense(features, features, {}, random), nn::BatchNorm(features)))) {}
  Variable<float> forward(const Variable<float>& x, const nn::Pass& pass) override {
    return ops::relu(x + body_(x, pass));
  }
  Shape output_shape(const Shape& x) const override { return body_.output_shape(x); }
  std::string type() const override { return "residual"; }

 private:
  nn::Sequential<>& body_;
};

/// Two inputs, two results: a module that is not a layer.
class Attention : public nn::Module<> {
 public:
  Attention(index_t features, Generator& random)
      : query_(add_module("query", nn::Dense(features, features, {}, random))),
        key_(add_module("key", nn::Dense(features, features, {}, random))) {}
  std::pair<Variable<float>, Variable<float>> operator()(const Variable<float>& x, const Variable<float>& memory) {
    const Variable<float> weights = ops::softmax(ops::matmul(query_(x), ops::transpose(key_(memory))));
    return {ops::matmul(weights, memory), weights};
  }

 private:
  nn::Dense<>&query_, &key_;
};

template <class T>
std::vector<std::string> names(const std::vector<nn::Named<T>>& list) {
  std::vector<std::string> all;
  for (const auto& n : list) all.push_back(n.name);
  return all;
}

}  // namespace

TEST_CASE("The parameters and buffers of child modules are the module's, under their names") {
  Generator random(1);
  const nn::Sequential model(nn::Dense(3, 4, {}, random), Residual(4, random));
  CHECK(names(model.named_parameters()) ==
        std::vector<std::string>{"dense.kernel", "dense.bias", "residual.body.dense.kernel", "residual.body.dense.bias",
                                 "residual.body.batch_norm.gamma", "residual.body.batch_norm.beta"});
  CHECK(names(model.named_buffers()) ==
        std::vector<std::string>{"residual.body.batch_norm.moving_mean", "residual.body.batch_norm.moving_variance"});
  CHECK(model.parameter_count() == 3 * 4 + 4 + 4 * 4 + 4 + 4 + 4);
}

TEST_CASE("Child modules stay usable when their module is moved, and learn with it") {
  Generator random(2);
  nn::Sequential model(nn::Dense(2, 4, {}, random), Residual(4, random), nn::Dense(4, 3, {}, random));
  nn::Sequential moved = std::move(model);
  optim::Adam adam(moved.parameters(), {.learning_rate = 1e-2, .beta1 = 0.9});
  const Tensor<float> x = random_normal<float>({12, 2}, random);
  const std::vector<std::uint8_t> labels{0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2};
  std::vector<std::vector<float>> before;
  for (const Variable<float>& p : moved.parameters()) before.push_back(p.value().to_vector());
  const auto step = [&] {
    const Variable<float> loss = nn::softmax_cross_entropy(moved(x, nn::Pass::train(random)), labels);
    adam.step(grad(loss, moved.parameters()));
    return loss.item();
  };
  const float first = step();
  for (int i = 0; i < 30; ++i) step();
  CHECK(step() < first);
  for (std::size_t i = 0; i < before.size(); ++i) {
    INFO(moved.named_parameters()[i].name);
    CHECK(moved.parameters()[i].value().to_vector() != before[i]);
  }
}

TEST_CASE("A module may have several inputs and results, and its children's weights have gradients") {
  Generator random(3);
  Attention attention(4, random);
  CHECK(names(attention.named_parameters()) ==
        std::vector<std::string>{"query.kernel", "query.bias", "key.kernel", "key.bias"});
  const auto [y, weights] = attention(random_normal<float>({2, 4}, random), random_normal<float>({5, 4}, random));
  CHECK(y.shape() == Shape{2, 4});
  CHECK(weights.shape() == Shape{2, 5});
  for (const Variable<float>& g :
       grad(ops::sum(ops::square(y)), {attention.parameters()[0], attention.parameters()[2]}))
    CHECK(ops::sum_squares(g).item() > 0);
}

TEST_CASE("save() and load() keep a module's parameters and buffers, children's included") {
  const support::TemporaryFolder folder;
  Generator random(4);
  nn::Sequential a(nn::Dense(3, 4, {}, random), Residual(4, random)),
      b(nn::Dense(3, 4, {}, random), Residual(4, random));
  const Variable<float> x = random_normal<float>({5, 3}, random);
  a(x, nn::Pass::train(random));  // running statistics of its own
  REQUIRE(a(x).value().to_vector() != b(x).value().to_vector());
  io::save(folder.path() / "a.safetensors", a);
  io::load(folder.path() / "a.safetensors", b);
  CHECK(a(x).value().to_vector() == b(x).value().to_vector());

  const nn::Sequential other(nn::Dense(3, 5, {}, random));
  CHECK(contains(error_of([&] { io::load(folder.path() / "a.safetensors", other); }), "a.safetensors"));
}

TEST_CASE("Child modules have names of their own, and are not ones that were moved from") {
  class Twins : public nn::Module<> {
   public:
    Twins() {
      add_module("half", nn::Flatten());
      add_module("half", nn::Flatten());
    }
  };
  CHECK(error_of([] { Twins(); }) == "module: there are two child modules 'half'");
  nn::Sequential model;
  nn::Flatten flatten;
  model.add(std::move(flatten));
  CHECK(contains(error_of([&] { model.add(std::move(flatten)); }), "was moved from"));  // NOLINT: that is the mistake
}

TEST_CASE("Class numbers are labels of a softmax cross-entropy, in any integer type") {
  Generator random(5);
  const Variable<float> logits = random_normal<float>({3, 4}, random);
  const std::vector<int> labels{3, 0, 1};
  const float expected = nn::softmax_cross_entropy(logits, nn::one_hot<float>(labels, 4)).item();
  CHECK(nn::softmax_cross_entropy(logits, labels).item() == expected);
  CHECK(nn::softmax_cross_entropy(logits, std::array<std::uint8_t, 3>{3, 0, 1}).item() == expected);
  CHECK(error_of([&] {
          nn::softmax_cross_entropy(logits, std::vector{3, 0});
        }) == "softmax_cross_entropy: prediction (3, 4) for 2 labels, expected (labels, classes)");
  CHECK(error_of([&] {
          nn::softmax_cross_entropy(logits, std::vector{3, 0, 4});
        }) == "one_hot: label 4 of row 2, expected 0 to 3");
}
