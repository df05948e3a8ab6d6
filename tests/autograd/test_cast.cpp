// bfloat16 on the tape: widen(), follow() and masters, on the emulated device.
#include <tinygan/models/networks.hpp>
#include <tinygan/nn/losses.hpp>
#include <tinygan/optim/adam.hpp>
#include <tinygan/optim/sgd.hpp>

#include "models/tiny_networks.hpp"
#include "support/catch.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

namespace tinygan {
namespace {

using namespace test;
using support::contains;
using support::error_of;

constexpr double bf16_eps = 0x1p-8;  // half a unit in the last place, relative
const Device there = Device::emulated();

/// Values that bfloat16 holds exactly.
Tensor<float> exact_values(const Shape& shape, unsigned seed) {
  const Tensor<float> x = random_tensor<float>(shape, seed);
  for (float& v : x.host()) v = static_cast<float>(bfloat16(v));
  return x;
}

Tensor<bfloat16> narrowed(const Tensor<float>& x) { return narrow<bfloat16>(x.to(there)); }

template <class T>
std::vector<float> floats(const Tensor<T>& t) {
  return widen(t).to_vector();
}

TEST_CASE("bfloat16 tensors: rounding, filling, the way back") {
  for (const Device device : {Device::cpu(), there}) {
    CAPTURE(text(device));
    const auto x = Tensor<float>::from({1.0f, -2.5f, 1.00390625f, 1.01171875f, 3e38f, -0.0f}, {6}, device);
    const Tensor<bfloat16> y = narrow<bfloat16>(x);
    CHECK(floats(y) == std::vector<float>{1.0f, -2.5f, 1.0f, 1.015625f, std::bit_cast<float>(0x7f620000u), -0.0f});
    CHECK(floats(Tensor<bfloat16>::full({3}, bfloat16(0.1f), device)) == std::vector<float>(3, 0.10009765625f));
    CHECK(Tensor<bfloat16>::scalar(bfloat16(7.0f), device).item() == 7.0f);
  }
  CHECK(widen(exact_values({4}, 1)).to_vector() == exact_values({4}, 1).to_vector());
  CHECK(contains(error_of([] {
          const Variable<bfloat16> x(Tensor<bfloat16>::zeros({2}));
          ops::exp(x);
        }),
        "device cpu: it has no kernel 'unary'"));
}

/// A two-layer loss of x(4,6) under w(6,5) and v(5,1), its sums in the wide type.
template <class T>
Variable<wide_t<T>> two_layer_loss(const Variable<T>& x, const Variable<T>& w, const Variable<T>& v) {
  const Variable<T> h = ops::tanh(ops::matmul(x, w));
  return nn::bce_with_logits(widen(ops::matmul(h, v)), 1) + ops::mean(ops::square(widen(h)));
}

TEST_CASE("grad() goes through widen(), from every value that was widened") {
  const Tensor<float> x = exact_values({4, 6}, 1), w = exact_values({6, 5}, 2), v = exact_values({5, 1}, 3);
  const Variable<float> wf(w, true), vf(v, true);
  const Variable<float> expected = two_layer_loss<float>(x, wf, vf);
  const std::vector<Variable<float>> dexpected = grad(expected, {wf, vf});

  const Variable<bfloat16> wb(narrowed(w), true), vb(narrowed(v), true);
  const Variable<float> found = two_layer_loss<bfloat16>(narrowed(x), wb, vb);
  CHECK(std::fabs(found.item() - expected.item()) <= 8 * bf16_eps * std::fabs(expected.item()));
  const std::vector<Variable<bfloat16>> dfound = grad(found, {wb, vb});
  for (std::size_t i = 0; i < 2; ++i) {
    double largest = 0;
    for (double e : array(dexpected[i])) largest = std::max(largest, std::fabs(e));
    const std::vector<float> values = floats(dfound[i].value());
    const auto want = array(dexpected[i]);
    for (std::size_t k = 0; k < values.size(); ++k)  // four roundings on the way, each of numbers up to the largest
      CHECK(std::fabs(static_cast<double>(values[k]) - want[k]) <= 8 * bf16_eps * largest);
  }
}

TEST_CASE("widen(): what it refuses, and what it leaves alone") {
  const Variable<bfloat16> w(narrowed(exact_values({2, 2}, 1)), true);
  const Variable<float> y = ops::sum(widen(w));
  CHECK(contains(error_of([&] { grad(y, {w}, {.create_graph = true}); }), "cannot be differentiated in turn"));
  const Variable<float> f(exact_values({2}, 1), true);
  CHECK(widen(f) == f);
  CHECK(!widen(w.detach()).requires_grad());
  {
    const NoGrad no_grad;
    CHECK(!widen(w).requires_grad());
  }
  const Variable<bfloat16> other(narrowed(exact_values({3}, 1)), true);
  CHECK(floats(grad(y, {other})[0].value()) == std::vector<float>(3, 0.0f));
}

TEST_CASE("A model that follows another has its weights, rounded, and its very statistics") {
  gan::Networks<float> masters = tiny_networks(1);
  masters.to(there);
  gan::Networks<bfloat16> copies = tiny_networks<bfloat16>(2);
  copies.follow(masters);
  const auto check_followed = [&] {
    const auto p = copies.generator.parameters();
    const auto of = masters.generator.parameters();
    for (std::size_t i = 0; i < p.size(); ++i)
      CHECK(floats(p[i].value()) == floats(narrow<bfloat16>(of[i].value())));
  };
  check_followed();
  const auto statistics = copies.generator.buffers(), originals = masters.generator.buffers();
  REQUIRE(statistics.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) CHECK(statistics[i].value().shares_storage(originals[i].value()));

  const bfloat16* const before = copies.generator.parameters()[0].value().data();
  masters.generator.parameters()[0].value().fill(0.3f);
  copies.follow(masters);
  check_followed();
  CHECK(copies.generator.parameters()[0].value().data() == before);  // captured steps know the address

  Generator random(1);
  const nn::Dense<bfloat16> narrow_layer(3, 4, {}, random);
  const nn::Dense<float> wide_layer(3, 5, {}, random);
  CHECK(contains(error_of([&] { nn::follow(narrow_layer, wide_layer); }), "kernel (3, 4) and kernel (3, 5)"));
}

TEST_CASE("Masters take updates too small for bfloat16") {
  const Variable<bfloat16> w(Tensor<bfloat16>::full({5}, bfloat16(1.0f), there), true);
  const auto master = Tensor<float>::full({5}, 1.0f, there);
  const Variable<bfloat16> g(Tensor<bfloat16>::full({5}, bfloat16(1.0f), there));
  SECTION("sgd") {
    optim::Sgd<bfloat16> sgd({w}, {.learning_rate = 0x1p-11}, {master});
    for (int i = 1; i <= 8; ++i) {
      sgd.step({g});
      CHECK(master.to_vector()[4] == 1.0f - static_cast<float>(i) * 0x1p-11f);
      CHECK(floats(w.value())[4] == (i <= 4 ? 1.0f : 1.0f - 0x1p-8f));  // 4 steps are half a unit: a tie, to even
    }
  }
  SECTION("adam, against that of the masters alone") {
    const Variable<float> alone(Tensor<float>::full({5}, 1.0f, there), true), gf(Tensor<float>::full({5}, 1.0f, there));
    optim::Adam<bfloat16> adam({w}, {}, {master});
    optim::Adam<float> reference({alone});
    for (int i = 0; i < 5; ++i) {
      adam.step({g});
      reference.step({gf});
    }
    CHECK(master.to_vector() == alone.value().to_vector());
    CHECK(floats(w.value()) == floats(narrow<bfloat16>(master)));
  }
  SECTION("masters must fit") {
    CHECK(contains(error_of([&] { optim::Adam<bfloat16>({w}, {}, {Tensor<float>::zeros({4}, there)}); }), "master 0 has shape"));
    CHECK(contains(error_of([&] { optim::Adam<bfloat16>({w}, {}, {master, master}); }), "2 masters for 1 parameters"));
    CHECK(contains(error_of([&] {
            optim::Adam<float>({Variable<float>(master, true)}, {}, {master});
          }), "masters are for parameters of a narrower type"));
  }
}

}  // namespace
}  // namespace tinygan
