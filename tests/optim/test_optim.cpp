#include <tinygan/optim/adam.hpp>
#include <tinygan/optim/clip.hpp>
#include <tinygan/optim/ema.hpp>
#include <tinygan/optim/sgd.hpp>

#include <tinygan/ops/norms.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;
using V = Variable<float>;

namespace {

V parameter(const Shape& shape, unsigned seed) { return V(random_tensor<float>(shape, seed), true); }

void check_near(const Tensor<float>& found, const Array& expected, double tolerance) {
  const Array a = array(found);
  REQUIRE(a.size() == expected.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CAPTURE(i, a[i], expected[i]);
    REQUIRE(std::fabs(a[i] - expected[i]) <= tolerance);
  }
}

constexpr double eps = std::numeric_limits<float>::epsilon();

}  // namespace

TEST_CASE("Adam equals a naive loop, in both forms of epsilon, with and without decay") {
  for (const bool epsilon_hat : {false, true})
    for (const double decay : {0.0, 0.1}) {
      CAPTURE(epsilon_hat, decay);
      const AdamHyper h{.learning_rate = 0.01,
                        .beta1 = 0.5,
                        .beta2 = 0.99,
                        .epsilon = 1e-3,
                        .weight_decay = decay,
                        .epsilon_hat = epsilon_hat};
      // Sizes of less than a vector, of several, and a scalar; all in one kernel call.
      const std::vector<V> ps{parameter({3}, 1), parameter({7, 19}, 2), parameter({}, 3)};
      std::vector<Array> p, m, v;
      for (const V& x : ps) p.push_back(array(x)), m.push_back(Array(p.back().size(), 0.0)), v.push_back(m.back());
      optim::Adam<float> adam(ps, h);
      for (unsigned t = 1; t <= 10; ++t) {
        std::vector<V> grads;
        for (std::size_t k = 0; k < ps.size(); ++k) {
          grads.push_back(random_tensor<float>(ps[k].shape(), 100 * t + static_cast<unsigned>(k)));
          const Array g = array(grads.back());
          for (std::size_t i = 0; i < g.size(); ++i) {
            m[k][i] = h.beta1 * m[k][i] + (1 - h.beta1) * g[i];
            v[k][i] = h.beta2 * v[k][i] + (1 - h.beta2) * g[i] * g[i];
            const double c1 = 1 - std::pow(h.beta1, t), c2 = 1 - std::pow(h.beta2, t);
            p[k][i] -= h.learning_rate * decay * p[k][i];
            p[k][i] -= epsilon_hat ? h.learning_rate * std::sqrt(c2) / c1 * m[k][i] / (std::sqrt(v[k][i]) + h.epsilon)
                                   : h.learning_rate * (m[k][i] / c1) / (std::sqrt(v[k][i] / c2) + h.epsilon);
          }
        }
        adam.step(grads);
        // Each step rounds p once, and its own length (a few learning rates) some sixteen times.
        for (std::size_t k = 0; k < ps.size(); ++k)
          check_near(ps[k].value(), p[k], t * eps * (2 + 16 * 5 * h.learning_rate));
      }
      CHECK(adam.steps() == 10);
      for (std::size_t k = 0; k < ps.size(); ++k) {
        check_near(adam.first_moments()[k], m[k], 10 * 4 * eps);
        check_near(adam.second_moments()[k], v[k], 10 * 4 * eps);
      }
    }
}

TEST_CASE("Adam's first step is one learning rate long, whatever the gradient's size") {
  const V p(Tensor<float>::zeros({2}), true);
  optim::Adam<float> adam({p}, {.learning_rate = 0.5, .epsilon = 1e-12});
  adam.step({V(Tensor<float>::from({1e-4f, -1e4f}, {2}))});
  check_near(p.value(), {-0.5, 0.5}, 8 * eps);
}

