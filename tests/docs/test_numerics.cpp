// The figures of docs/numerics.md that no other test has: the largest errors of elementary functions, and what happens
// at the ends of the range of float.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <tinygan/cpu/random.hpp>
#include <tinygan/tinygan.hpp>

#include "support/catch.hpp"
#include "support/check_ops.hpp"
#include "support/kernel_check.hpp"
#include "support/paths.hpp"

using namespace tinygan;
using namespace tinygan::test;

namespace {

std::string read_page() {
  std::ifstream file(test_file("../docs/numerics.md"));
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A row of the page's table of functions: where, and how far off a result is at most, in units in the last place.
struct Function {
  std::string name;
  std::function<Variable<float>(const Variable<float>&)> of;
  long double (*exact)(long double);
  float low, high;
};

std::vector<Function> functions() {
  constexpr float largest = std::numeric_limits<float>::max();
  return {
      {"exp", [](const auto& x) { return ops::exp(x); }, [](long double x) { return std::exp(x); }, -87.3f, 88.7f},
      {"log", [](const auto& x) { return ops::log(x); }, [](long double x) { return std::log(x); }, 0, largest},
      {"sqrt", [](const auto& x) { return ops::sqrt(x); }, [](long double x) { return std::sqrt(x); }, 0, largest},
      {"tanh", [](const auto& x) { return ops::tanh(x); }, [](long double x) { return std::tanh(x); }, -largest,
       largest},
      {"sigmoid", [](const auto& x) { return ops::sigmoid(x); }, [](long double x) { return 1 / (1 + std::exp(-x)); },
       -87.3f, largest},
      {"softplus", [](const auto& x) { return ops::softplus(x); },
       [](long double x) { return (x > 0 ? x : 0) + std::log1p(std::exp(-std::fabs(x))); }, -87.3f, largest},
      {"silu", [](const auto& x) { return ops::silu(x); }, [](long double x) { return x / (1 + std::exp(-x)); }, -87.3f,
       largest},
      {"erf", [](const auto& x) { return ops::erf(x); }, [](long double x) { return std::erf(x); }, -largest, largest},
      {"gelu", [](const auto& x) { return ops::gelu(x); },
       [](long double x) { return x / 2 * std::erfc(-x * std::sqrt(0.5L)); }, -12, largest},
      {"sin", [](const auto& x) { return ops::sin(x); }, [](long double x) { return std::sin(x); }, -largest, largest},
      {"cos", [](const auto& x) { return ops::cos(x); }, [](long double x) { return std::cos(x); }, -largest, largest}};
}

/// Every `stride`-th bit pattern of float that is a number in [low, high].
std::vector<float> floats_between(float low, float high, std::uint32_t stride) {
  std::vector<float> all;
  for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << 32); bits += stride) {
    const auto x = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    if (x >= low && x <= high) all.push_back(x);
  }
  return all;
}

/// The largest error of f in units in the last place of the exact result, where that is a normal number.
double largest_error(const Function& f, const std::vector<float>& x, const std::vector<long double>& exact) {
  const std::vector<float> y =
      f.of(Variable<float>(Tensor<float>::from(x, {static_cast<index_t>(x.size())}))).value().to_vector();
  long double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const long double want = std::fabs(exact[i]);
    if (want < static_cast<long double>(std::numeric_limits<float>::min())) continue;
    const long double unit = std::ldexp(1.0L, std::ilogb(want) - 23);
    largest = std::max(largest, std::fabs(static_cast<long double>(y[i]) - exact[i]) / unit);
  }
  return static_cast<double>(largest);
}

/// The figure in the page's row of that name.
double figure(const std::string& page, const std::string& name) {
  const std::string begin = "\n| `" + name + "` | ";
  const std::size_t at = page.find(begin);
  INFO("docs/numerics.md has no row" << begin);
  REQUIRE(at != std::string::npos);
  std::istringstream rest(page.substr(at + begin.size()));
  double value = 0;
  REQUIRE(rest >> value);
  return value;
}

}  // namespace

TEST_CASE("docs/numerics.md: the largest error of each elementary function", "[docs]") {
  const char* asked = std::getenv("TINYGAN_NUMERICS_STRIDE");
  const auto stride = static_cast<std::uint32_t>(asked ? std::atoi(asked) : 16381);
  REQUIRE(stride > 0);
  const std::string page = read_page();
  for (const Function& f : functions()) {
    const std::vector<float> x = floats_between(f.low, f.high, stride);
    std::vector<long double> exact;
    for (const float value : x) exact.push_back(f.exact(static_cast<long double>(value)));
    const double claimed = figure(page, f.name);
    for_each_isa([&] {
      const double found = largest_error(f, x, exact);
      CAPTURE(f.name, x.size(), found, claimed);
      CHECK(found <= claimed);
    });
  }
}

TEST_CASE("docs/numerics.md: subnormal numbers are kept, on every device", "[docs]") {
  constexpr float tiny = 0x1p-140f;
  for (const Device device : devices()) {
    INFO(device);
    const auto leaf = [&](std::vector<float> values, const Shape& shape) {
      return Variable<float>(Tensor<float>::from(values, shape, device));
    };
    const Variable<float> x = leaf({tiny, 3 * tiny, -tiny, 0x1p-120f}, {2, 2});
    for_each_isa([&] {
      CHECK((x + x).value().to_vector() == std::vector<float>{2 * tiny, 6 * tiny, -2 * tiny, 0x1p-119f});
      CHECK((x * 0.5f).value().to_vector() == std::vector<float>{tiny / 2, 1.5f * tiny, -tiny / 2, 0x1p-121f});
      CHECK(ops::sum(leaf({tiny, 2 * tiny, 4 * tiny}, {3})).item() == 7 * tiny);
      const Variable<float> product = ops::matmul(x, leaf({1, 0, 0, 0x1p-15f}, {2, 2}));
      CHECK(product.value().to_vector() == std::vector<float>{tiny, 0, -tiny, 0x1p-135f});
      const float small = ops::exp(leaf({-100}, {1})).item();  // 3.8e-44, of 2^-149 = 1.4e-45 a step
      CHECK(std::fabs(static_cast<double>(small) - std::exp(-100.0)) <= 3 * 0x1p-149);
    });
  }
}

TEST_CASE("docs/numerics.md: normal numbers reach sqrt(48 ln 2), 5.77", "[docs]") {
  const double smallest = static_cast<double>(uniform01_open(0));
  CHECK(smallest == 0x1p-24);
  CHECK(std::sqrt(-2 * std::log(smallest)) == Approx(std::sqrt(48 * std::log(2.0))));
  CHECK(std::sqrt(48 * std::log(2.0)) == Approx(5.77).margin(0.005));
  Generator random(3);
  float largest = 0;
  for (const float z : random_normal<float>({1 << 20}, random).to_vector()) largest = std::max(largest, std::fabs(z));
  CHECK(largest < 5.77f);
}

TEST_CASE("docs/numerics.md: numbers in [0, 1) are the same bits on every device", "[docs]") {
  const auto draw = [](Device device) {
    Generator random(5, device);
    return random_uniform<float>({1001}, random, 0, 1).to_vector();
  };
  const std::vector<float> on_cpu = draw(Device::cpu());
  for (const Device device : devices()) {
    INFO(device);
    CHECK(first_difference(draw(device), on_cpu) == "");
  }
}
