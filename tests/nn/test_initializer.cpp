#include <tinygan/nn/conv2d.hpp>
#include <tinygan/nn/dense.hpp>
#include <tinygan/nn/initializer.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;
using nn::Initializer;

namespace {

const Shape shape{5, 5, 40, 60};
const nn::Fans fans{1000, 1500};

struct Sample {
  double mean = 0, variance = 0, low = 0, high = 0, root = 0;
};
Sample sample(const Initializer& rule) {
  Generator random(17);
  const Array v = array(rule.make<float>(shape, fans, random));
  Sample s{0, 0, v[0], v[0], std::sqrt(static_cast<double>(v.size()))};
  for (double x : v) s.mean += x / (s.root * s.root), s.low = std::min(s.low, x), s.high = std::max(s.high, x);
  for (double x : v) s.variance += (x - s.mean) * (x - s.mean) / (s.root * s.root);
  return s;
}

void check_uniform(const Initializer& rule, double limit) {
  const Sample s = sample(rule);
  CHECK(s.low >= -limit * 1.000001);
  CHECK(s.high <= limit * 1.000001);
  CHECK(s.low < -0.99 * limit);
  CHECK(s.high > 0.99 * limit);
  CHECK(std::fabs(s.mean) < 5 * limit / std::sqrt(3.0) / s.root);
}
void check_normal(const Initializer& rule, double mean, double variance) {
  const Sample s = sample(rule);
  CHECK(std::fabs(s.mean - mean) < 5 * std::sqrt(variance) / s.root);
  CHECK(std::fabs(s.variance - variance) < 5 * std::sqrt(2.0) * variance / s.root);
}

}  // namespace

TEST_CASE("initialisers have their bounds and moments") {
  check_uniform(Initializer::glorot_uniform(), std::sqrt(6.0 / 2500));
  check_uniform(Initializer::he_uniform(), std::sqrt(6.0 / 1000));
  check_uniform(Initializer::uniform(-0.5, 0.5), 0.5);
  check_normal(Initializer::glorot_normal(), 0, 2.0 / 2500);
  check_normal(Initializer::he_normal(), 0, 2.0 / 1000);
  check_normal(Initializer::normal(0, 0.02), 0, 0.0004);
  check_normal(Initializer::normal(3, 2), 3, 4);
  for (const auto& [rule, value] :
       {std::pair{Initializer::zeros(), 0.0}, std::pair{Initializer::constant(0.25), 0.25}}) {
    const Sample s = sample(rule);
    CHECK((s.low == value && s.high == value));
  }
}

TEST_CASE("orthogonal: the fewer of rows and columns are orthonormal, times the gain") {
  for (const Shape& s : {Shape{7, 4}, Shape{4, 7}, Shape{3, 3, 2, 8}, Shape{2, 2, 1, 9}, Shape{1, 1}}) {
    INFO(s);
    Generator random(3);
    const Array m = array(Initializer::orthogonal(2).make<double>(s, fans, random));
    const auto cols = static_cast<std::size_t>(s[-1]), rows = m.size() / cols;
    const bool by_row = rows <= cols;
    const auto at = [&](std::size_t v, std::size_t i) { return by_row ? m[v * cols + i] : m[i * cols + v]; };
    for (std::size_t v = 0; v < std::min(rows, cols); ++v)
      for (std::size_t w = 0; w <= v; ++w) {
        double dot = 0;
        for (std::size_t i = 0; i < std::max(rows, cols); ++i) dot += at(v, i) * at(w, i);
        // Gram-Schmidt twice over is orthogonal to working precision (Giraud, Langou, Rozloznik, van den Eshof 2005): a
        // sum of products and a difference for each vector before, each of unit length; times the gain's square.
        CHECK(std::fabs(dot - (v == w ? 4 : 0)) <= 4 * 4 * 0x1p-53 * static_cast<double>(m.size()));
      }
  }
  Generator random;
  CHECK(support::error_of([&] { Initializer::orthogonal().make<float>({5}, fans, random); }) ==
        "orthogonal: shape (5,) has rank 1, expected at least 2");
}

TEST_CASE("layers pass their fans on, and start with a bias of zeros") {
  Generator random(4);
  const double limit = std::sqrt(6.0 / (9 * 8 + 9 * 40));
  const nn::Conv2D<float> conv(8, 40, {}, random);
  const nn::Conv2DTranspose<float> transposed(8, 40, {}, random);
  for (const Variable<float>& kernel : {conv.kernel(), transposed.kernel()}) {
    double most = 0;
    for (double v : array(kernel)) most = std::max(most, std::fabs(v));
    CHECK(most <= limit * 1.000001);
    CHECK(most > 0.99 * limit);
  }
  for (double v : array(conv.bias())) CHECK(v == 0);
  const nn::Dense<float> dense(100, 2, {.bias_initializer = Initializer::constant(1)}, random);
  for (double v : array(dense.bias())) CHECK(v == 1);
}

TEST_CASE("the same seed gives the same weights, another layer others") {
  Generator a(9), b(9);
  const nn::Dense<float> first(10, 10, {}, a), second(10, 10, {}, a), again(10, 10, {}, b);
  CHECK(same_bits(first.kernel().value(), again.kernel().value()));
  CHECK_FALSE(same_bits(first.kernel().value(), second.kernel().value()));
}

TEST_CASE("initialisers name what they cannot use") {
  Generator random(1);
  const auto make = [&](const nn::Initializer& i, nn::Fans these) {
    return support::error_of([&] { i.make<float>({2, 2}, these, random); });
  };
  CHECK(make(nn::Initializer::he_normal(), {0, 2}) ==
        "Initializer: fans of 0 inputs and 2 outputs, expected at least 1");
  CHECK(make(nn::Initializer::glorot_uniform(), {2, -1}) ==
        "Initializer: fans of 2 inputs and -1 outputs, expected at least 1");
  CHECK(make(nn::Initializer::normal(std::nan(""), 1), {}) == "Initializer: parameters nan and 1, expected numbers");
  CHECK(make(nn::Initializer::normal(0, -1), {}) == "random_normal: standard deviation -1, expected at least 0");
  CHECK(make(nn::Initializer::uniform(1, 1), {}) == "random_uniform: low 1 is not below high 1");
}
