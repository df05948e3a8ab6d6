#include <numbers>

#include <tinygan/cpu/map.hpp>
#include <tinygan/cpu/math.hpp>
#include <tinygan/cpu/math_wide.hpp>

#include "support/cpu_kernels.hpp"

using namespace tinygan;
using namespace tinygan::cpu_test;

namespace {

enum class Function { exp, log, tanh, sigmoid, softplus, erf, sqrt, sin, cos };

constexpr Function all_functions[] = {Function::exp,     Function::log,      Function::tanh,
                                      Function::sigmoid, Function::softplus, Function::erf,
                                      Function::sqrt,    Function::sin,      Function::cos};

template <class T>
std::vector<T> evaluate(Function f, const std::vector<T>& x) {
  std::vector<T> y = poisoned<T>(static_cast<index_t>(x.size()));
  cpu::map<T>(static_cast<index_t>(x.size()), {y.data()}, {x.data()},
              [f](auto isa, const auto& a, auto& b) TINYGAN_INLINE_LAMBDA {
                using I = decltype(isa);
                switch (f) {
                  case Function::exp: return cpu::math::exp<T, I>(a[0], b[0]);
                  case Function::log: return cpu::math::log<T, I>(a[0], b[0]);
                  case Function::tanh: return cpu::math::tanh<T, I>(a[0], b[0]);
                  case Function::sigmoid: return cpu::math::sigmoid<T, I>(a[0], b[0]);
                  case Function::softplus: return cpu::math::softplus<T, I>(a[0], b[0]);
                  case Function::erf: return cpu::math::erf<T, I>(a[0], b[0]);
                  case Function::sin: return cpu::math::circular<cpu::math::Circular::sine, T, I>(a[0], b[0]);
                  case Function::cos: return cpu::math::circular<cpu::math::Circular::cosine, T, I>(a[0], b[0]);
                  default: return cpu::math::sqrt<T, I>(a[0], b[0]);
                }
              });
  return y;
}

/// In long double, so that the reference's own error does not count.
long double exact(Function f, long double x) {
  switch (f) {
    case Function::exp: return std::exp(x);
    case Function::log: return std::log(x);
    case Function::tanh: return std::tanh(x);
    case Function::sigmoid: return 1 / (1 + std::exp(-x));
    case Function::softplus: return (x > 0 ? x : 0) + std::log1p(std::exp(-std::fabs(x)));
    case Function::erf: return std::erf(x);
    case Function::sqrt: return std::sqrt(x);
    case Function::sin: return std::sin(x);
    case Function::cos: return std::cos(x);
  }
  return 0;
}

/// Arguments of every size: around 0, around 1, the whole range, and where the functions change their form.
template <class T>
std::vector<T> arguments(Function f) {
  const double widest = sizeof(T) == 4 ? 104 : 745;
  std::vector<T> x;
  for (const double range : {1e-30, 1e-8, 1e-3, 0.5, 1.5, 4.0, 20.0, widest}) {
    const auto some = numbers<T>(3001, static_cast<std::uint64_t>(1000 * range) + 7, -range, range);
    x.insert(x.end(), some.begin(), some.end());
  }
  for (const T near : numbers<T>(3001, 99, 0.9, 1.1)) x.push_back(near);
  if (f == Function::log || f == Function::sqrt) {
    for (T& value : x) value = std::fabs(value);
    for (int e = std::numeric_limits<T>::min_exponent - std::numeric_limits<T>::digits;
         e < std::numeric_limits<T>::max_exponent; ++e)
      for (const T m : numbers<T>(9, static_cast<std::uint64_t>(e + 5000), 0.5, 1)) x.push_back(std::ldexp(m, e));
  }
  if (f == Function::sin || f == Function::cos) {
    for (const double range : {1e4, 65536.0, 1e6, 1e30})
      for (const T value : numbers<T>(3001, static_cast<std::uint64_t>(std::log2(range)), -range, range))
        x.push_back(value);
    for (int k = 1; k < 40000; k += 7)  // next to zeros, extrema, and the ends of the quarters
      for (const double eighth : {2 * k, 2 * k + 1}) {
        const auto near = static_cast<T>(eighth * std::numbers::pi / 4);
        x.insert(x.end(), {near, -std::nextafter(near, T(0)), std::nextafter(near, T(1e9))});
      }
  }
  return x;
}

template <class T>
void check_accuracy(Function f) {
  const std::vector<T> x = arguments<T>(f);
  std::vector<double> want, bound;
  for (const T value : x) {
    const long double y = exact(f, static_cast<long double>(value));
    const auto nearest = static_cast<double>(y);
    want.push_back(std::fabs(y) > static_cast<long double>(std::numeric_limits<T>::max()) ? HUGE_VAL * (y < 0 ? -1 : 1)
                                                                                          : nearest);
    // 3 units in the last place, 3 steps among the subnormal numbers
    bound.push_back(3 * (eps<T> * std::fabs(nearest) + static_cast<double>(std::numeric_limits<T>::denorm_min())));
  }
  for_each_isa([&] { CHECK(first_wrong(evaluate(f, x), want, bound) == ""); });
}

template <class T>
void check_special() {
  constexpr T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  constexpr T largest = std::numeric_limits<T>::max();
  for_each_isa([&] {
    const std::vector<T> x = {0, T(-0.0), inf, -inf, nan, largest, -largest, 1};
    const auto e = T(2.718281828459045235);
    CHECK(first_wrong(evaluate<T>(Function::exp, {0, T(-0.0), inf, -inf, nan, largest, -largest}),
                      {1, 1, inf, 0, nan, inf, 0}) == "");
    CHECK(first_wrong(evaluate<T>(Function::log, {0, T(-0.0), inf, -inf, nan, -1, 1}),
                      {-inf, -inf, inf, nan, nan, nan, 0}) == "");
    CHECK(first_wrong(evaluate<T>(Function::tanh, {0, inf, -inf, nan, largest, -largest}), {0, 1, -1, nan, 1, -1}) ==
          "");
    CHECK(first_wrong(evaluate<T>(Function::sigmoid, {0, inf, -inf, nan, largest, -largest}),
                      {T(0.5), 1, 0, nan, 1, 0}) == "");
    CHECK(first_wrong(evaluate<T>(Function::softplus, {inf, -inf, nan, largest, -largest}),
                      {inf, 0, nan, largest, 0}) == "");
    CHECK(first_wrong(evaluate<T>(Function::erf, {0, inf, -inf, nan, largest, -largest}), {0, 1, -1, nan, 1, -1}) ==
          "");
    CHECK(first_wrong(evaluate<T>(Function::sqrt, {0, inf, -inf, nan, -1, 4}), {0, inf, nan, nan, nan, 2}) == "");
    CHECK(first_wrong(evaluate<T>(Function::sin, {0, inf, -inf, nan}), {0, nan, nan, nan}) == "");
    CHECK(first_wrong(evaluate<T>(Function::cos, {0, inf, -inf, nan}), {1, nan, nan, nan}) == "");
    CHECK(std::signbit(evaluate<T>(Function::sin, {T(-0.0)})[0]));
    CHECK(std::signbit(evaluate<T>(Function::tanh, {T(-0.0)})[0]));
    CHECK(std::fabs(evaluate<T>(Function::exp, {1})[0] - e) <= T(3 * eps<T>) * e);
  });
}

template <class T>
void check_places() {
  for_each_isa([] {
    for (const Function f : all_functions) {
      const std::vector<T> x = numbers<T>(61, 3, 0.01, 5);
      const std::vector<T> all = evaluate(f, x);
      for (std::size_t first = 0; first < x.size(); ++first)
        for (const std::size_t count : {std::size_t{1}, std::size_t{5}, std::size_t{19}}) {
          if (first + count > x.size()) continue;
          const auto from = static_cast<std::ptrdiff_t>(first), to = static_cast<std::ptrdiff_t>(first + count);
          const std::vector<T> part(x.begin() + from, x.begin() + to), want(all.begin() + from, all.begin() + to);
          REQUIRE(first_difference(evaluate(f, part), want) == "");
        }
    }
  });
}

template <class T>
std::vector<T> powers(const std::vector<T>& x, T exponent) {
  std::vector<T> y = poisoned<T>(static_cast<index_t>(x.size()));
  cpu::map<T, cpu::Bound::arithmetic>(static_cast<index_t>(x.size()), {y.data()}, {x.data()},
                                      [exponent](auto isa, const auto& a, auto& b) TINYGAN_INLINE_LAMBDA {
                                        cpu::math::power<T, decltype(isa)>(a[0], exponent, b[0]);
                                      });
  return y;
}

/// 1 unit in the last place, 1 step among the subnormal numbers.
template <class T>
void check_power_accuracy() {
  std::vector<T> x = arguments<T>(Function::log);  // positive
  for (const T exponent : {T(0.5), T(-0.5), T(1), T(2), T(3), T(-1), T(-2), T(0.3), T(7.25), T(100), T(-1e-3), T(1e4),
                           T(16777217), T(3e7)}) {
    CAPTURE(exponent);
    for (T& value : x) value = exponent == std::floor(exponent) ? -value : std::fabs(value);
    std::vector<double> want, bound;
    for (const T value : x) {
      const long double y = std::pow(static_cast<long double>(value), static_cast<long double>(exponent));
      const auto nearest = static_cast<double>(y);
      want.push_back(std::fabs(y) > static_cast<long double>(std::numeric_limits<T>::max())
                         ? HUGE_VAL * (y < 0 ? -1 : 1)
                         : nearest);
      bound.push_back(eps<T> * std::fabs(nearest) + static_cast<double>(std::numeric_limits<T>::denorm_min()));
    }
    for_each_isa([&] { CHECK(first_wrong(powers(x, exponent), want, bound) == ""); });
  }
}

/// What the C library gives for every combination of zeros, infinities, NaN, signs and kinds of exponents.
template <class T>
void check_power_special() {
  constexpr T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  constexpr T largest = std::numeric_limits<T>::max(), least = std::numeric_limits<T>::denorm_min();
  const std::vector<T> x = {0, T(-0.0), 1, -1, inf, -inf, nan, 2, -2, largest, -largest, least, -least};
  for (const T exponent : {T(0), T(-0.0), T(1), T(-1), T(2), T(-2), T(3), T(-3), T(0.5), T(-0.5), T(2.5), T(1e9),
                           largest, -largest, least, inf, -inf, nan})
    for_each_isa([&] {
      CAPTURE(exponent);
      const std::vector<T> y = powers(x, exponent);
      for (std::size_t i = 0; i < x.size(); ++i) {
        CAPTURE(x[i]);
        const T want = std::pow(x[i], exponent);
        if (std::isnan(want)) CHECK(std::isnan(y[i]));
        else if (want == 0 || want == 1 || std::isinf(want))
          CHECK((y[i] == want && std::signbit(y[i]) == std::signbit(want)));
        else CHECK(std::fabs(y[i] - want) <= eps<T> * std::fabs(want) + least);
      }
    });
}

}  // namespace

