#include <tinygan/optim/parameter_groups.hpp>

#include <tinygan/optim/adam.hpp>
#include <tinygan/optim/rmsprop.hpp>
#include <tinygan/optim/sgd.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;
using V = Variable<float>;

namespace {

V parameter(const Shape& shape, unsigned seed) { return V(random_tensor<float>(shape, seed), true); }

std::vector<V> gradients(const std::vector<V>& parameters, unsigned seed) {
  std::vector<V> grads;
  for (const V& p : parameters) grads.push_back(random_tensor<float>(p.shape(), seed++));
  return grads;
}

/// An optimiser with two groups gives the bits of two optimisers, and of one where the groups agree.
template <class Optimiser, class Hyper>
void check_groups(const Hyper& first, const Hyper& second) {
  const auto parameters = [] { return std::vector<V>{parameter({3, 7}, 1), parameter({5}, 2), parameter({2, 2}, 3)}; };
  const std::vector<V> a = parameters(), b = parameters();
  using Group = optim::ParameterGroup<float, Hyper>;
  Optimiser grouped(std::vector{Group{{a[0], a[1]}, first}, Group{{a[2]}, second}});
  Optimiser one({b[0], b[1]}, first), other({b[2]}, second);
  REQUIRE(grouped.group_count() == 2);
  CHECK(grouped.hyper(1).learning_rate == second.learning_rate);
  for (unsigned t = 0; t < 3; ++t) {
    const std::vector<V> grads = gradients(a, 10 * t);
    grouped.step(grads);
    one.step({grads[0], grads[1]});
    other.step({grads[2]});
  }
  CHECK(grouped.steps() == 3);
  CHECK(same_bits(snapshot(a), snapshot(b)));
  CHECK_FALSE(same_bits(snapshot(a), snapshot(parameters())));
}

}  // namespace

TEST_CASE("parameter groups: each has its own hyper-parameters, in every optimiser") {
  check_groups<optim::Adam<float>>(AdamHyper{.learning_rate = 0.1}, AdamHyper{.learning_rate = 0.01, .beta1 = 0.5});
  check_groups<optim::AdamW<float>>(optim::AdamWHyper{.weight_decay = 0.1}, optim::AdamWHyper{.weight_decay = 0});
  check_groups<optim::RmsProp<float>>(optim::RmsPropHyper{.rho = 0.5}, optim::RmsPropHyper{.learning_rate = 0.1});
  check_groups<optim::Sgd<float>>(SgdHyper{.learning_rate = 0.1, .momentum = 0.9}, SgdHyper{.learning_rate = 0.2});
}

TEST_CASE("parameter groups: set_hyper changes one of them") {
  const V p(Tensor<float>::zeros({1}), true), q(Tensor<float>::zeros({1}), true), one(Tensor<float>::full({1}, 1.0f));
  optim::Sgd<float> sgd(std::vector{optim::ParameterGroup{std::vector{p}, SgdHyper{.learning_rate = 0.5}},
                                    optim::ParameterGroup{std::vector{q}, SgdHyper{.learning_rate = 0.5}}});
  sgd.set_hyper({.learning_rate = 0.25}, 1);
  sgd.step({one, one});
  CHECK(array(p) == Array{-0.5});
  CHECK(array(q) == Array{-0.25});
}

TEST_CASE("weight decay on kernels only: biases and norms are a group without") {
  const V kernel = parameter({2, 3}, 1), bias = parameter({3}, 2), filter = parameter({1, 1, 3, 2}, 3),
          scale = parameter({}, 4);
  const auto groups =
      optim::decay_kernels_only(std::vector{kernel, bias, filter, scale}, optim::AdamWHyper{.weight_decay = 0.5});
  REQUIRE(groups.size() == 2);
  CHECK((groups[0].hyper.weight_decay == 0.5 && groups[1].hyper.weight_decay == 0));
  REQUIRE((groups[0].parameters.size() == 2 && groups[1].parameters.size() == 2));
  CHECK(groups[0].parameters[1].node() == filter.node());
  CHECK(groups[1].parameters[0].node() == bias.node());

  const std::vector<Tensor<float>> before = snapshot<float>({kernel, bias});
  optim::AdamW adam(optim::decay_kernels_only(std::vector{kernel, bias}, optim::AdamWHyper{.learning_rate = 0.5}));
  adam.step({V(Tensor<float>::zeros({2, 3})), V(Tensor<float>::zeros({3}))});
  CHECK(same_bits(before[1], bias.value()));
  for (std::size_t i = 0; i < 6; ++i)  // p (1 - 0.5 * 0.01), a rounding of the factor and one of the product
    CHECK(std::fabs(array(kernel)[i] - 0.995 * array(before[0])[i]) <= std::numeric_limits<float>::epsilon());

  CHECK(optim::decay_kernels_only(std::vector{bias}, SgdHyper{}).size() == 1);
  CHECK(optim::decay_kernels_only(std::vector<V>{}, SgdHyper{}).empty());
}

