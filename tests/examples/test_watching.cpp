// Throughput and health: what a trainer tells about its run.
#include <cmath>
#include <string>
#include <vector>

#include "../../examples/dcgan_mnist/run/health.hpp"
#include "../../examples/dcgan_mnist/run/throughput.hpp"

#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using dcgan_mnist::HealthWatch;
using dcgan_mnist::Throughput;
using support::contains;

TEST_CASE("throughput is that of the last window, and the time left follows from it") {
  Throughput t(100, 0, 10);
  CHECK(t.images_per_second() == 0);
  CHECK(t.seconds_to(1000) == 0);
  for (int i = 1; i <= 50; ++i) t.add(100 + i, 100 * i);  // 100 a second
  CHECK(t.images_per_second() == 100);
  CHECK(t.seconds_to(6000) == 10);
  for (int i = 1; i <= 5; ++i) t.add(150 + i, 5000 + 200 * i);
  CHECK(t.images_per_second() == 150);  // five seconds at 100, five at 200
  for (int i = 6; i <= 10; ++i) t.add(150 + i, 5000 + 200 * i);
  CHECK(t.images_per_second() == 200);
  CHECK(t.seconds_to(7000) == 0);
  CHECK(t.seconds_to(0) == 0);
}

TEST_CASE("throughput of a resumed run counts its own images only") {
  Throughput t(7, 1000000);
  t.add(8, 1000050);
  CHECK(t.images_per_second() == 50);
  CHECK(t.seconds_to(1000150) == 2);
}

TEST_CASE("throughput leaves out what is no training time") {
  Throughput t(0, 0);
  t.add(1, 100);
  t.pause(30);  // from 1 to 31
  t.add(32, 200);
  t.pause(8);
  t.add(41, 300);
  CHECK(t.images_per_second() == 100);
}

TEST_CASE("steps longer than the window still have a speed") {
  Throughput t(0, 0, 10);
  t.add(60, 120);
  CHECK(t.images_per_second() == 2);
  t.add(90, 240);
  CHECK(t.images_per_second() == 4);
}

TEST_CASE("variety is the mean over pixels of the variance over images") {
  CHECK(dcgan_mnist::variety(std::vector<float>{1, 5, 1, 5, 1, 5}, 3) == 0);
  CHECK(dcgan_mnist::variety(std::vector<float>{0, 0, 2, 6}, 2) == (1.0 + 9.0) / 2);
  CHECK(contains(support::error_of([] {
                   dcgan_mnist::variety(std::vector<float>{1, 2, 3}, 2);
                 }),
                 "3 pixels in 2 images"));
}

TEST_CASE("a one-sided game is hinted at once, after it has lasted, and again only after it was healthy") {
  HealthWatch watch(1, 10);
  const auto hints = [&](double real, double fake, int steps) {
    int count = 0;
    for (int i = 0; i < steps; ++i) count += watch.step(real, fake).empty() ? 0 : 1;
    return count;
  };
  CHECK(hints(0.7, 0.3, 100) == 0);
  CHECK(hints(0.99, 0.01, 9) == 0);
  CHECK(hints(0.7, 0.3, 1) == 0);  // the spell is broken
  CHECK(hints(0.99, 0.01, 9) == 0);
  CHECK(contains(watch.step(0.99, 0.01), "one-sided for 10 steps: the discriminator recognises every image"));
  CHECK(hints(0.99, 0.01, 1000) == 0);
  CHECK(hints(0.7, 0.3, 1) == 0);
  CHECK(hints(0.99, 0.01, 20) == 1);
  CHECK(hints(0.7, 0.3, 1) == 0);
  CHECK(hints(0.5, 0.95, 9) == 0);
  CHECK(contains(watch.step(0.5, 0.95), "stopped telling real from generated"));
}

TEST_CASE("gradients that vanish or explode are judged by the run's own beginning, after they have lasted, once") {
  const auto watch_of = [](double usual) {
    HealthWatch watch(1);
    for (int i = 0; i < HealthWatch::early_norms; ++i) {
      REQUIRE(watch.gradient(i % 5 == 0 ? 100 * usual : usual).empty());  // the median, not the mean
      REQUIRE(watch.gradient(std::nan("")).empty());                      // not measured
    }
    return watch;
  };
  const auto hints = [](HealthWatch& watch, double norm, int steps) {
    std::string all;
    for (int i = 0; i < steps; ++i) all += watch.gradient(norm);
    return all;
  };
  for (const double usual : {1e-4, 0.5, 1e3}) {
    HealthWatch watch = watch_of(usual);
    CHECK(hints(watch, usual / 500, 100).empty());
    CHECK(hints(watch, usual * 500, 100).empty());
    CHECK(hints(watch, usual / 2000, HealthWatch::early_norms - 1).empty());
    CHECK(hints(watch, usual, 1).empty());  // the spell is broken
    CHECK(hints(watch, usual / 2000, HealthWatch::early_norms - 1).empty());
    CHECK(contains(hints(watch, usual / 2000, 1), "the generator's gradients have vanished"));
    CHECK(hints(watch, usual / 2000, 1000).empty());  // said already
    CHECK(hints(watch, usual * 2000, HealthWatch::early_norms - 1).empty());
    CHECK(contains(hints(watch, usual * 2000, 1), "the generator's gradients explode"));
    CHECK(hints(watch, usual * 2000, 1000).empty());
  }
  HealthWatch watch = watch_of(0.5);
  CHECK(hints(watch, 1e-4, HealthWatch::early_norms) ==
        "hint: the generator's gradients have vanished: their length is 0.0001, it was 0.5 at the beginning of the "
        "run; it "
        "learns nothing any more; try --loss bce or hinge, a larger --r1, or a lower --learning-rate-d");
  HealthWatch zero = watch_of(0);
  CHECK(hints(zero, 1, 100).empty());
}

TEST_CASE("images that are all alike are called collapsed, but not before the generator had time to learn") {
  const std::vector<float> alike{0.5f, 0.1f, 0.52f, 0.1f, 0.5f, 0.12f}, varied{-1, 1, 1, -1, 0.5f, 0.1f};
  HealthWatch watch(dcgan_mnist::variety(varied, 3));
  CHECK(watch.grid(alike, 3, 0).empty());
  CHECK(watch.grid(alike, 3, 499).empty());
  CHECK(contains(watch.grid(alike, 3, 500),
                 "looks collapsed: its images differ from each other 0 % as much as real ones"));
  CHECK(watch.grid(alike, 3, 600).empty());  // said already
  CHECK(watch.grid(varied, 3, 700).empty());
  CHECK_FALSE(watch.grid(alike, 3, 800).empty());
}
