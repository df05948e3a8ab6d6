#include <pthread.h>

#include <tinygan/autograd/grad.hpp>
#include <tinygan/ops/norms.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;

namespace {

using V = Variable<double>;

V leaf(std::initializer_list<double> values) {
  return V(Tensor<double>::from(values, {static_cast<index_t>(values.size())}), true);
}

/// Runs f() on a thread whose stack holds a few thousand frames.
template <class F>
void on_small_stack(F f) {
  pthread_attr_t attributes;
  pthread_t thread;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, std::size_t{512} << 10) == 0);
  const auto run = [](void* at) -> void* {
    (*static_cast<F*>(at))();
    return nullptr;
  };
  REQUIRE(pthread_create(&thread, &attributes, run, &f) == 0);
  REQUIRE(pthread_join(thread, nullptr) == 0);
  pthread_attr_destroy(&attributes);
}

V scalar(double value) { return V(Tensor<double>::scalar(value), true); }

}  // namespace

TEST_CASE("grad gives the derivatives of a scalar by several variables") {
  const V x = leaf({1, 2}), y = leaf({3, 4});
  const auto g = grad(ops::sum(x * x * y), {x, y});
  CHECK(array(g[0]) == Array{6, 16});
  CHECK(array(g[1]) == Array{1, 4});
}

TEST_CASE("with a cotangent grad differentiates any shape") {
  const V x = leaf({1, 2});
  CHECK(array(grad(x * x, {x}, {}, V(Tensor<double>::from({10.0, 100.0}, {2})))[0]) == Array{20, 400});
}

TEST_CASE("a variable used twice, and a diamond, sum their cotangents") {
  const V x = scalar(3), a = x * x;
  const V b = a + a * x;  // x^2 + x^3
  CHECK(grad(b, {x})[0].item() == 6 + 27);
}

TEST_CASE("grad by a computed variable stops there, and may be asked together with what lies behind it") {
  const V x = scalar(2), h = x * x, y = h * h;
  const auto g = grad(y, {h, x}, {.retain_graph = true});
  CHECK(g[0].item() == 8);
  CHECK(g[1].item() == 32);
  CHECK(grad(y, {y}, {.retain_graph = true})[0].item() == 1);
}

TEST_CASE("what the result does not depend on gets zeros") {
  const V x = leaf({1, 2}), unused = leaf({5, 6, 7});
  const auto g = grad(ops::sum(x), {unused, x});
  CHECK(array(g[0]) == Array{0, 0, 0});
  CHECK(array(g[1]) == Array{1, 1});
}

TEST_CASE("leaves without requires_grad stay off the tape") {
  const V x = scalar(2), constant(Tensor<double>::scalar(3));
  CHECK_FALSE((constant * constant).requires_grad());
  CHECK((x * constant).requires_grad());
  CHECK(grad(x * constant, {x})[0].item() == 3);
}

TEST_CASE("detach stops gradients and shares the value") {
  const V x = scalar(3), cut = (x * x).detach();
  CHECK_FALSE(cut.requires_grad());
  CHECK(cut.is_leaf());
  CHECK(grad(cut * x, {x})[0].item() == 9);
  CHECK(x.detach().value().shares_storage(x.value()));
}

TEST_CASE("nothing is recorded in a NoGrad scope, and scopes nest") {
  const V x = scalar(3);
  {
    const NoGrad outer;
    CHECK_FALSE(recording());
    {
      const RecordingScope on(true);
      CHECK((x * x).requires_grad());
    }
    CHECK_FALSE((x * x).requires_grad());
  }
  CHECK(recording());
}

TEST_CASE("create_graph: derivatives of simple functions to the third order") {
  const V x = scalar(2);
  const V y = x * x * x * x;
  const V first = grad(y, {x}, {.create_graph = true})[0];
  const V second = grad(first, {x}, {.create_graph = true})[0];
  const V third = grad(second, {x}, {.create_graph = true})[0];
  CHECK(first.item() == 32);
  CHECK(second.item() == 48);
  CHECK(third.item() == 48);
  CHECK(grad(third, {x})[0].item() == 24);

  const V z = scalar(0.5);
  const V e = ops::exp(z * 3);
  const V slope = grad(e, {z}, {.create_graph = true})[0];
  const double curvature = 9 * std::exp(1.5);  // exp to 3 ulp, its argument and three products
  CHECK(std::fabs(grad(slope, {z})[0].item() - curvature) <= 8 * std::numeric_limits<double>::epsilon() * curvature);

  const V p = scalar(2), q = scalar(5);  // d2/dp dq of p^2 q^3
  const V dp = grad(p * p * q * q * q, {p}, {.create_graph = true})[0];
  CHECK(grad(dp, {q})[0].item() == 2 * 2 * 3 * 25);
}