TEST_CASE("parameter groups: errors") {
  using Group = optim::ParameterGroup<float, AdamHyper>;
  const V p = parameter({2}, 1), q = parameter({3}, 2);
  CHECK(error_of([&] { optim::Adam<float>(std::vector<Group>{}); }) == "adam: no parameters");
  CHECK(error_of([&] {
          optim::Adam<float>(std::vector{Group{{p}, {}}, Group{}});
        }) == "adam: group 1 has no parameters");
  CHECK(error_of([&] {
          optim::Adam<float>(std::vector{Group{{p, q}, {}}, Group{{p}, {}}});
        }) == "adam: parameters 0 and 2 are the same; expected every parameter once, or it is updated twice");
  CHECK(error_of([&] {
          optim::Adam<float>(std::vector{Group{{p}, {}}, Group{{q}, {.beta2 = 1}}});
        }) == "adam: beta2 is 1, expected at least 0 and below 1");
  optim::Adam<float> adam({p});
  CHECK(error_of([&] { adam.hyper(1); }) == "adam: there is no group 1 among 1");
  CHECK(error_of([&] { adam.set_hyper({}, 2); }) == "adam: there is no group 2 among 1");
}

TEST_CASE("AdamW is Adam with decoupled weight decay") {
  const V p = parameter({40}, 1), q = parameter({40}, 1), r = parameter({40}, 1);
  optim::AdamW<float> adamw({p}, {.learning_rate = 0.01});
  optim::Adam<float> adam({q}, {.learning_rate = 0.01, .weight_decay = 0.01}), plain({r}, {.learning_rate = 0.01});
  for (unsigned t = 0; t < 3; ++t) {
    const V g(random_tensor<float>({40}, 10 + t));
    adamw.step({g});
    adam.step({g});
    plain.step({g});
  }
  CHECK(same_bits(p.value(), q.value()));
  CHECK_FALSE(same_bits(p.value(), r.value()));
  CHECK(same_bits(adamw.first_moments()[0], adam.first_moments()[0]));
  CHECK(same_bits(adamw.second_moments()[0], adam.second_moments()[0]));
  CHECK(error_of([&] { optim::AdamW<float>({p}, {.weight_decay = -1}); }) ==
        "adamw: weight decay is -1, expected a finite non-negative number");
}

TEST_CASE("RMSProp equals a naive loop, with and without weight decay, on every device") {
  constexpr double eps = std::numeric_limits<float>::epsilon();
  for (const Device device : {Device::cpu(), Device::emulated()})
    for (const double decay : {0.0, 0.5}) {
      const optim::RmsPropHyper h{.learning_rate = 0.01, .rho = 0.75, .epsilon = 1e-3, .weight_decay = decay};
      const V p(random_tensor<float>({37}, 1).to(device), true);
      Array x = array(p), v(37, 0.0);
      optim::RmsProp<float> rmsprop({p}, h);
      for (unsigned t = 1; t <= 5; ++t) {
        const Tensor<float> g = random_tensor<float>({37}, 10 + t);
        for (std::size_t i = 0; i < 37; ++i) {
          const double gi = array(g)[i];
          v[i] = h.rho * v[i] + (1 - h.rho) * gi * gi;
          x[i] -= h.learning_rate * (decay * x[i] + gi / (std::sqrt(v[i]) + h.epsilon));
        }
        rmsprop.step({V(g.to(device))});
        // p rounds its factor and two sums, all below 1.1; an update, at most two rates long, some ten times.
        const Array found = array(p);
        for (std::size_t i = 0; i < 37; ++i) CHECK(std::fabs(found[i] - x[i]) <= t * eps / 2 * (4 + 10 * 2 * 0.01));
      }
      const Array found = array(rmsprop.mean_squares()[0]);
      for (std::size_t i = 0; i < 37; ++i) CHECK(std::fabs(found[i] - v[i]) <= 5 * 4 * eps / 2);
    }
  const V p = parameter({2}, 1);
  CHECK(error_of([&] { optim::RmsProp<float>({p}, {.rho = 1}); }) ==
        "rmsprop: rho is 1, expected at least 0 and below 1");
  CHECK(error_of([&] { optim::RmsProp<float>({p}, {.epsilon = 0}); }) ==
        "rmsprop: epsilon is 0, expected a finite positive number");
}

TEST_CASE("Adam's defaults are the paper's, and gan() is DCGAN's") {
  constexpr AdamHyper paper, gan = AdamHyper::gan();
  CHECK((paper.learning_rate == 1e-3 && paper.beta1 == 0.9 && paper.beta2 == 0.999 && paper.epsilon == 1e-8));
  CHECK((gan.learning_rate == 2e-4 && gan.beta1 == 0.5 && gan.beta2 == 0.999 && gan.epsilon == 1e-8));
  CHECK((paper.weight_decay == 0 && gan.weight_decay == 0 && gan.bias_correction && !gan.epsilon_hat));
}
