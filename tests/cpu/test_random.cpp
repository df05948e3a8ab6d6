#include <tinygan/cpu/random.hpp>

#include "support/cpu_kernels.hpp"

using namespace tinygan;
using namespace tinygan::cpu_test;

namespace {

std::uint32_t word(std::uint64_t element, const RandomKey& key) {
  return philox4x32(philox_counter(element / 4, key.draw, *key.step), key.seed)[element % 4];
}

/// Box-Muller in double, as the head of random.hpp defines it.
double normal(std::uint64_t element, const RandomKey& key) {
  const std::uint64_t even = element & ~std::uint64_t{1};
  const double radius = std::sqrt(-2 * std::log(static_cast<double>(uniform01_open(word(even, key)))));
  const double angle = 2 * M_PI * static_cast<double>(uniform01(word(even + 1, key)));
  return radius * (element % 2 ? std::sin(angle) : std::cos(angle));
}

struct Moments {
  double mean = 0, variance = 0, kurtosis = 0, correlation = 0;  // the last with the next element

  explicit Moments(const std::vector<float>& x) {
    const auto n = static_cast<double>(x.size());
    for (const float v : x) mean += static_cast<double>(v) / n;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double d = static_cast<double>(x[i]) - mean, next = static_cast<double>(x[(i + 1) % x.size()]) - mean;
      variance += d * d / n;
      kurtosis += d * d * d * d / n;
      correlation += d * next / n;
    }
    kurtosis /= variance * variance;
    correlation /= variance;
  }
};

const std::uint64_t step = 41;
const RandomKey key{0x0123456789abcdefu, 6, &step};

}  // namespace

TEST_CASE("philox: the known answers of Random123", "[cpu][random]") {
  // kat_vectors of the Random123 distribution, philox4x32 with 10 rounds.
  CHECK(philox4x32({0, 0, 0, 0}, 0) == PhiloxBlock{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u});
  const std::uint32_t ones = 0xffffffffu;
  CHECK(philox4x32({ones, ones, ones, ones}, ~std::uint64_t{0}) ==
        PhiloxBlock{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu});
  CHECK(philox4x32({0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}, 0x299f31d0a4093822u) ==
        PhiloxBlock{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u});
}

TEST_CASE("cpu random: uniforms are the scalar definition's, to the bit", "[cpu][random]") {
  for (const index_t n : {1, 3, 4, 31, 1024, 1025, 70001}) {
    std::vector<float> want(as_size(n));
    for (std::size_t i = 0; i < want.size(); ++i) want[i] = uniform01(word(i, key));
    std::vector<double> widened(want.begin(), want.end());
    for_each_isa([&] {
      for (int threads = 1; threads <= 3; ++threads) {
        cpu::set_threads(threads);
        auto y = poisoned<float>(n);
        auto z = poisoned<double>(n);
        cpu::random_uniform(n, key, 0.0f, 1.0f, y.data(), {});
        cpu::random_uniform(n, key, 0.0, 1.0, z.data(), {});
        CHECK(first_difference(y, want) == "");
        CHECK(first_difference(z, widened) == "");
      }
    });
  }
}

TEST_CASE("cpu random: block numbers carry into the second word", "[cpu][random]") {
  const index_t begin = (index_t{1} << 34) - 40;  // ten blocks before block 2^32
  std::vector<float> want(80);
  for (std::size_t i = 0; i < want.size(); ++i) want[i] = uniform01(word(static_cast<std::uint64_t>(begin) + i, key));
  for_each_isa([&] {
    auto y = poisoned<float>(128);
    cpu::detail::random_floats(false, begin, 80, key, *key.step, y.data());
    y.resize(80);
    CHECK(first_difference(y, want) == "");
  });
}

