#include <tinygan/backend/linear_decay.hpp>

#include "support/catch.hpp"

using tinygan::LinearDecay;

TEST_CASE("LinearDecay: 1 before it begins, a line, 0 after its end; without an end 1 throughout") {
  const LinearDecay half{100, 200};
  for (const double step : {0.0, 1.0, 99.0, 100.0}) CHECK(half.at(step) == 1);
  CHECK(half.at(125) == 0.75);
  CHECK(half.at(199) == 0.01);
  for (const double step : {200.0, 201.0, 1e9}) CHECK(half.at(step) == 0);
  const LinearDecay whole{0, 4};
  for (int step = 0; step <= 4; ++step) CHECK(whole.at(step) == 1 - 0.25 * step);
  const LinearDecay none;
  for (const double step : {0.0, 1.0, 1e18}) CHECK(none.at(step) == 1);
}