TEST_CASE("without create_graph a gradient is a constant") {
  const V x = scalar(2);
  CHECK_FALSE(grad(x * x, {x})[0].requires_grad());
  CHECK(grad(x * x, {x}, {.create_graph = true})[0].requires_grad());
}

TEST_CASE("backward adds up in the leaves until they are cleared") {
  const V x = leaf({1, 2});
  CHECK_FALSE(x.grad().defined());
  backward(ops::sum(x * x));
  CHECK(array(x.grad()) == Array{2, 4});
  backward(ops::sum(x));
  CHECK(array(x.grad()) == Array{3, 5});
  x.clear_grad();
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("accumulated gradients are no views of one another") {
  const V a = leaf({1}), b = leaf({2});
  backward(ops::sum(a + b));  // both cotangents are the same tensor
  backward(ops::sum(a * 10));
  CHECK(array(a.grad()) == Array{11});
  CHECK(array(b.grad()) == Array{1});
}

TEST_CASE("a pass does not change the cotangent it was given, nor gradients handed out before") {
  const V x = leaf({1, 2}), c(Tensor<double>::from({1.0, 1.0}, {2}));
  const V y = x + x;
  const auto first = grad(y, {x}, {.retain_graph = true}, c);
  const auto second = grad(y + x, {x}, {}, c);
  CHECK(array(c) == Array{1, 1});
  CHECK(array(first[0]) == Array{2, 2});
  CHECK(array(second[0]) == Array{3, 3});
}

TEST_CASE("a freed tape is an error, a retained one is not") {
  const V x = scalar(3);
  const V y = x * x;
  CHECK(grad(y, {x}, {.retain_graph = true})[0].item() == 6);
  CHECK(grad(y, {x})[0].item() == 6);
  CHECK(error_of([&] { grad(y, {x}); }) == "grad: the tape of 'mul' was freed by an earlier pass; call that pass with "
                                           "{.retain_graph = true}, or detach() its "
                                           "result");
  CHECK(error_of([&] { backward(y * y); }) == "backward: the tape of 'mul' was freed by an earlier pass; call that "
                                              "pass with {.retain_graph = true}, or detach() "
                                              "its result");
}

TEST_CASE("a partly freed tape is an error, not a gradient that lacks a term") {
  const V x = scalar(3);
  const V h = x * x;
  grad(h, {x});
  CHECK(error_of([&] { grad(h + x, {x}); }) == "grad: the tape of 'mul' was freed by an earlier pass; call that pass "
                                               "with {.retain_graph = true}, or detach() its "
                                               "result");
  const V later = scalar(2);
  CHECK(grad(h * later, {later})[0].item() == 9);  // made after the freed part, so it cannot lie behind it
}

TEST_CASE("a pass frees the memory of the tape") {
  const std::size_t before = memory_pool(Device::cpu()).stats().in_use;
  const V x(Tensor<double>::full({1000}, 1.0), true);
  V y = x;
  for (int i = 0; i < 10; ++i) y = ops::exp(y * 0.1);
  const V loss = ops::sum(y);
  y = {};
  const std::size_t with_tape = memory_pool(Device::cpu()).stats().in_use;
  grad(loss, {x});
  const std::size_t after = memory_pool(Device::cpu()).stats().in_use;
  CHECK(with_tape >= before + 11 * 8000);
  CHECK(after <= before + 8192 + 256 + 256);  // x and the loss
}

TEST_CASE("long chains are differentiated and destroyed without recursion") {
  constexpr int length = 100000;
  double value = 0, slope = 0, recorded = 0;
  on_small_stack([&] {
    const V x = scalar(1);
    {
      V y = x;
      for (int i = 0; i < length; ++i) y = y + 1;
      value = y.item();
      slope = grad(y, {x}, {.retain_graph = true})[0].item();
      recorded = grad(y * y, {x}, {.create_graph = true})[0].item();
    }
    V unused = x;
    for (int i = 0; i < length; ++i) unused = unused * 1;
  });
  CHECK(value == length + 1);
  CHECK(slope == 1);
  CHECK(recorded == 2 * (length + 1));
}

TEST_CASE("grad names what is wrong") {
  const V x = leaf({1, 2}), constant(Tensor<double>::scalar(1));
  CHECK(error_of([&] { grad(x * x, {x}); }) ==
        "grad: the result has shape (2,), expected a scalar; pass a cotangent for any other shape");
  CHECK(error_of([&] { backward(x * x); }) ==
        "backward: the result has shape (2,), expected a scalar; pass a cotangent for any other shape");
  CHECK(error_of([&] { grad(x, {x}, {}, constant); }) == "grad: cotangent of shape (), expected (2,)");
  CHECK(error_of([&] { grad(ops::sum(x), {constant}); }) == "grad: variable 0 does not require gradients");
  CHECK(error_of([&] { grad(V{}, {x}); }) == "grad: the result to differentiate is empty");
  const std::string cause =
      " does not depend on anything that requires gradients; was it computed under NoGrad, or from detach()?";
  CHECK(error_of([&] { backward(constant); }) == "backward: the result of 'leaf'" + cause);
  CHECK(error_of([&] { grad(constant, {x}); }) == "grad: the result of 'leaf'" + cause);
  CHECK(error_of([&] {
          const NoGrad no_grad;
          grad(ops::sum(x), {x});
        }) == "grad: the result of 'sum'" + cause);
  CHECK(error_of([&] { backward(ops::sum(x), {.create_graph = true}); }) ==
        "backward: leaves accumulate tensors; use grad() for gradients to differentiate");
  CHECK(error_of([&] { (x * x).set_value(x.value()); }) == "set_value: the variable was computed by mul");
  CHECK(error_of([&] { x.set_value(constant.value()); }) == "set_value: shape (), expected (2,)");
  CHECK(error_of([&] { V(Tensor<double>{}); }) == "Variable: the tensor is empty: default-constructed or moved from");
  CHECK(error_of([&] { x.set_value({}); }) == "set_value: the tensor is empty: default-constructed or moved from");
}

TEST_CASE("an empty variable, default-constructed or moved from, says so") {
  const std::string message = "Variable: the variable is empty: default-constructed or moved from";
  V source = scalar(2);
  const V taken = std::move(source);
  CHECK(taken.item() == 2);
  for (const V& empty : {V{}, source}) {
    CHECK_FALSE(empty.defined());
    CHECK(error_of([&] { empty.value(); }) == message);
    CHECK(error_of([&] { empty.shape(); }) == message);
    CHECK(error_of([&] { empty.device(); }) == message);
    CHECK(error_of([&] { empty.item(); }) == message);
    CHECK(error_of([&] { empty.requires_grad(); }) == message);
    CHECK(error_of([&] { empty.is_leaf(); }) == message);
    CHECK(error_of([&] { empty.op(); }) == message);
    CHECK(error_of([&] { empty.grad(); }) == message);
    CHECK(error_of([&] { empty.clear_grad(); }) == message);
    CHECK(error_of([&] { empty.detach(); }) == message);
    CHECK(error_of([&] { empty.set_value(taken.value()); }) == message);
    CHECK(error_of([&] { ops::sum(empty); }) != "");
    CHECK(error_of([&] { taken + empty; }) != "");
    CHECK(error_of([&] { grad(taken * taken, {empty}); }) == "grad: variable 0 does not require gradients");
  }
}

TEST_CASE("what a temporary variable hands out is a tensor of its own") {
  STATIC_REQUIRE(std::is_same_v<decltype(std::declval<V>().value()), Tensor<double>>);
  STATIC_REQUIRE(std::is_same_v<decltype(std::declval<V>().grad()), Tensor<double>>);
  STATIC_REQUIRE(std::is_same_v<decltype(std::declval<V>().shape()), Shape>);
}

TEST_CASE("each gradient has memory of its own") {
  const V a = leaf({1, 2}), b = leaf({3, 4}), c = leaf({5, 6});
  const V seed(Tensor<double>::from({1.0, 1.0}, {2}));
  for (const bool recorded : {false, true}) {
    const auto g = grad(a + b + ops::reshape(c, {2}), {a, b, c, a}, {.create_graph = recorded}, seed);
    g[0].value().fill(7);
    CHECK(array(g[1]) == Array{1, 1});
    CHECK(array(g[2]) == Array{1, 1});
    CHECK(array(g[3]) == Array{1, 1});
    CHECK(array(seed) == Array{1, 1});
  }
  const auto identity = grad(a, {a}, {}, seed);  // the cotangent itself
  identity[0].value().fill(7);
  CHECK(array(seed) == Array{1, 1});

  backward(a + b, {}, seed);
  a.grad().fill(0);
  CHECK(array(b.grad()) == Array{1, 1});
  CHECK(array(seed) == Array{1, 1});
  backward(a + b, {}, seed);
  CHECK(array(a.grad()) == Array{1, 1});
  CHECK(array(b.grad()) == Array{2, 2});
  CHECK(array(seed) == Array{1, 1});
}

TEST_CASE("separate memory leaves derivatives of derivatives whole") {
  const V a = leaf({2, 3}), b = leaf({5, 7});
  const auto g = grad(ops::sum((a + b) * (a + b)), {a, b}, {.create_graph = true});  // each 2 (a + b)
  CHECK(array(grad(ops::sum(g[0] * g[0]), {a}, {.retain_graph = true})[0]) == Array{56, 80});
  CHECK(array(grad(ops::sum(g[1] * g[1]), {a})[0]) == Array{56, 80});
}

TEST_CASE("a rule of a wrong shape is an error that names the op") {
  const V x = leaf({1, 2});
  const V y = record<double>("lopsided", Tensor<double>::scalar(1), {x},
                             [](const Backward<double>& c) { return std::vector{c.g}; });
  CHECK(error_of([&] { grad(y, {x}); }) == "grad: the rule of 'lopsided' returned shape () for input 0 of shape (2,)");
}

TEST_CASE("a rule of too few or too many cotangents is an error that names the op") {
  const V x = scalar(2), w = scalar(3);
  for (const std::size_t count : {0u, 1u, 3u}) {
    const V y = record<double>("miscounting", Tensor<double>::scalar(6), {x, w},
                               [count](const Backward<double>& c) { return std::vector<V>(count, c.g); });
    CHECK(error_of([&] { grad(y, {w}); }) == text("grad: the rule of 'miscounting' returned ", count,
                                                  " cotangents for 2 inputs; an undefined cotangent stands for zero"));
  }
}

TEST_CASE("rules are told which inputs need a cotangent") {
  const V x = scalar(2), w = scalar(3);
  std::vector<bool> needs;
  const V y = record<double>("spy", Tensor<double>::scalar(6), {x, w}, [&needs](const Backward<double>& c) {
    needs = c.needs;
    return std::vector{V{}, c.g};
  });
  CHECK(grad(y, {w}, {.retain_graph = true})[0].item() == 1);
  CHECK(needs == std::vector<bool>{false, true});
  CHECK(grad(y, {x, w})[0].item() == 0);  // an undefined cotangent stands for zero
  CHECK(needs == std::vector<bool>{true, true});
}

TEST_CASE("GradientTape records within NoGrad, and answers once unless persistent") {
  const NoGrad no_grad;
  {
    GradientTape<double> tape;
    const V x = tape.watch(Tensor<double>::scalar(3));
    const V y = x * x;
    CHECK(tape.gradient(y, {x})[0].item() == 6);
    CHECK(error_of([&] { tape.gradient(y, {x}); }) ==
          "GradientTape: gradient() was called twice; make the tape {.persistent = true}");
  }
  CHECK_FALSE(recording());
  GradientTape<double> tape({.persistent = true});
  const V x = tape.watch(Tensor<double>::scalar(3));
  const V y = x * x;
  CHECK(tape.gradient(y, {x})[0].item() == 6);
  CHECK(tape.gradient(y, {x})[0].item() == 6);
}
