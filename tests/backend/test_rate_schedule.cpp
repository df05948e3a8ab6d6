#include <tinygan/backend/rate_schedule.hpp>

#include <cmath>
#include <limits>
#include <numbers>

#include "support/catch.hpp"

using tinygan::RateSchedule;
using Decay = RateSchedule::Decay;

TEST_CASE("RateSchedule: constant by default, and evaluated at compile time") {
  static_assert(RateSchedule{}.at(0) == 1 && RateSchedule{}.at(1e12) == 1);
  static_assert(RateSchedule{.decay = Decay::cosine, .end = 4}.at(2) == 0.5);
  CHECK(RateSchedule{}.valid());
}

TEST_CASE("RateSchedule: a line, from 1 before it begins to its floor") {
  const RateSchedule s{.decay = Decay::linear, .begin = 100, .end = 200};
  CHECK((s.at(0) == 1 && s.at(100) == 1 && s.at(125) == 0.75 && s.at(199) == 0.01 && s.at(200) == 0 && s.at(1e9) == 0));
  const RateSchedule floor{.decay = Decay::linear, .end = 4, .floor = 0.5};
  CHECK((floor.at(0) == 1 && floor.at(1) == 0.875 && floor.at(4) == 0.5 && floor.at(5) == 0.5));
}

TEST_CASE("RateSchedule: a line to 0 is one subtraction and one division, so runs begun with those go on the same") {
  for (const double steps : {7.0, 1000.0, 37500.0})
    for (const double share : {0.3, 0.5, 1.0}) {
      const double begin = steps * (1 - share);
      const RateSchedule s{.decay = Decay::linear, .begin = begin, .end = steps};
      for (double t = 0; t <= steps + 1; ++t)
        REQUIRE(s.at(t) == (t <= begin ? 1 : t >= steps ? 0 : (steps - t) / (steps - begin)));
    }
}

TEST_CASE("RateSchedule: half a cosine") {
  const RateSchedule s{.decay = Decay::cosine, .begin = 10, .end = 210, .floor = 0.25};
  CHECK((s.at(0) == 1 && s.at(10) == 1 && s.at(210) == 0.25 && s.at(1000) == 0.25));
  // Sums and products of at most 12 terms below 2, the largest first: each rounding is at most half an eps of 2.
  constexpr double bound = 2 * 12 * std::numeric_limits<double>::epsilon();
  for (int t = 10; t <= 210; ++t) {
    CAPTURE(t);
    const double expected = 0.25 + 0.75 * (1 + std::cos(std::numbers::pi * (t - 10) / 200)) / 2;
    CHECK(std::fabs(s.at(t) - expected) <= bound);
    if (t > 10) CHECK(s.at(t) < s.at(t - 1));
  }
}

TEST_CASE("RateSchedule: drops by a factor") {
  const RateSchedule s{.decay = Decay::step, .begin = 2, .every = 3, .factor = 0.5};
  for (int t = 0; t < 40; ++t) CHECK(s.at(t) == std::ldexp(1, t < 2 ? 0 : -((t - 2) / 3)));
}

TEST_CASE("RateSchedule: warm-up rises from one part to the whole rate, and multiplies the decay") {
  const RateSchedule s{.warmup = 4};
  CHECK((s.at(0) == 0.25 && s.at(1) == 0.5 && s.at(2) == 0.75 && s.at(3) == 1 && s.at(4) == 1));
  const RateSchedule both{.decay = Decay::linear, .end = 4, .warmup = 2};
  CHECK((both.at(0) == 0.5 && both.at(1) == 0.75 && both.at(2) == 0.5));
}

TEST_CASE("RateSchedule: what is not valid") {
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  CHECK_FALSE(RateSchedule{.warmup = -1}.valid());
  CHECK_FALSE(RateSchedule{.warmup = nan}.valid());
  for (const Decay decay : {Decay::linear, Decay::cosine}) {
    CHECK(RateSchedule{.decay = decay, .begin = 4, .end = 5}.valid());
    CHECK_FALSE(RateSchedule{.decay = decay, .begin = 5, .end = 5}.valid());
    CHECK_FALSE(RateSchedule{.decay = decay, .begin = -1, .end = 5}.valid());
    CHECK_FALSE(RateSchedule{.decay = decay, .end = infinity}.valid());
    CHECK_FALSE(RateSchedule{.decay = decay, .end = 5, .floor = nan}.valid());
  }
  CHECK(RateSchedule{.decay = Decay::step, .every = 1}.valid());
  CHECK_FALSE(RateSchedule{.decay = Decay::step}.valid());
  CHECK_FALSE(RateSchedule{.decay = Decay::step, .every = 1, .factor = -1}.valid());
}
