#include "ops/cases/elementary.hpp"

#include "support/check_ops.hpp"

using namespace tinygan;
using namespace tinygan::test;

TEST_CASE("elementary functions") { check_ops(elementary_cases()); }
TEST_CASE("every elementary function has a case") { check_coverage("elementary.hpp", elementary_cases()); }

namespace {

Variable<double> leaf(std::initializer_list<double> values) {
  return Variable<double>(Tensor<double>::from(values, {static_cast<index_t>(values.size())}), true);
}

}  // namespace

TEST_CASE("powers at zero and of negative numbers") {
  const Variable<double> x = leaf({0, -2});
  CHECK(array(ops::pow(x, 0)) == Array{1, 1});
  CHECK(array(grad(ops::sum(ops::pow(x, 0)), {x})[0]) == Array{0, 0});
  CHECK(array(ops::pow(x, 3)) == Array{0, -8});
  CHECK(array(grad(ops::sum(ops::pow(x, 2)), {x})[0]) == Array{0, -4});
  CHECK(std::isnan(array(ops::pow(x, 0.5))[1]));
}

TEST_CASE("elementary functions of what is large, infinite or not a number, on every device") {
  constexpr float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (const Device device : devices()) {
    INFO(device);
    const Variable<float> x(Tensor<float>::from({100.0f, -100.0f, inf, nan}, {4}, device));
    const auto at = [](const Variable<float>& y, std::size_t i) { return array(y)[i]; };
    CHECK(array(ops::erf(x))[0] == 1);
    CHECK(array(ops::erf(x))[1] == -1);
    CHECK(array(ops::erf(x))[2] == 1);
    for (const Variable<float>& y : {ops::erf(x), ops::gelu(x), ops::silu(x), ops::sin(x), ops::pow(x, 2)})
      CHECK(std::isnan(at(y, 3)));
    for (const Variable<float>& y : {ops::gelu(x), ops::silu(x)}) {
      CHECK(at(y, 0) == 100);
      CHECK(std::fabs(at(y, 1)) < 1e-35);  // 100 e^-100
      CHECK(std::isinf(at(y, 2)));
    }
    CHECK(std::isnan(at(ops::sin(x), 2)));
    CHECK(std::fabs(at(ops::sin(x), 0) - std::sin(100.0)) <= 4 * 0x1p-23);
  }
}
