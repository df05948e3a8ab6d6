#include <tinygan/cpu/map.hpp>
#include <tinygan/cpu/math.hpp>

#include "support/cpu_kernels.hpp"

using namespace tinygan;
using namespace tinygan::cpu_test;

namespace {

enum class Function { exp, log, tanh, sigmoid, softplus, erf, sqrt };

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
    CHECK(std::signbit(evaluate<T>(Function::tanh, {T(-0.0)})[0]));
    CHECK(std::fabs(evaluate<T>(Function::exp, {1})[0] - e) <= T(3 * eps<T>) * e);
  });
}

template <class T>
void check_places() {
  for_each_isa([] {
    for (const Function f : {Function::exp, Function::log, Function::tanh, Function::sigmoid, Function::softplus,
                             Function::erf, Function::sqrt}) {
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

}  // namespace

TEST_CASE("cpu math: three units in the last place", "[cpu][math]") {
  for (const Function f : {Function::exp, Function::log, Function::tanh, Function::sigmoid, Function::softplus,
                           Function::erf, Function::sqrt}) {
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
