#include <tinygan/tensor/random.hpp>

#include <cmath>
#include <limits>
#include <thread>

#include <tinygan/cpu/thread_pool.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;

namespace {

struct Moments {
  double mean = 0, variance = 0, low = 0, high = 0;
};
Moments moments(const Array& v) {
  Moments m{0, 0, v[0], v[0]};
  for (double x : v)
    m.mean += x / static_cast<double>(v.size()), m.low = std::min(m.low, x), m.high = std::max(m.high, x);
  for (double x : v) m.variance += (x - m.mean) * (x - m.mean) / static_cast<double>(v.size());
  return m;
}

constexpr index_t many = 100003;  // a prime: no block of four ends with it
const double root = std::sqrt(static_cast<double>(many));

}  // namespace

TEST_CASE("random tensors have the same bits at any number of threads") {
  const int before = cpu::threads();
  const auto draw_all = [](int threads) {
    cpu::set_threads(threads);
    Generator g(11);
    return std::vector<Tensor<float>>{random_uniform<float>({many}, g), random_normal<float>({many}, g),
                                      random_bernoulli<float>({many}, 0.3f, g)};
  };
  const auto one = draw_all(1);
  CHECK(same_bits(one, draw_all(2)));
  CHECK(same_bits(one, draw_all(3)));
  cpu::set_threads(before);
}

TEST_CASE("an element does not depend on the size of its tensor") {
  Generator g(3), h(3);
  CHECK(same_bits(random_normal<float>({7}, g), random_normal<float>({1001}, h).rows(0, 7)));
}

TEST_CASE("every draw, step and seed gives other numbers; coming back gives the same") {
  Generator g(1);
  const auto a = random_uniform<float>({64}, g), b = random_uniform<float>({64}, g);
  CHECK_FALSE(same_bits(a, b));
  CHECK(g.draw() == 2);
  g.next_step();
  CHECK(g.step() == 1);
  CHECK(g.draw() == 0);
  const auto c = random_uniform<float>({64}, g);
  CHECK_FALSE(same_bits(a, c));
  g.set_step(0);
  CHECK(same_bits(a, random_uniform<float>({64}, g)));
  CHECK(same_bits(b, random_uniform<float>({64}, g)));
  g.reseed(2);
  CHECK(g.seed() == 2);
  CHECK_FALSE(same_bits(a, random_uniform<float>({64}, g)));
  g.next_step();
  g.reseed(1);
  CHECK(same_bits(a, random_uniform<float>({64}, g)));
}

TEST_CASE("uniform numbers are Philox's words, scaled") {
  Generator g(5);
  random_uniform<float>({3}, g);
  g.set_step(9);
  random_uniform<float>({3}, g);
  const Array y = array(random_uniform<float>({10}, g, -2.0f, 6.0f));  // draw 1 of step 9
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double u = uniform01(philox4x32(philox_counter(i / 4, 1, 9), 5)[i % 4]);
    CHECK(std::fabs(y[i] - (-2 + 8 * u)) <= 0x1p-24 * (8 + 6));  // of the product, below 8, and the sum, below 6
  }
}

TEST_CASE("moments of the distributions, within five standard errors") {
  Generator g(8);
  const Moments u = moments(array(random_uniform<float>({many}, g, -1.0f, 3.0f)));
  CHECK(u.low >= -1);
  CHECK(u.high < 3);
  CHECK(std::fabs(u.mean - 1) < 5 * std::sqrt(16.0 / 12) / root);
  CHECK(std::fabs(u.variance - 16.0 / 12) < 5 * 16 / std::sqrt(180.0) / root);
  const Moments z = moments(array(random_normal<float>({many}, g, 2.0f, 3.0f)));
  CHECK(std::fabs(z.mean - 2) < 5 * 3 / root);
  CHECK(std::fabs(z.variance - 9) < 5 * 9 * std::sqrt(2.0) / root);
  CHECK(z.high > 2 + 3 * 3.5);  // tails: about 23 of them are expected beyond
  const Array coins = array(random_bernoulli<float>({many}, 0.3f, g));
  for (double v : coins) REQUIRE((v == 0 || v == 1));
  CHECK(std::fabs(moments(coins).mean - 0.3) < 5 * std::sqrt(0.21) / root);
}

TEST_CASE("a draw keeps its step counter alive") {
  RandomDraw draw;
  {
    Generator g(4);
    draw = g.next();
  }
  CHECK(*draw.key.step == 0);
}

