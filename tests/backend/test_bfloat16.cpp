#include <tinygan/backend/bfloat16.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "support/catch.hpp"

using tinygan::bfloat16;

namespace {

float round_trip(float f) { return static_cast<float>(bfloat16(f)); }

}  // namespace

TEST_CASE("Every bfloat16 survives the way through float") {
  int wrong = 0;
  for (std::uint32_t bits = 0; bits < 0x10000u; ++bits) {
    bfloat16 b;
    b.bits = static_cast<std::uint16_t>(bits);
    const float f = static_cast<float>(b);
    if (std::isnan(f)) wrong += !std::isnan(round_trip(f));
    else wrong += bfloat16(f).bits != b.bits;
  }
  CHECK(wrong == 0);
}

TEST_CASE("bfloat16 rounds to the nearest value, ties to even") {
  // The neighbours of a float f are its bits cut off and the next one up; 0x8000 is the middle.
  int wrong = 0;
  for (std::uint32_t upper = 0; upper < 0x7f80u; upper += 7)
    for (std::uint32_t lower : {0x0000u, 0x0001u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) {
      const bool up = lower > 0x8000u || (lower == 0x8000u && (upper & 1u));
      const auto expected = static_cast<std::uint16_t>(upper + (up ? 1u : 0u));
      const float f = std::bit_cast<float>(upper << 16 | lower);
      wrong += bfloat16(f).bits != expected;
      wrong += bfloat16(-f).bits != (expected | 0x8000u);
    }
  CHECK(wrong == 0);
}

TEST_CASE("bfloat16 keeps zeros, infinities and NaN") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  CHECK(bfloat16(0.0f).bits == 0x0000);
  CHECK(bfloat16(-0.0f).bits == 0x8000);
  CHECK(round_trip(infinity) == infinity);
  CHECK(round_trip(-infinity) == -infinity);
  CHECK(round_trip(std::numeric_limits<float>::max()) == infinity);  // nearest, with the exponent unbounded
  CHECK(std::isnan(round_trip(std::numeric_limits<float>::quiet_NaN())));
  // A NaN whose payload lies in the lower half only must not become an infinity.
  CHECK(std::isnan(round_trip(std::bit_cast<float>(0x7f800001u))));
  CHECK(std::isnan(round_trip(std::bit_cast<float>(0xffffffffu))));
}

TEST_CASE("bfloat16 is two bytes and works at compile time") {
  static_assert(sizeof(bfloat16) == 2 && alignof(bfloat16) == 2);
  static_assert(static_cast<float>(bfloat16(1.5f)) == 1.5f);
  static_assert(bfloat16(1.0f).bits == 0x3f80);
  CHECK(bfloat16().bits == 0);
}
