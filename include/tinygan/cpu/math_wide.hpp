// Elementary functions of float vectors that need double on the way: sine, cosine and powers.
//
// Their results depend on digits that float has lost: of x - n pi/2, and of exponent * ln x. A vector of floats is
// therefore worked on as two vectors of doubles where that matters. A lane's result depends on its input alone, as in
// math.hpp: errors are 3 ulp for sine and cosine and 1 ulp for powers (tests/cpu/test_math.cpp). The C library's, lane
// by lane: double; the portable set, whose vectors hold two doubles and gain nothing; sine and cosine of |x| >= 2^16;
// powers with an exponent that is not finite.
// Source: Cody and Waite, "Software Manual for the Elementary Functions", 1980.
#pragma once

#include <cmath>

#include <tinygan/cpu/math.hpp>

namespace tinygan::cpu::math {

namespace detail {

/// f(lane) for every lane, outside the vector code.
template <class T>
using LaneFunction = T (*)(T x, T parameter);

template <class T>
__attribute__((noinline, cold)) void by_lanes(LaneFunction<T> f, int n, const bool* which, const T* x, T parameter,
                                              T* y) {
  for (int i = 0; i < n; ++i)
    if (which[i]) y[i] = f(x[i], parameter);
}

/// Every lane of y is the bitwise or of all.
template <int Half, class V, std::size_t... Lane>
TINYGAN_INLINE void or_of_lanes(V& y, std::index_sequence<Lane...> all) {
  if constexpr (Half > 0) {
    y |= __builtin_shufflevector(y, y, (static_cast<int>(Lane) ^ Half)...);
    or_of_lanes<Half / 2>(y, all);
  }
}

/// The halves of a vector of floats as doubles, and back.
template <class Arch, std::size_t... Lane>
TINYGAN_INLINE void to_doubles(const Vec<float, Arch>& x, Vec<double, Arch>& low, Vec<double, Arch>& high,
                               std::index_sequence<Lane...>) {
  constexpr int half = sizeof...(Lane);
  low = __builtin_convertvector(__builtin_shufflevector(x, x, static_cast<int>(Lane)...), Vec<double, Arch>);
  high = __builtin_convertvector(__builtin_shufflevector(x, x, (half + static_cast<int>(Lane))...), Vec<double, Arch>);
}
template <class Arch>
TINYGAN_INLINE void to_doubles(const Vec<float, Arch>& x, Vec<double, Arch>& low, Vec<double, Arch>& high) {
  to_doubles<Arch>(x, low, high, std::make_index_sequence<lanes<double, Arch>>{});
}
template <class Arch, std::size_t... Lane>
TINYGAN_INLINE void to_floats(const Vec<double, Arch>& low, const Vec<double, Arch>& high, Vec<float, Arch>& y,
                              std::index_sequence<Lane...>) {
  // NOLINTNEXTLINE(modernize-use-using): as in simd.hpp
  typedef float Half __attribute__((vector_size(Arch::bytes / 2)));
  const Half a = __builtin_convertvector(low, Half), b = __builtin_convertvector(high, Half);
  y = __builtin_shufflevector(a, b, static_cast<int>(Lane)...);
}
template <class Arch>
TINYGAN_INLINE void to_floats(const Vec<double, Arch>& low, const Vec<double, Arch>& high, Vec<float, Arch>& y) {
  to_floats<Arch>(low, high, y, std::make_index_sequence<lanes<float, Arch>>{});
}

/// r = x - n pi/2 of one half.
template <class Arch>
TINYGAN_INLINE void subtract_quarters(const Vec<double, Arch>& x, const Vec<double, Arch>& n, Vec<double, Arch>& r) {
  // pi/2 in 33 and 53 bits: n of up to 20 bits times the first is exact.
  r = (x - n * 0x1.921fb544p0) - n * 0x1.0b4611a626331p-34;
}

/// y = ln a for one half, for normal a > 0; to 2^-39.
template <class Arch>
TINYGAN_INLINE void log_of_normal(const Vec<double, Arch>& a, Vec<double, Arch>& y) {
  using B = BitsVec<double, Arch>;
  using V = Vec<double, Arch>;
  using F = Format<double>;
  constexpr std::uint64_t one = std::uint64_t{F::bias} << F::mantissa, root_half = 0x3fe6a09e667f3bcd;
  const B shifted = reinterpret_cast<B>(a) + (one - root_half);  // a = m 2^e, m in [sqrt(1/2), sqrt 2), as in log()
  const B low_bits = (shifted & ((std::uint64_t{1} << F::mantissa) - 1)) + root_half;
  const V biased = reinterpret_cast<V>((shifted >> F::mantissa) + __builtin_bit_cast(std::uint64_t, F::rounder));
  const V f = reinterpret_cast<V>(low_bits) - 1.0;
  V ln_m;
  log_ratio<double, Arch, 7>(f / (f + 2.0), ln_m);
  y = (biased - (F::rounder + double{F::bias})) * 0.69314718055994531 + ln_m;
}

/// y = a^exponent for one half, for the absolute value a of a float; a NaN stays one.
template <class Arch>
TINYGAN_INLINE void power_of_absolute(const Vec<double, Arch>& a, double exponent, Vec<double, Arch>& y) {
  using V = Vec<double, Arch>;
  const V infinity = V{} + std::numeric_limits<double>::infinity(), limit = V{} + 150.0;  // beyond float's range
  V ln, n, power;
  log_of_normal<Arch>(a, ln);
  ln = a < infinity ? ln : a;  // +infinity and NaN
  ln = a == V{} ? -infinity : ln;
  V t = ln * exponent;
  t = t < -limit ? -limit : t;
  t = t > limit ? limit : t;
  n = (t * 1.4426950408889634 + Format<double>::rounder) - Format<double>::rounder;
  const V r = (t - n * Format<double>::ln2_hi) - n * Format<double>::ln2_lo;
  constexpr auto s = Series<double, 8>::exponential();  // e^r to 2^-36
  V p;
  series(s, r, p);
  power_of_two<double, Arch>(n, power);
  y = power + power * (r + (r * r) * p);
}

}  // namespace detail

enum class Circular { sine, cosine };

/// y = sin x or cos x.
template <Circular F, class T, class Arch>
TINYGAN_INLINE void circular(const Vec<T, Arch>& x, Vec<T, Arch>& y) {
  constexpr detail::LaneFunction<T> library = [](T at, T) { return F == Circular::sine ? std::sin(at) : std::cos(at); };
  if constexpr (sizeof(T) == 8 || Arch::isa == Isa::portable) {
    for (int i = 0; i < lanes<T, Arch>; ++i) y[i] = library(x[i], 0);
  } else {
    using V = Vec<float, Arch>;
    using B = detail::BitsVec<float, Arch>;
    constexpr float rounder = detail::Format<float>::rounder;
    const V shifted = x * 0.636619772f + rounder;  // the quarter in the lowest bits
    const B quarter = reinterpret_cast<B>(shifted) + (F == Circular::cosine ? 1u : 0u);
    Vec<double, Arch> low, high, n_low, n_high;
    detail::to_doubles<Arch>(x, low, high);
    detail::to_doubles<Arch>(shifted - rounder, n_low, n_high);
    detail::subtract_quarters<Arch>(low, n_low, low);
    detail::subtract_quarters<Arch>(high, n_high, high);
    V t, sin_t, cos_t;
    detail::to_floats<Arch>(low, high, t);  // |t| <= pi/4 + 2^-7
    const V z = t * t;
    constexpr auto sine = detail::Series<float, 4>::circular(1, 1);
    constexpr auto cosine = detail::Series<float, 5>::circular(0, 1);
    detail::series(sine, z, sin_t);
    detail::series(cosine, z, cos_t);
    sin_t = t * (1.0f + z * sin_t);  // of -0: -0
    cos_t = 1.0f + z * cos_t;
    const V value = (quarter & 1u) != 0u ? cos_t : sin_t;
    y = (quarter & 2u) != 0u ? -value : value;
    // Rarely: lanes that are too large, infinite or NaN.
    constexpr std::uint32_t limit = 0x47800000;                              // 2^16
    const B beyond = (limit - 1u) - (reinterpret_cast<B>(x) & 0x7fffffffu);  // its highest bit is set
    B any = beyond;
    detail::or_of_lanes<lanes<float, Arch> / 2>(any, std::make_index_sequence<lanes<float, Arch>>{});
    if (__builtin_expect(any[0] >> 31 != 0, 0)) {
      bool which[lanes<float, Arch>];
      float from[lanes<float, Arch>], to[lanes<float, Arch>];
      for (int i = 0; i < lanes<float, Arch>; ++i) which[i] = beyond[i] >> 31 != 0, from[i] = x[i], to[i] = y[i];
      detail::by_lanes<float>(library, lanes<float, Arch>, which, from, 0, to);
      for (int i = 0; i < lanes<float, Arch>; ++i) y[i] = to[i];
    }
  }
}

/// y = x^exponent; NaN for a negative x unless the exponent is an integer.
template <class T, class Arch>
TINYGAN_INLINE void power(const Vec<T, Arch>& x, T exponent, Vec<T, Arch>& y) {
  if constexpr (sizeof(T) == 8 || Arch::isa == Isa::portable) {
    for (int i = 0; i < lanes<T, Arch>; ++i) y[i] = std::pow(x[i], exponent);
  } else {
    using V = Vec<float, Arch>;
    using B = detail::BitsVec<float, Arch>;
    if (exponent == 0) {
      y = V{} + 1.0f;  // of a NaN, too
      return;
    }
    if (!(exponent - exponent == 0)) {
      for (int i = 0; i < lanes<float, Arch>; ++i) y[i] = std::pow(x[i], exponent);
      return;
    }
    V a;
    detail::abs<float, Arch>(x, a);
    Vec<double, Arch> low, high;
    detail::to_doubles<Arch>(a, low, high);
    detail::power_of_absolute<Arch>(low, static_cast<double>(exponent), low);
    detail::power_of_absolute<Arch>(high, static_cast<double>(exponent), high);
    detail::to_floats<Arch>(low, high, y);
    const float half = exponent * 0.5f;
    const bool integer = __builtin_floorf(exponent) == exponent, even = __builtin_floorf(half) == half;
    const B bits = reinterpret_cast<B>(x);
    if (integer && !even) y = reinterpret_cast<V>(reinterpret_cast<B>(y) | (bits & 0x80000000u));
    if (!integer) {  // between -infinity and -0, both excluded: one comparison
      const V nan = V{} + std::numeric_limits<float>::quiet_NaN();
      y = bits - 0x80000001u < 0x7f7fffffu ? nan : y;
    }
  }
}

}  // namespace tinygan::cpu::math