TEST_CASE("Adam with a clock in use: its step is the number of updates, and it has to tick first") {
  const V gradient(random_tensor<float>({5}, 8));
  V x = parameter({5}, 7), y = parameter({5}, 7);
  optim::Adam<float> counts({x}, {.learning_rate = 0.1}), follows({y}, {.learning_rate = 0.1});
  const StepClock clock;
  follows.use_clock(clock);
  CHECK(error_of([&] { follows.step({gradient}); }) ==
        "adam: the clock in use is at step 0, expected tick() before the first update");
  for (int step = 1; step <= 3; ++step) {
    clock.tick();
    follows.step({gradient});
    counts.step({gradient});
    CHECK(follows.steps() == counts.steps());
  }
  CHECK(y.value().to_vector() == x.value().to_vector());
}

TEST_CASE("Adam's rate decays over its updates, and goes on from a restored count") {
  // With beta1 0 and a gradient of 1 every update is one learning rate long.
  const V one(Tensor<float>::full({1}, 1.0f));
  const AdamHyper hyper{
      .learning_rate = 0.5, .beta1 = 0, .epsilon = 1e-12, .schedule = optim::linear_schedule({.begin = 2, .end = 4})};
  const V p(Tensor<float>::zeros({1}), true), resumed(Tensor<float>::zeros({1}), true);
  optim::Adam<float> adam({p}, hyper), later({resumed}, hyper);
  double at = 0;
  for (const double rate : {0.5, 0.5, 0.5, 0.25, 0.0, 0.0}) {
    adam.step({one});
    at -= rate;
    check_near(p.value(), {at}, 16 * eps);
  }
  later.set_steps(3);
  later.second_moments()[0].fill(1 - std::pow(0.999f, 3.0f));  // as after three gradients of 1
  later.step({one});
  check_near(resumed.value(), {-0.25}, 1e-4);
}

TEST_CASE("two optimisers over disjoint parameters do not touch each other's parameters or state") {
  const V a = parameter({5}, 1), b = parameter({6}, 2);
  optim::Adam<float> first({a}), second({b});
  const auto b_before = snapshot<float>({b});
  first.step({V(random_tensor<float>({5}, 3))});
  CHECK(same_bits(b_before, snapshot<float>({b})));
  CHECK(second.steps() == 0);
  CHECK(array(second.first_moments()[0]) == Array(6, 0.0));
  CHECK(array(second.second_moments()[0]) == Array(6, 0.0));
  CHECK(first.steps() == 1);
}

TEST_CASE("a zero gradient and a zero learning rate change nothing") {
  const V p = parameter({17}, 1);
  const auto before = snapshot<float>({p});
  optim::Adam<float>({p}).step({V(Tensor<float>::zeros({17}))});
  optim::Adam<float>({p}, {.learning_rate = 0}).step({V(random_tensor<float>({17}, 2))});
  optim::Sgd<float>({p}).step({V(Tensor<float>::zeros({17}))});
  CHECK(same_bits(before, snapshot<float>({p})));
}

TEST_CASE("SGD equals a naive loop") {
  for (const SgdHyper& h : {SgdHyper{.learning_rate = 0.1}, SgdHyper{.learning_rate = 0.1, .momentum = 0.9},
                            SgdHyper{.learning_rate = 0.1, .momentum = 0.9, .nesterov = true},
                            SgdHyper{.learning_rate = 0.1, .momentum = 0.5, .weight_decay = 0.25}}) {
    const V x = parameter({37}, 1);
    Array p = array(x), m(p.size(), 0.0);
    optim::Sgd<float> sgd({x}, h);
    for (unsigned t = 1; t <= 5; ++t) {
      const Tensor<float> gradient = random_tensor<float>({37}, 10 + t);
      const Array g = array(gradient);
      for (std::size_t i = 0; i < p.size(); ++i) {
        const double d = g[i] + h.weight_decay * p[i];
        m[i] = h.momentum * m[i] + d;
        p[i] -= h.learning_rate * (h.nesterov ? d + h.momentum * m[i] : m[i]);
      }
      sgd.step({V(gradient)});
      // d, m and the step are sums of products of at most |d| < 2 and |m| < 10 (1.25 / (1 - 0.9), at 5 steps less), with 6
      // roundings; earlier errors shrink. p takes a tenth of them, and a rounding of its own, below 4.
      check_near(x.value(), p, t * eps / 2 * (6 * 10 * h.learning_rate + 4));
      if (h.momentum > 0) check_near(sgd.momentum_buffers()[0], m, t * eps / 2 * 6 * 10);
    }
  }
}

