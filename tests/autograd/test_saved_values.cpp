// A value that was modified in place after an op recorded it: an Error where a rule needs it, the right gradient elsewhere.
#include <tinygan/nn/dense.hpp>
#include <tinygan/nn/normalisation.hpp>
#include <tinygan/ops/conv.hpp>
#include <tinygan/ops/dropout.hpp>
#include <tinygan/ops/normalisation.hpp>
#include <tinygan/ops/softmax.hpp>
#include <tinygan/optim/adam.hpp>
#include <tinygan/optim/ema.hpp>
#include <tinygan/optim/sgd.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::contains;
using support::error_of;

namespace {

using V = Variable<double>;

V leaf(std::initializer_list<double> values) {
  return V(Tensor<double>::from(values, {static_cast<index_t>(values.size())}), true);
}

std::string stale(const std::string& what) {
  return "grad: " + what +
         ", was modified in place after the op recorded it; differentiate first, or record the ops again afterwards";
}

}  // namespace

TEST_CASE("every way to write to a recorded value is noticed") {
  const V w = leaf({2, 3}), average = leaf({0, 0});
  optim::Sgd<double> sgd({w}, {.learning_rate = 1});
  optim::Adam<double> adam({w});
  optim::Ema<double> ema({average}, {w});
  const std::vector<std::function<void()>> writes = {
      [&] { w.value().fill(1); },
      [&] { w.value().copy_from(Tensor<double>::zeros({2})); },
      [&] {
        w.value().copy_from(std::vector<double>{4, 5});
      },
      [&] { w.value().rows(0, 1).fill(9); },
      [&] { w.detach().value().fill(9); },
      [&] { w.set_value(Tensor<double>::full({2}, 10)); },
      [&] {
        sgd.step({leaf({1, 1})});
      },
      [&] {
        adam.step({leaf({1, 1})});
      },
      [&] { ema.update(); },
      [&] {
        w.value().data()[0] = 3;
        w.value().bump_version();
      },
  };
  for (std::size_t i = 0; i < writes.size(); ++i) {
    INFO("write " << i);
    const V y = ops::sum(w * w);
    writes[i]();
    CHECK(error_of([&] { grad(y, {w}); }) == stale("input 0 of 'mul', shape (2,)"));
    CHECK(array(grad(ops::sum(w * w), {w})[0]) == Array{2 * w.value().host()[0], 2 * w.value().host()[1]});
  }
}

TEST_CASE("a weight stepped between the forward pass and the gradient of what lies before it") {
  const V w1(Tensor<double>::full({1, 1}, 2), true), w2(Tensor<double>::full({1, 1}, 3), true);
  const V x(Tensor<double>::full({1, 1}, 1));
  const V y = ops::sum(ops::matmul(ops::matmul(x, w1), w2));
  optim::Sgd<double> sgd({w2}, {.learning_rate = 1});
  sgd.step(grad(y, {w2}, {.retain_graph = true}));
  CHECK(error_of([&] { grad(y, {w1}); }) == stale("input 1 of 'matmul', shape (1, 1)"));
}

TEST_CASE("a batch buffer used again is noticed, and an output that a rule reads") {
  const Tensor<double> buffer = Tensor<double>::full({1}, 3);
  const V w = leaf({1});
  const V y = w * V(buffer);
  buffer.fill(7);
  CHECK(error_of([&] { grad(y, {w}); }) == stale("input 1 of 'mul', shape (1,)"));

  const V h = ops::tanh(w);
  h.value().fill(0);
  CHECK(error_of([&] { grad(h, {w}); }) == stale("the output of 'tanh', shape (1,)"));
  const V s = ops::softmax(w);
  s.value().fill(0);
  CHECK(error_of([&] { grad(s, {w}); }) == stale("the output of 'softmax', shape (1,)"));
}

TEST_CASE("what no rule reads may change") {
  const V a = leaf({1, 2}), b = leaf({3, 4});
  const V y = ops::sum(a + b - a * 2);
  a.value().fill(0);
  b.value().fill(0);
  y.value().fill(0);
  const auto g = grad(y, {a, b});
  CHECK(array(g[0]) == Array{-1, -1});
  CHECK(array(g[1]) == Array{1, 1});

  const V w = leaf({2}), c = leaf({5});
  const V z = w * c;
  w.value().fill(0);  // dz/dw reads c only
  CHECK(grad(z, {w}, {.retain_graph = true})[0].item() == 5);
  CHECK(error_of([&] { grad(z, {c}); }) == stale("input 0 of 'mul', shape (1,)"));
}

TEST_CASE("convolution, dense layers and normalisation notice their operands") {
  const V x(random_tensor<double>({2, 3, 3, 1}, 1), true), w(random_tensor<double>({2, 2, 1, 2}, 2), true);
  const V y = ops::conv2d(x, w, ConvOptions{});
  w.value().fill(0);
  CHECK(contains(error_of([&] { grad(ops::sum(y), {x}); }), "input 1 of 'conv2d', shape (2, 2, 1, 2)"));

  const V rows(random_tensor<double>({4, 2}, 3), true);
  const V gamma(Tensor<double>::full({2}, 1), true), beta(Tensor<double>::zeros({2}), true);
  const V normal = ops::batch_norm<double>(rows, gamma, beta, {.epsilon = 1e-3}).y;
  rows.value().fill(0);
  CHECK(contains(error_of([&] { grad(ops::sum(normal * normal), {rows}, {.retain_graph = true}); }),
                 "input 0 of 'batch_norm', shape (4, 2)"));
  CHECK(contains(error_of([&] { grad(ops::sum(normal * normal), {rows}, {.create_graph = true}); }),
                 "input 0 of 'batch_norm', shape (4, 2)"));
}

TEST_CASE("running statistics and the generator's step, which rules capture, are noticed too") {
  nn::BatchNorm<double> layer(2);
  const V x(random_tensor<double>({4, 2}, 3), true);
  const V y = ops::sum(layer(x, nn::Pass::infer()));
  Generator random(1);
  layer(x, nn::Pass::train(random));  // updates the running statistics
  CHECK(error_of([&] { grad(y, {x}); }) ==
        "grad: in the rule of 'batch_norm_inference': the variance was modified in place after an op recorded it; "
        "differentiate first, or record the ops again afterwards");

  const V dropped = ops::sum(ops::dropout(x, 0.5, random));
  random.next_step();
  CHECK(error_of([&] { grad(dropped, {x}); }) ==
        "grad: in the rule of 'dropout': the generator's step was modified in place after an op recorded it; "
        "differentiate first, or record the ops again afterwards");
}

TEST_CASE("a recorded gradient knows the values it was made of") {
  const V x = leaf({3});
  const V slope = grad(x * x * x, {x}, {.create_graph = true})[0];  // 3 x^2
  x.value().fill(1);
  CHECK(contains(error_of([&] { grad(slope, {x}); }), "was modified in place after the op recorded it"));
}

TEST_CASE("handles of users are not those of the tape") {
  const V x = leaf({3});
  const V y = x * x;
  x.value().fill(5);
  CHECK(x.item() == 5);
  CHECK(y.item() == 9);
  CHECK((x * x).item() == 25);
  const V same = record<double>("pass_on", Tensor<double>::zeros({1}), {x}, [](const Backward<double>& c) {
    return std::vector{c.in[0]};  // a rule that returns a saved handle
  });
  const V g = grad(same, {x})[0];
  x.value().fill(6);
  CHECK(g.item() == 5);
}
