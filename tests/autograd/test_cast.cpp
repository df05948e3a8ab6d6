// cast(): tapes of mixed element types, on the emulated device where bfloat16 computes.
#include <tinygan/autograd/check_grads.hpp>
#include <tinygan/nn/losses.hpp>
#include <tinygan/ops/cast.hpp>
#include <tinygan/ops/matmul.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"
#include "support/temporary.hpp"

namespace tinygan {
namespace {

using namespace test;
using support::contains;
using support::error_of;

const Device there = Device::emulated();

using F = Variable<float>;
using B = Variable<bfloat16>;

/// Values that bfloat16 holds exactly.
Tensor<float> exact_values(const Shape& shape, unsigned seed) {
  const Tensor<float> x = random_tensor<float>(shape, seed);
  for (float& v : x.host()) v = static_cast<float>(bfloat16(v));
  return x;
}

B leaf(const Tensor<float>& x) { return B(cast<bfloat16>(x.to(there)), true); }
B leaf(std::initializer_list<float> values) {
  return leaf(Tensor<float>::from(values, {static_cast<index_t>(values.size())}));
}

template <class T>
std::vector<float> floats(const Tensor<T>& t) {
  return cast<float>(t).to_vector();
}
template <class T>
std::vector<float> floats(const Variable<T>& v) {
  return floats(v.value());
}

TEST_CASE("tensors are cast: rounded, filled, and back") {
  for (const Device device : {Device::cpu(), there}) {
    CAPTURE(text(device));
    const auto x = Tensor<float>::from({1.0f, -2.5f, 1.00390625f, 1.01171875f, 3e38f, -0.0f}, {6}, device);
    const Tensor<bfloat16> y = cast<bfloat16>(x);
    CHECK(floats(y) == std::vector<float>{1.0f, -2.5f, 1.0f, 1.015625f, std::bit_cast<float>(0x7f620000u), -0.0f});
    CHECK(floats(Tensor<bfloat16>::full({3}, bfloat16(0.1f), device)) == std::vector<float>(3, 0.10009765625f));
    CHECK(Tensor<bfloat16>::scalar(bfloat16(7.0f), device).item() == 7.0f);
    CHECK(cast<float>(x).shares_storage(x));
  }
  CHECK(contains(error_of([] {
                   const B x(Tensor<bfloat16>::zeros({2}));
                   ops::exp(x);
                 }),
                 "device cpu: it has no kernel 'unary'"));
}

/// A two-layer loss of x(4,6) under w(6,5) and v(5,1), its sums in elements of Sum.
template <class Sum, class T>
Variable<Sum> two_layer_loss(const Variable<T>& x, const Variable<T>& w, const Variable<T>& v) {
  const Variable<T> h = ops::tanh(ops::matmul(x, w));
  return nn::bce_with_logits(cast<Sum>(ops::matmul(h, v)), 1) + ops::mean(ops::square(cast<Sum>(h)));
}

TEST_CASE("gradients of a float result by bfloat16 variables, through two casts") {
  const Tensor<float> x = exact_values({4, 6}, 1), w = exact_values({6, 5}, 2), v = exact_values({5, 1}, 3);
  const std::vector<Variable<double>> exact{in_double(F(w)), in_double(F(v))};
  const Variable<double> expected = two_layer_loss<double>(in_double(F(x)), exact[0], exact[1]);
  const B wb = leaf(w), vb = leaf(v);
  const F found = two_layer_loss<float>(leaf(x).detach(), wb, vb);
  const std::vector<B> dfound = grad(found, {wb, vb}, {.retain_graph = true});
  const std::vector<Variable<double>> dexpected = grad(expected, exact, {.create_graph = true});
  check_rounded<bfloat16>(array(found), expected);
  for (std::size_t i = 0; i < 2; ++i) check_rounded<bfloat16>(array(dfound[i]), dexpected[i]);
}

TEST_CASE("a cast rounds value and cotangent, once each way") {
  const F x(Tensor<float>::from({1.00390625f, 2.0f, 1.01171875f}, {3}, there), true);
  const B y = cast<bfloat16>(x);
  CHECK(floats(y) == std::vector<float>{1.0f, 2.0f, 1.015625f});
  CHECK(std::string(y.op()) == "cast");
  const auto weights = Tensor<float>::from({1.00390625f, 1.0f, 3.0f}, {3}, there);
  CHECK(floats(grad(ops::sum(cast<float>(y) * F(weights)), {x})[0]) == std::vector<float>{1.0f, 1.0f, 3.0f});
  const B seed(cast<bfloat16>(weights));  // of a bfloat16 result
  CHECK(floats(grad(cast<bfloat16>(x) * leaf({2, 4, 8}).detach(), {x}, {}, seed)[0]) ==
        std::vector<float>{2.0f, 4.0f, 24.0f});
}

TEST_CASE("a variable of the same type is not cast, nor is there a tape without recording") {
  const B w = leaf({1, 2});
  const F f(exact_values({2}, 1), true);
  CHECK(cast<float>(f) == f);
  CHECK_FALSE(cast<float>(w.detach()).requires_grad());
  {
    const NoGrad no_grad;
    CHECK_FALSE(cast<float>(w).requires_grad());
  }
  const F y = ops::sum(cast<float>(w));
  CHECK(floats(grad(y, {leaf({5, 6, 7})}, {.retain_graph = true})[0]) == std::vector<float>(3, 0.0f));
  CHECK(floats(grad(y, {w})[0]) == std::vector<float>(2, 1.0f));
  CHECK(contains(error_of([&] { grad(y, {w}); }), "was freed by an earlier pass"));
}

TEST_CASE("backward() adds to leaves of either type, and grad() asks for either") {
  const B w = leaf({1, 2});
  const F f(Tensor<float>::from({3, 5}, {2}, there), true);
  const F y = ops::sum(cast<float>(w * w) * f);
  CHECK(floats(grad(y, {f}, {.retain_graph = true})[0]) == std::vector<float>{1, 4});
  CHECK(floats(grad(y, std::vector{w}, {.retain_graph = true})[0]) == std::vector<float>{6, 20});
  for (const float times : {1.0f, 2.0f}) {
    backward(y, {.retain_graph = true});
    CHECK(floats(w.grad()) == std::vector<float>{6 * times, 20 * times});
    CHECK(floats(f.grad()) == std::vector<float>{times, 4 * times});
  }
  GradientTape<bfloat16> tape;
  const B watched = tape.watch(w.value());
  CHECK(floats(tape.gradient(ops::sum(cast<float>(watched * watched)), {watched})[0]) == std::vector<float>{2, 4});
}

TEST_CASE("create_graph goes through casts: second and third derivatives of mixed tapes") {
  const B w = leaf({1, 2, 3});  // small whole numbers: every product is exact
  const F cube = ops::sum(cast<float>(w * w * w));
  const B slope = grad(cube, {w}, {.create_graph = true})[0];
  CHECK(floats(slope) == std::vector<float>{3, 12, 27});
  const B curvature = grad(ops::sum(cast<float>(slope)), {w}, {.create_graph = true})[0];
  CHECK(floats(curvature) == std::vector<float>{6, 12, 18});
  CHECK(floats(grad(ops::sum(cast<float>(curvature)), {w})[0]) == std::vector<float>{6, 6, 6});

  // As a gradient penalty has it: the loss is of a gradient that went through a cast, and of the values themselves.
  const F f(Tensor<float>::from({2, 1, 3}, {3}, there), true);
  const F y = ops::sum(cast<float>(w * w) * f);  // dy/dw = 2 w f
  const B dw = grad(y, {w}, {.create_graph = true})[0];
  const F penalty = ops::sum(ops::square(cast<float>(dw))) + y;                                     // 4 w^2 f^2 + w^2 f
  CHECK(floats(grad(penalty, {f}, {.retain_graph = true})[0]) == std::vector<float>{17, 36, 225});  // 8 w^2 f + w^2
  CHECK(floats(grad(penalty, {w})[0]) == std::vector<float>{36, 20, 234});  // 8 w f^2 + 2 w f, rounded
}

TEST_CASE("check_grads through a cast, to the rounding of bfloat16") {
  const auto f = [](const std::vector<F>& v) {
    return cast<float>(cast<bfloat16>(v[0]) * cast<bfloat16>(v[1])) * v[0];
  };
  const std::vector<Tensor<float>> xs{random_tensor<float>({3, 4}, 1).to(there),
                                      random_tensor<float>({4}, 2).to(there)};
  const CheckGradsOptions coarse{.order = 2, .step = 0.5, .tolerance = 0.05};
  check_grads<float>(f, xs, coarse);
  CHECK(contains(error_of([&] {  // a gradient that stops at the cast
                   check_grads<float>(
                       [&](const std::vector<F>& v) { return cast<float>(cast<bfloat16>(v[0].detach())) * v[0]; }, xs,
                       coarse);
                 }),
                 "check_grads: gradient of order 1"));
}

TEST_CASE("mixed tapes name what is wrong") {
  const B w = leaf({1, 2});
  const B odd = record<bfloat16>("odd", w.value().clone(), {w},
                                 [](const Backward<bfloat16>& c) { return std::vector{cast<float>(c.g)}; });
  CHECK(error_of([&] { grad(ops::sum(cast<float>(odd)), {w}); }) ==
        "grad: the rule of 'odd' returned a cotangent of float for input 0 of bfloat16");
  const B mixed = record<bfloat16>("mixed", w.value().clone(), {cast<float>(w)},
                                   [](const Backward<bfloat16>& c) { return std::vector{cast<float>(c.g * c.in[0])}; });
  CHECK(error_of([&] { grad(ops::sum(cast<float>(mixed)), {w}); }) == "Variable: elements of float, expected bfloat16");
  const F y = cast<float>(w);
  CHECK(error_of([&] { backward(y, {}, w.detach()); }) == "backward: cotangent of bfloat16, expected float");
  CHECK(error_of([&] { grad(y, {w}); }) ==
        "grad: the result has shape (2,), expected a scalar; pass a cotangent for any other shape");

  const F stale = ops::sum(cast<float>(w * w));
  w.value().fill(bfloat16(3));
  CHECK(contains(error_of([&] { grad(stale, {w}); }), "input 0 of 'mul', shape (2,), was modified in place"));
  const AnomalyScope anomalies;
  CHECK(error_of([&] {
          cast<bfloat16>(F(Tensor<float>::from({1, 3.4e38f}, {2}, there)));
        }) == "cast: from finite inputs, the result holds inf at (1) of (2,)");
}

TEST_CASE("long chains of casts are differentiated and destroyed, and a pass frees their memory") {
  const F x(Tensor<float>::full({1000}, 1.0f, there), true);
  const std::size_t before = memory_pool(there).stats().in_use;
  F y = x;
  for (int i = 0; i < 2000; ++i) y = cast<float>(cast<bfloat16>(y) * 1);
  CHECK(memory_pool(there).stats().in_use > before + 2000 * 6000);
  const F loss = ops::sum(y);
  y = {};
  CHECK(floats(grad(loss, {x})[0]) == std::vector<float>(1000, 1.0f));
  CHECK(memory_pool(there).stats().in_use <= before + 1024);
}

}  // namespace
}  // namespace tinygan