TEST_CASE("step() takes what backward accumulated") {
  const V p(Tensor<float>::from({1, 2}, {2}), true);
  optim::Sgd<float> sgd({p}, {.learning_rate = 0.5});
  backward(ops::sum(p * p));
  sgd.step();
  CHECK(array(p) == Array{0, 0});
  sgd.clear_grads();
  CHECK(error_of([&] { sgd.step(); }) == "sgd: parameter 0 has no gradient; call backward() first");
}

TEST_CASE("clipping by value") {
  const V g(Tensor<float>::from({-3, -1, 0.5f, 2}, {4}));
  CHECK(array(optim::clip_by_value<float>({g}, 1)[0]) == Array{-1, -1, 0.5, 1});
  CHECK(array(g) == Array{-3, -1, 0.5, 2});
}

TEST_CASE("clipping by global norm scales all gradients alike, and only long ones") {
  const V a(Tensor<float>::from({3, 0}, {2})), b(Tensor<float>::from({4}, {1}));
  const auto [clipped, norm] = optim::clip_by_global_norm<float>({a, b}, 1);
  CHECK(std::fabs(norm.item() - 5) <= 8 * eps * 5);
  // Of sum, root, sum, quotient and product one rounding each, and two of the squares.
  check_near(clipped[0].value(), {3 / (5 + 1e-6), 0}, 8 * eps);
  check_near(clipped[1].value(), {4 / (5 + 1e-6)}, 8 * eps);
  CHECK(array(a) == Array{3, 0});
  const auto [kept, same] = optim::clip_by_global_norm<float>({a, b}, 10);
  CHECK(array(kept[0]) == Array{3, 0});
  CHECK(array(kept[1]) == Array{4});
}

TEST_CASE("clipping weights: in place, on every device, of bfloat16 the master and then the rounded weight") {
  for (const Device device : {Device::cpu(), Device::emulated()}) {
    const V w(Tensor<float>::from({-3, -0.5, 0.25, 4}, {4}, device), true);
    const float* const at = w.value().data();
    const std::uint64_t version = w.value().version();
    optim::clip_weights<float>({w}, 0.5);
    CHECK(array(w) == Array{-0.5, -0.5, 0.25, 0.5});
    CHECK(w.value().data() == at);
    CHECK(w.value().version() != version);  // a tape that recorded the old weights notices

    const Variable<bfloat16> narrow(cast<bfloat16>(Tensor<float>::from({-3, 0.25}, {2}, device)), true);
    narrow.master();
    optim::clip_weights<bfloat16>({narrow}, 0.01);
    const double limit = static_cast<double>(0.01f);
    CHECK(array(narrow.master()) == Array{-limit, limit});
    CHECK(array(narrow) == Array{-0.010009765625, 0.010009765625});
  }
  CHECK(error_of([] { optim::clip_weights<float>({}, 0); }) == "clip_weights: limit 0, expected above 0");
  CHECK(error_of([] { optim::clip_weights<float>({V()}, 1); }) ==
        "clip_weights: parameter 0 is empty, expected a variable with a value");
}

TEST_CASE("gradients that share memory are clipped once each") {
  const Tensor<float> shared = Tensor<float>::full({4}, 10);
  const std::vector<V> grads{V(shared), V(shared)};
  const auto [clipped, norm] = optim::clip_by_global_norm<float>(grads, 1);
  const double each = 10 / (10 * std::sqrt(8.0) + 1e-6);  // a sum of 8 squares
  check_near(clipped[0].value(), Array(4, each), 8 * eps);
  check_near(clipped[1].value(), Array(4, each), 8 * eps);
  CHECK(array(grads[0]) == Array(4, 10.0));
}

TEST_CASE("the global norm of long tensors keeps its digits") {
  const V a(Tensor<float>::full({200001}, 0.01f)), b(Tensor<float>::full({3}, 0.01f));
  const double expected = static_cast<double>(0.01f) * std::sqrt(200004.0);
  CHECK(std::fabs(static_cast<double>(optim::global_norm<float>({a, b}).item()) - expected) <= 512 * eps * expected);
}