TEST_CASE("cpu random: normals are Box-Muller of the same words", "[cpu][random]") {
  for (const index_t n : {1, 2, 33, 5001, 70001}) {
    Expected want(n), wide(n);
    for (index_t i = 0; i < n; ++i) {
      const double z = normal(static_cast<std::uint64_t>(i), key);
      // The radius is at most 5.8; sine and cosine are within eps, logarithm and root within 3 eps relative.
      want.set(i, 0.5 + 2 * z, eps<float> * 30);
      wide.set(i, z, eps<float> * 15);
    }
    check_everywhere<float>({want}, [&] {
      auto y = poisoned<float>(n);
      cpu::random_normal(n, key, 0.5f, 2.0f, y.data(), {});
      return std::vector<std::vector<float>>{y};
    });
    check_everywhere<double>({wide}, [&] {
      auto y = poisoned<double>(n);
      cpu::random_normal(n, key, 0.0, 1.0, y.data(), {});
      return std::vector<std::vector<double>>{y};
    });
  }
}

TEST_CASE("cpu random: moments", "[cpu][random]") {
  const index_t n = 1 << 20;
  const double sigma = 1 / std::sqrt(static_cast<double>(n));  // of a mean of n values of variance 1
  auto x = poisoned<float>(n);
  cpu::random_uniform(n, key, -1.0f, 3.0f, x.data(), {});
  const Moments u(x);  // mean 1, variance 16/12, kurtosis 9/5
  CHECK(std::fabs(u.mean - 1) < 5 * sigma * std::sqrt(16.0 / 12));
  CHECK(std::fabs(u.variance - 16.0 / 12) < 5 * sigma * 16.0 / 12 * std::sqrt(0.8));
  CHECK(std::fabs(u.correlation) < 5 * sigma);
  cpu::random_normal(n, key, 0.0f, 1.0f, x.data(), {});
  const Moments z(x);  // the variance of a square is 2, of a fourth power 96
  CHECK(std::fabs(z.mean) < 5 * sigma);
  CHECK(std::fabs(z.variance - 1) < 5 * sigma * std::sqrt(2.0));
  CHECK(std::fabs(z.kurtosis - 3) < 5 * sigma * std::sqrt(96.0));
  CHECK(std::fabs(z.correlation) < 5 * sigma);
  cpu::random_bernoulli(n, key, 0.3f, x.data(), {});
  CHECK(std::fabs(Moments(x).mean - 0.3) < 5 * sigma * std::sqrt(0.21));
  for (const float v : x) REQUIRE((v == 0 || v == 1));
}

TEST_CASE("cpu random: seed, draw and step each give other numbers", "[cpu][random]") {
  const std::uint64_t next = step + 1;
  const auto draw = [](const RandomKey& k) {
    std::vector<float> y(64);
    cpu::random_uniform(64, k, 0.0f, 1.0f, y.data(), {});
    return y;
  };
  const auto base = draw(key);
  CHECK(first_difference(base, draw(key)) == "");
  for (const RandomKey& other :
       {RandomKey{key.seed + 1, key.draw, &step}, RandomKey{key.seed, key.draw + 1, &step},
        RandomKey{key.seed, key.draw, &next}, RandomKey{key.seed ^ (std::uint64_t{1} << 40), key.draw, &step}}) {
    const auto y = draw(other);
    for (std::size_t i = 0; i < y.size(); ++i) CHECK(y[i] != base[i]);
  }
}

TEST_CASE("cpu dropout and Bernoulli decide by the element's uniform", "[cpu][random]") {
  const auto check = [&](auto zero) {
    using T = decltype(zero);
    for (const index_t n : {1, 19, 2049, 70001}) {
      const T rate = T(0.3);
      const auto x = numbers<T>(n, 9);
      Expected dropped(n), coin(n);
      for (index_t i = 0; i < n; ++i) {
        const bool below = static_cast<T>(uniform01(word(static_cast<std::uint64_t>(i), key))) < rate;
        const double kept = static_cast<double>(x[as_size(i)]) / (1 - static_cast<double>(rate));
        dropped.set(i, below ? 0 : kept, below ? 0 : 2 * eps<T> * std::fabs(kept));
        coin.set(i, below ? 1 : 0, 0);
      }
      check_everywhere<T>({dropped, coin}, [&] {
        auto y = poisoned<T>(n), b = poisoned<T>(n);
        cpu::dropout(n, key, rate, x.data(), y.data(), {});
        cpu::random_bernoulli(n, key, rate, b.data(), {});
        return std::vector<std::vector<T>>{y, b};
      });
    }
  };
  check(0.0f);
  check(0.0);
}