TEST_CASE("a copy of a generator draws what the original would, and neither changes the other") {
  Generator g(6);
  g.set_step(4);
  random_uniform<float>({8}, g);
  Generator copy = g;
  CHECK((copy.seed() == 6 && copy.step() == 4 && copy.draw() == 1));
  const auto next = random_uniform<float>({8}, copy);
  CHECK(g.draw() == 1);
  copy.next_step();
  copy.reseed(7);
  CHECK((g.seed() == 6 && g.step() == 4));
  CHECK(same_bits(next, random_uniform<float>({8}, g)));

  Generator assigned(1);
  const std::uint64_t* const counter = assigned.next().key.step;
  assigned = g;
  CHECK(assigned.next().key.step == counter);  // where a captured step reads it
  g.next_step();
  CHECK((assigned.seed() == 6 && assigned.step() == 4));
  const Generator& self = assigned;
  assigned = self;
  CHECK((assigned.seed() == 6 && assigned.step() == 4));
}

TEST_CASE("a moved generator takes its step counter along") {
  Generator g(6);
  g.set_step(4);
  const std::uint64_t* const counter = g.next().key.step;
  Generator moved = std::move(g);
  CHECK((moved.seed() == 6 && moved.step() == 4 && moved.draw() == 1));
  CHECK(moved.next().key.step == counter);
  CHECK(error_of([&] { g.next(); }) == "Generator: the generator was moved from");
  CHECK(error_of([&] { g.next_step(); }) == "Generator: the generator was moved from");
  CHECK(error_of([&] { Generator copy(g); }) == "Generator: the generator was moved from");
  g = moved;
  CHECK(g.step() == 4);
}

TEST_CASE("every thread's default generator has numbers of its own, the main thread's of seed 0") {
  CHECK(default_generator().seed() == 0);
  CHECK(&default_generator() == &default_generator());
  std::vector<Tensor<float>> drawn{random_uniform<float>({16})};
  std::vector<std::uint64_t> seeds{default_generator().seed()};
  for (int i = 0; i < 3; ++i)
    std::thread([&] {
      drawn.push_back(random_uniform<float>({16}));
      seeds.push_back(default_generator().seed());
    }).join();
  for (std::size_t i = 0; i < drawn.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      CHECK_FALSE(same_bits(drawn[i], drawn[j]));
      CHECK(seeds[i] != seeds[j]);
    }
  CHECK(seeds[3] - seeds[2] == seeds[2] - seeds[1]);  // by the order in which they asked
}

TEST_CASE("random tensors name bad parameters") {
  Generator g;
  CHECK(error_of([&] { random_uniform<float>({2}, g, 1.0f, 1.0f); }) == "random_uniform: low 1 is not below high 1");
  CHECK(error_of([&] { random_normal<float>({2}, g, 0.0f, -1.0f); }) ==
        "random_normal: standard deviation -1, expected at least 0");
  CHECK(error_of([&] { random_bernoulli<float>({2}, 1.5f, g); }) ==
        "random_bernoulli: probability 1.5, expected 0 to 1");
}

TEST_CASE("random integers: both ends included, each equally often, another draw in each call") {
  Generator g(8);
  const Tensor<std::int32_t> first = random_integers({many}, -2, 4, g), second = random_integers({many}, -2, 4, g);
  CHECK_FALSE(same_bits(first, second));
  CHECK(g.draw() == 2);
  std::vector<int> counts(7);
  for (const std::int32_t v : first.host()) {
    REQUIRE((v >= -2 && v <= 4));
    ++counts[static_cast<std::size_t>(v + 2)];
  }
  const double share = 1.0 / 7;
  for (const int count : counts) CHECK(std::abs(count - many * share) < 5 * root * std::sqrt(share * (1 - share)));
  const std::int32_t low = std::numeric_limits<std::int32_t>::min(), high = std::numeric_limits<std::int32_t>::max();
  const Array all = array(random_integers({many}, low, high, g));
  CHECK((moments(all).low < 0.99 * low && moments(all).high > 0.99 * high));
  CHECK(array(random_integers({3}, 5, 5, g)) == Array{5, 5, 5});
  CHECK(error_of([&] { random_integers({3}, 5, 4, g); }) == "random_integers: low 5 is above high 4");
}