TEST_CASE("cpu math: powers to one unit in the last place", "[cpu][math]") {
  check_power_accuracy<float>();
  check_power_accuracy<double>();
}

TEST_CASE("cpu math: powers of zeros, infinities and NaN", "[cpu][math]") {
  check_power_special<float>();
  check_power_special<double>();
}

TEST_CASE("cpu math: three units in the last place", "[cpu][math]") {
  for (const Function f : all_functions) {
    INFO("function " << static_cast<int>(f));
    check_accuracy<float>(f);
    check_accuracy<double>(f);
  }
}

TEST_CASE("cpu math: zeros, infinities, overflow and NaN", "[cpu][math]") {
  check_special<float>();
  check_special<double>();
}

TEST_CASE("cpu math: a result does not depend on its place in the array", "[cpu][math]") {
  check_places<float>();
  check_places<double>();
}

TEST_CASE("cpu math: sine and cosine of a turn", "[cpu][math]") {
  std::vector<float> u = numbers<float>(5000, 1, 0, 1);
  for (int k = 0; k <= 16; ++k) u.push_back(static_cast<float>(k) / 16);
  const auto n = static_cast<index_t>(u.size());
  for_each_isa([&] {
    auto s = poisoned<float>(n), c = poisoned<float>(n);
    cpu::map<float>(n, {s.data(), c.data()}, {u.data()}, [](auto isa, const auto& a, auto& b) TINYGAN_INLINE_LAMBDA {
      cpu::math::sincos_turns<decltype(isa)>(a[0], b[0], b[1]);
    });
    std::vector<double> want_s, want_c;
    for (const float turn : u) {
      want_s.push_back(std::sin(2 * M_PI * static_cast<double>(turn)));
      want_c.push_back(std::cos(2 * M_PI * static_cast<double>(turn)));
    }
    const std::vector<double> bound(u.size(), eps<float>);
    CHECK(first_wrong(s, want_s, bound) == "");
    CHECK(first_wrong(c, want_c, bound) == "");
  });
}