TEST_CASE("EMA follows its source, with and without warm-up") {
  const V source(Tensor<float>::full({5}, 1.0f), true), average(Tensor<float>::zeros({5}), true);
  optim::Ema<float> ema({source}, {average}, {.decay = 0.75, .warm_up = false});
  CHECK(array(average) == Array(5, 1.0));
  source.value().fill(5);
  ema.update();
  CHECK(array(average) == Array(5, 2.0));
  ema.update();
  CHECK(array(average) == Array(5, 2.75));
  CHECK(array(source) == Array(5, 5.0));
  CHECK(ema.updates() == 2);

  source.value().fill(0);
  optim::Ema<float> warm({source}, {average}, {.decay = 0.999});
  source.value().fill(11);
  warm.update();  // decay (1+1)/(10+1)
  check_near(average.value(), Array(5, 9.0), 8 * eps * 11);
  warm.set_updates(1000000);
  warm.update();
  check_near(average.value(), Array(5, 0.999 * 9 + 0.001 * 11), 16 * eps * 11);
}

TEST_CASE("a parameter that is listed twice is refused, by position, and so is memory that two share") {
  const V p = parameter({6}, 1), q = parameter({6}, 2);
  const std::string same = ": parameters 0 and 2 are the same; expected every parameter once, or it is updated twice";
  CHECK(error_of([&] { optim::Adam<float>({p, q, p}); }) == "adam" + same);
  CHECK(error_of([&] { optim::Sgd<float>({p, q, p}); }) == "sgd" + same);
  const V tied(p.value(), true), rows(p.value().reshape({2, 3}).rows(1, 2), true);
  CHECK(error_of([&] { optim::Sgd<float>({p, q, tied}); }) == "sgd" + same);
  CHECK(error_of([&] {
          optim::Sgd<float>({p, rows});
        }) == "sgd: parameters 0 and 1 overlap; expected every parameter once, or it is updated twice");
  const V first(p.value().reshape({2, 3}).rows(0, 1), true);
  optim::Sgd<float>({first, rows}, {.learning_rate = 1})
      .step({V(Tensor<float>::full({1, 3}, 1.0f)), V(Tensor<float>::zeros({1, 3}))});

  const V source = parameter({6}, 3), average = parameter({6}, 4);
  CHECK(error_of([&] {
          optim::Ema<float>({source, q}, {average, average});
        }) == "ema: averages 0 and 1 are the same; expected every average once, or it is updated twice");
  CHECK(error_of([&] {
          optim::Ema<float>({source, q}, {average, source});
        }) == "ema: average 1 and tensor 0 are the same; expected averages of their own");
  CHECK_NOTHROW(optim::Ema<float>({source, source}, {average, q}));
}

TEST_CASE("clipping gradients of 0 leaves 0, on every device") {
  for (const Device device : {Device::cpu(), Device::emulated()}) {
    const V g(Tensor<float>::zeros({5}, device));
    const auto [clipped, norm] = optim::clip_by_global_norm<float>({g}, 1);
    CHECK(array(clipped[0]) == Array(5, 0.0));
    CHECK(norm.item() == 0);
    CHECK(array(optim::clip_by_value<float>({g}, 1)[0]) == Array(5, 0.0));
  }
}

TEST_CASE("what was moved from says so instead of stepping") {
  optim::Adam<float> adam({parameter({2}, 1)});
  const optim::Adam<float> taken = std::move(adam);
  const std::string expected = "adam: there are no parameters: the optimiser was moved from";
  CHECK(error_of([&] { adam.step(); }) == expected);  // NOLINT: moved from on purpose
  CHECK(error_of([&] { adam.step({V(Tensor<float>::zeros({2}))}); }) == expected);
  CHECK(taken.parameters().size() == 1);
  optim::Ema<float> ema({parameter({2}, 1)}, {parameter({2}, 2)});
  const optim::Ema<float> kept = std::move(ema);
  CHECK(error_of([&] { ema.update(); }) == "ema: there are no tensors: the average was moved from");
}

