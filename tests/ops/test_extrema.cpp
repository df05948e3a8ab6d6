#include "ops/cases/extrema.hpp"

#include "support/check_ops.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;

TEST_CASE("maxima and minima") { check_ops(extrema_cases()); }
TEST_CASE("maxima and minima have cases") { check_coverage("extrema.hpp", extrema_cases(), {"max", "min"}); }

namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

std::vector<std::int32_t> indices(std::initializer_list<std::int32_t> list) { return list; }

/// The first of the largest elements of each column of sign x(outer, reduced, inner); a NaN is the largest.
std::vector<std::int32_t> first_maxima(const std::vector<float>& x, index_t outer, index_t reduced, index_t inner,
                                       float sign = 1) {
  std::vector<std::int32_t> result;
  for (index_t o = 0; o < outer; ++o)
    for (index_t i = 0; i < inner; ++i) {
      const auto at = [&](index_t r) { return sign * x[static_cast<std::size_t>((o * reduced + r) * inner + i)]; };
      index_t best = 0;
      for (index_t r = 1; r < reduced; ++r)
        if (!std::isnan(at(best)) && (at(r) > at(best) || std::isnan(at(r)))) best = r;
      result.push_back(static_cast<std::int32_t>(best));
    }
  return result;
}

}  // namespace

TEST_CASE("equal maxima share the cotangent") {
  const Variable<double> x(Tensor<double>::from({3.0, 1.0, 3.0, 2.0}, {2, 2}), true);
  CHECK(array(grad(ops::max(x), {x})[0]) == Array{0.5, 0, 0.5, 0});
  CHECK(array(grad(ops::sum(ops::min(x, 0)), {x})[0]) == Array{0.5, 1, 0.5, 0});
}

TEST_CASE("argmax and argmin name the first extremum, on every device") {
  for (const Device device : devices()) {
    INFO(device);
    const Variable<float> x(Tensor<float>::from({1.0f, 5.0f, 5.0f, -2.0f, -2.0f, 0.0f}, {2, 3}, device));
    CHECK(ops::argmax(x).to_vector() == indices({1, 2}));
    CHECK(ops::argmin(x).to_vector() == indices({0, 0}));
    CHECK(ops::argmax(x, 0).to_vector() == indices({0, 0, 0}));
    CHECK(ops::argmax(x, 0).shape() == Shape{3});
    for (const auto& [outer, reduced, inner] : std::initializer_list<std::array<index_t, 3>>{
             {1, 1, 1}, {3, 7, 1}, {5, 100, 1}, {2, 33, 3}, {4, 2, 65}, {9, 48, 1}, {2, 130, 70}}) {
      CAPTURE(outer, reduced, inner);
      std::vector<float> values = random_tensor<float>({outer, reduced, inner}, 3).to_vector();
      for (float& v : values) v = std::round(4 * v);  // with equal ones
      if (reduced == 33) values[20] = values[40] = not_a_number;
      if (reduced == 100) values[30] = -not_a_number, values[50] = values[260] = not_a_number;
      if (reduced == 48)
        for (std::size_t i = 0; i < values.size(); ++i) values[i] = i % 2 ? 0.0f : -0.0f;  // equal
      const Variable<float> y(Tensor<float>::from(values, {outer, reduced, inner}, device));
      CHECK(ops::argmax(y, 1).to_vector() == first_maxima(values, outer, reduced, inner));
      CHECK(ops::argmin(y, 1).to_vector() == first_maxima(values, outer, reduced, inner, -1));
    }
    const Variable<float> low(Tensor<float>::full({2, 40}, -std::numeric_limits<float>::infinity(), device));
    CHECK(ops::argmax(low).to_vector() == indices({0, 0}));
    CHECK(ops::argmin(-low).to_vector() == indices({0, 0}));
  }
}

TEST_CASE("a NaN is the maximum and the minimum") {
  for (const Device device : devices()) {
    INFO(device);
    const Variable<float> x(Tensor<float>::from({1.0f, not_a_number, 2.0f}, {3}, device));
    CHECK(std::isnan(ops::max(x).item()));
    CHECK(std::isnan(ops::min(x).item()));
    CHECK(ops::argmin(x, 0).item() == 1);
  }
}

TEST_CASE("maxima name a missing axis") {
  const Variable<float> x(Tensor<float>::zeros({2, 3}));
  CHECK(error_of([&] { ops::max(x, 2); }) == "max: axis 2 of (2, 3), expected -2 to 1");
  CHECK(error_of([&] { ops::argmax(x, -3); }) == "argmax: axis -3 of (2, 3), expected -2 to 1");
}
