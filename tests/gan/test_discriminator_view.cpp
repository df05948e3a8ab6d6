// The discriminator's view: off it is nothing at all, noise has its standard deviation and a gradient of one.
#include <cmath>

#include <tinygan/gan/discriminator_view.hpp>
#include <tinygan/gan/step.hpp>

#include "models/tiny_networks.hpp"
#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;

TEST_CASE("a view with every option off is the images themselves, without a draw") {
  Generator random(1);
  const Variable<float> x = random_normal<float>({2, 4, 4, 1}, random);
  const std::uint32_t draws = random.draw();
  const Variable<float> y = gan::DiscriminatorView<float>()(x, random);
  CHECK(y.value().data() == x.value().data());
  CHECK(random.draw() == draws);
}

TEST_CASE("instance noise: another draw in each call, of its standard deviation, its gradient the identity") {
  constexpr index_t count = 16 * 28 * 28;
  Generator random(1);
  const Variable<double> x(Tensor<double>::zeros({16, 28, 28, 1}), true);
  const gan::DiscriminatorView<double> view({.noise = 0.25});
  const Variable<double> first = view(x, random), second = view(x, random);
  CHECK_FALSE(same_bits(first.value(), second.value()));
  double squares = 0;
  for (const double v : first.value().host()) squares += v * v;
  // The variance's estimate has a standard deviation of sqrt(2 / count) of it; six of those.
  CHECK(std::abs(squares / count / (0.25 * 0.25) - 1) < 6 * std::sqrt(2.0 / count));
  for (const double g : grad(ops::sum(first), {x})[0].value().host()) REQUIRE(g == 1);
}

TEST_CASE("noise that is no standard deviation is an error") {
  CHECK(support::error_of([] { gan::DiscriminatorView<float>({.noise = -0.1}); }) ==
        "DiscriminatorView: standard deviation -0.1 of the noise, expected a finite number of at least 0");
  for (const double noise : {std::nan(""), double{INFINITY}})
    CHECK_THROWS_AS(gan::DiscriminatorView<float>({.noise = noise}), Error);
  CHECK(support::error_of([] {
          gan::DiscriminatorView<float>({.noise_decay = {.decay = RateSchedule::Decay::linear, .begin = 5, .end = 4}});
        }) == "DiscriminatorView: the schedule decays from update 5 to 4, expected begin < end");
}

TEST_CASE("a step with noise trains another discriminator than one without, and of the same bits twice") {
  const auto trained = [](double noise) {
    models::Networks<float> networks = tiny_networks(1);
    gan::AdversarialStep<float> step(networks, AdamHyper::gan(), AdamHyper::gan(), {}, {.noise = noise});
    Generator random(3);
    const Tensor<float> images = tiny_images(1);
    for (int i = 0; i < 2; ++i) {
      random.next_step();
      step(images, random);
    }
    return snapshot(networks.discriminator.parameters());
  };
  CHECK(same_bits(trained(0.1), trained(0.1)));
  CHECK_FALSE(same_bits(trained(0.1), trained(0)));
}