TEST_CASE("optimisers name bad hyper-parameters and gradients") {
  const V p = parameter({2}, 1), constant(Tensor<float>::zeros({2}));
  const auto adam = [&](AdamHyper h) { return error_of([&] { optim::Adam<float>({p}, h); }); };
  CHECK(adam({.learning_rate = std::nan("")}) == "adam: learning rate is nan, expected a finite non-negative number");
  CHECK(adam({.schedule = {.decay = RateSchedule::Decay::linear, .begin = 5, .end = 5}}) ==
        "adam: the schedule decays from update 5 to 5, expected begin < end");
  CHECK(adam({.learning_rate = -1}) == "adam: learning rate is -1, expected a finite non-negative number");
  CHECK(adam({.learning_rate = HUGE_VAL}) == "adam: learning rate is inf, expected a finite non-negative number");
  CHECK(adam({.beta1 = 1}) == "adam: beta1 is 1, expected at least 0 and below 1");
  CHECK(adam({.beta2 = std::nan("")}) == "adam: beta2 is nan, expected at least 0 and below 1");
  CHECK(adam({.epsilon = 0}) == "adam: epsilon is 0, expected a finite positive number");
  CHECK(adam({.weight_decay = -0.5}) == "adam: weight decay is -0.5, expected a finite non-negative number");
  const auto sgd = [&](SgdHyper h) { return error_of([&] { optim::Sgd<float>({p}, h); }); };
  CHECK(sgd({.learning_rate = std::nan("")}) == "sgd: learning rate is nan, expected a finite non-negative number");
  CHECK(sgd({.momentum = 1}) == "sgd: momentum is 1, expected at least 0 and below 1");
  CHECK(error_of([] { optim::Adam<float>(std::vector<V>{}); }) == "adam: no parameters");
  CHECK(error_of([&] { optim::Adam<float>({constant}); }) == "adam: parameter 0 is not a leaf that requires gradients");
  CHECK(error_of([&] { optim::Adam<float>({p * 2}); }) == "adam: parameter 0 is not a leaf that requires gradients");
  optim::Adam<float> fine({p});
  CHECK(error_of([&] { fine.step(std::vector<V>{}); }) == "adam: 0 gradients for 1 parameters");
  CHECK(error_of([&] { fine.step({V{}}); }) == "adam: gradient 0 is empty");
  CHECK(error_of([&] { fine.step({V(Tensor<float>::zeros({3}))}); }) ==
        "adam: gradient 0 has shape (3,), expected (2,)");
  CHECK(error_of([&] { optim::clip_by_value<float>({constant}, 0); }) == "clip_by_value: limit 0, expected above 0");
  CHECK(error_of([&] { optim::clip_by_global_norm<float>({constant}, std::nanf("")); }) ==
        "clip_by_global_norm: norm nan, expected above 0");
  CHECK(error_of([] { optim::global_norm<float>({}); }) == "global_norm: no tensors");
  CHECK(error_of([&] { optim::Ema<float>({p}, {}); }) == "ema: 1 tensors and 0 averages");
  CHECK(error_of([&] {
          optim::Adam<float>({p, V{}});
        }) == "adam: parameter 1 is empty, expected a variable with a value");
  CHECK(error_of([&] {
          optim::Adam<float>({p, constant});
        }) == "adam: parameter 1 is not a leaf that requires gradients");
  CHECK(error_of([&] {
          optim::global_norm<float>({p, {}});
        }) == "global_norm: tensor 1 is empty, expected a variable with a value");
  CHECK(error_of([&] {
          optim::clip_by_value<float>({p, {}}, 1);
        }) == "clip_by_value: gradient 1 is empty, expected a variable with a value");
  CHECK(error_of([&] { optim::Adam<float>({p}).use_clock(StepClock(Device::emulated())); }) ==
        "adam: clock on emulated, expected cpu, the device of the parameters");
  CHECK(error_of([] { optim::Ema<float>({}, {}); }) == "ema: no tensors");
  CHECK(error_of([&] {
          optim::Ema<float>({p, V{}}, {constant, constant});
        }) == "ema: tensor 1 is empty, expected a variable with a value");
  CHECK(error_of([&] { optim::Ema<float>({p}, {parameter({3}, 2)}); }) ==
        "ema: average 0 has shape (3,), expected (2,)");
  CHECK(error_of([&] { optim::Ema<float>({p}, {p}, {.decay = 1}); }) ==
        "ema: decay 1, expected at least 0 and below 1");
}
