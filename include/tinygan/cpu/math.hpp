// Elementary functions of vectors, float and double: exp, log, tanh, sigmoid, softplus, erfc, sqrt, sin and cos.
//
// Each is range reduction plus a power series whose coefficients are the series' own (1/k!, 1/(2k+1)), evaluated far
// enough for the type. No tables, no branches, no lane crossing: a lane's result depends on its input alone, so a tail
// computed in a padded vector has the same bits. Errors (tests/cpu/test_math.cpp): 3 ulp in either type, 3 steps among
// subnormal numbers. NaN stays NaN; zeros, infinities and overflow give what the C library gives. Needs round to
// nearest and no -ffast-math. Conditions are never combined with & or |, nor nested with equal results: g++ 12 takes
// the masks of AVX-512 apart into scalars when such code is inlined from a lambda.
// Source: Cody and Waite, "Software Manual for the Elementary Functions", 1980; Muller, "Elementary Functions", 3rd ed.
#pragma once

#include <cstdint>
#include <limits>
#include <utility>

#include <tinygan/cpu/simd.hpp>

namespace tinygan::cpu::math {

namespace detail {

template <class T>
struct Format;

template <>
struct Format<float> {
  using Bits = std::uint32_t;
  static constexpr int mantissa = 23, bias = 127;
  static constexpr float rounder = 0x1.8p23f;                              // x + rounder - rounder rounds to an integer
  static constexpr float ln2_hi = 0x1.62e4p-1f, ln2_lo = 0x1.7f7d1cp-20f;  // n * ln2_hi is exact
  static constexpr float exp_min = -104, exp_max = 89;                     // e^x is 0 below, infinite above
  static constexpr int exp_terms = 8, log_terms = 6, log1p_terms = 9;
};

template <>
struct Format<double> {
  using Bits = std::uint64_t;
  static constexpr int mantissa = 52, bias = 1023;
  static constexpr double rounder = 0x1.8p52;
  static constexpr double ln2_hi = 0x1.62e42feep-1, ln2_lo = 0x1.a39ef35793c76p-33;
  static constexpr double exp_min = -746, exp_max = 710;
  static constexpr int exp_terms = 14, log_terms = 11, log1p_terms = 17;
};

template <class T, class Arch>
using BitsVec = Vec<typename Format<T>::Bits, Arch>;

/// Coefficients c[k] of a series.
template <class T, int N>
struct Series {
  T c[N] = {};

  static constexpr Series exponential() {  // 1/(k+2)!: (e^r - 1 - r) / r^2
    Series s;
    double factorial = 1;
    for (int k = 0; k < N; ++k) s.c[k] = T(1 / (factorial *= k + 2));
    return s;
  }
  static constexpr Series area_tangent() {  // 2/(2k+3): (2 atanh(s) / s - 2) / s^2
    Series s;
    for (int k = 0; k < N; ++k) s.c[k] = T(2.0 / (2 * k + 3));
    return s;
  }
  static constexpr Series error_function() {  // 2/sqrt(pi) (-1)^k / (k! (2k+1)): erf(x) / x
    Series s;
    double factorial = 1.1283791670955126;
    for (int k = 0; k < N; factorial /= -++k) s.c[k] = T(factorial / (2 * k + 1));
    return s;
  }
  static constexpr Series circular(int first, int skipped = 0) {  // (-1)^k / (first + 2k)!, k >= skipped
    Series s;
    double factorial = 1;
    for (int i = 2; i < first + 2 * skipped; ++i) factorial *= i;
    if (skipped % 2 != 0) factorial = -factorial;
    for (int j = 0; j < N; ++j) {
      const int k = first + 2 * (skipped + j);
      if (k > 1) factorial *= j ? -(k - 1) * k : k;
      s.c[j] = T(1 / factorial);
    }
    return s;
  }
};

/// y = c[0] + c[1] z + ... by Horner's rule.
template <class V, class T, int N, std::size_t... K>
TINYGAN_INLINE void horner(const Series<T, N>& s, const V& z, V& y, std::index_sequence<K...>) {
  y = V{} + s.c[N - 1];
  ((y = y * z + s.c[N - 2 - static_cast<int>(K)]), ...);
}
template <class V, class T, int N>
TINYGAN_INLINE void series(const Series<T, N>& s, const V& z, V& y) {
  horner(s, z, y, std::make_index_sequence<N - 1>{});
}

/// p = 2^n for integers n of the normal range.
template <class T, class Arch>
TINYGAN_INLINE void power_of_two(const Vec<T, Arch>& n, Vec<T, Arch>& p) {
  using F = Format<T>;
  const Vec<T, Arch> shifted = n + (F::rounder + T(F::bias));  // n + bias in the lowest bits
  p = reinterpret_cast<Vec<T, Arch>>(reinterpret_cast<BitsVec<T, Arch>>(shifted) << F::mantissa);
}

/// x = n ln 2 + r, |r| <= ln 2 / 2; q = e^r - 1.
template <class T, class Arch>
TINYGAN_INLINE void exp_reduced(const Vec<T, Arch>& x, Vec<T, Arch>& n, Vec<T, Arch>& q) {
  using F = Format<T>;
  n = (x * T(1.4426950408889634) + F::rounder) - F::rounder;
  const Vec<T, Arch> r = (x - n * F::ln2_hi) - n * F::ln2_lo;
  constexpr auto s = Series<T, F::exp_terms - 2>::exponential();
  Vec<T, Arch> p;
  series(s, r, p);
  q = r + (r * r) * p;
}

/// y = ln((1 + s) / (1 - s)) = 2 atanh s.
template <class T, class Arch, int Terms>
TINYGAN_INLINE void log_ratio(const Vec<T, Arch>& s, Vec<T, Arch>& y) {
  constexpr auto c = Series<T, Terms - 1>::area_tangent();
  const Vec<T, Arch> z = s * s;
  Vec<T, Arch> p;
  series(c, z, p);
  y = T(2) * s + s * z * p;
}

/// y = erf x for |x| < 1, float.
template <class Arch>
TINYGAN_INLINE void erf_below_one(const Vec<float, Arch>& x, Vec<float, Arch>& y) {
  constexpr auto c = Series<float, 11>::error_function();
  Vec<float, Arch> p;
  series(c, x * x, p);
  y = x * p;
}

template <class T, class Arch>
TINYGAN_INLINE void abs(const Vec<T, Arch>& x, Vec<T, Arch>& y) {
  using Bits = typename Format<T>::Bits;
  y = reinterpret_cast<Vec<T, Arch>>(reinterpret_cast<BitsVec<T, Arch>>(x) & (~Bits{0} >> 1));
}

}  // namespace detail

/// y = e^x.
template <class T, class Arch>
TINYGAN_INLINE void exp(const Vec<T, Arch>& x, Vec<T, Arch>& y) {
  using F = detail::Format<T>;
  using V = Vec<T, Arch>;
  const V low = V{} + F::exp_min, high = V{} + F::exp_max;
  V a = x < low ? low : x;  // a NaN passes both
  a = a > high ? high : a;
  V n, q, half_power, rest_power;
  detail::exp_reduced<T, Arch>(a, n, q);
  const V half = (n * T(0.5) + F::rounder) - F::rounder;  // 2^n may leave the normal range: two factors
  detail::power_of_two<T, Arch>(half, half_power);
  detail::power_of_two<T, Arch>(n - half, rest_power);
  y = (T(1) + q) * half_power * rest_power;
}

/// y = ln x; -infinity at 0, NaN below.
template <class T, class Arch>
TINYGAN_INLINE void log(const Vec<T, Arch>& x, Vec<T, Arch>& y) {
  using F = detail::Format<T>;
  using Bits = typename F::Bits;
  using V = Vec<T, Arch>;
  using B = detail::BitsVec<T, Arch>;
  using Limits = std::numeric_limits<T>;
  constexpr Bits one = static_cast<Bits>(F::bias) << F::mantissa;
  constexpr Bits root_half = sizeof(T) == 4 ? Bits(0x3f3504f3u) : Bits(0x3fe6a09e667f3bcdull);
  constexpr T subnormal_scale = T(std::uint64_t{1} << (F::mantissa + 1));
  const auto subnormal = x < Limits::min();
  const V a = subnormal ? x * subnormal_scale : x;
  // a = m 2^e with m in [sqrt(1/2), sqrt 2); e is made a floating-point number by its place in rounder's lowest bits.
  const B shifted = reinterpret_cast<B>(a) + (one - root_half);
  const B low_bits = (shifted & ((Bits{1} << F::mantissa) - 1)) + root_half;
  const V biased = reinterpret_cast<V>((shifted >> F::mantissa) + __builtin_bit_cast(Bits, F::rounder));
  V e = biased - (F::rounder + T(F::bias));
  e = subnormal ? e - T(F::mantissa + 1) : e;
  const V f = reinterpret_cast<V>(low_bits) - T(1);
  V ln_m;
  detail::log_ratio<T, Arch, F::log_terms>(f / (f + T(2)), ln_m);
  const V result = e * F::ln2_hi + (ln_m + e * F::ln2_lo);
  const V infinity = V{} + Limits::infinity(), nan = V{} + Limits::quiet_NaN();
  V special = x < infinity ? result : x;  // +infinity and NaN
  special = x < V{} ? nan : special;
  y = x == V{} ? -infinity : special;
}

/// y = tanh x = -t / (t + 2) of |x|, t = e^(-2|x|) - 1.
template <class T, class Arch>
TINYGAN_INLINE void tanh(const Vec<T, Arch>& x, Vec<T, Arch>& y) {
  using V = Vec<T, Arch>;
  using B = detail::BitsVec<T, Arch>;
  using Bits = typename detail::Format<T>::Bits;
  const V low = V{} - T(40);  // tanh 20 = 1 in either type
  V a, n, q, power;
  detail::abs<T, Arch>(x, a);
  a = T(-2) * a;
  a = a < low ? low : a;
  detail::exp_reduced<T, Arch>(a, n, q);
  detail::power_of_two<T, Arch>(n, power);
  const V t = power * q + (power - T(1));
  detail::abs<T, Arch>(t / (t + T(2)), a);
  y = reinterpret_cast<V>(reinterpret_cast<B>(a) | (reinterpret_cast<B>(x) & ~(~Bits{0} >> 1)));
}

/// y = -|x|.
template <class T, class Arch>
TINYGAN_INLINE void minus_abs(const Vec<T, Arch>& x, Vec<T, Arch>& y) {
  using Bits = typename detail::Format<T>::Bits;
  y = reinterpret_cast<Vec<T, Arch>>(reinterpret_cast<detail::BitsVec<T, Arch>>(x) | ~(~Bits{0} >> 1));
}

/// The ends of sigmoid and softplus, from e = e^-|x|.
template <class T, class Arch>
TINYGAN_INLINE void sigmoid_from_exp(const Vec<T, Arch>& x, const Vec<T, Arch>& e, Vec<T, Arch>& y) {
  using V = Vec<T, Arch>;
  const V one = V{} + T(1);
  y = (x < V{} ? e : one) / (one + e);
}
template <class T, class Arch>
TINYGAN_INLINE void softplus_from_exp(const Vec<T, Arch>& x, const Vec<T, Arch>& e, Vec<T, Arch>& y) {
  using V = Vec<T, Arch>;
  V l;
  detail::log_ratio<T, Arch, detail::Format<T>::log1p_terms>(e / (e + T(2)), l);
  y = (x > V{} ? x : V{}) + l;
}

/// y = 1 / (1 + e^-x), without overflow on either side.
template <class T, class Arch>
TINYGAN_INLINE void sigmoid(const Vec<T, Arch>& x, Vec<T, Arch>& y) {
  Vec<T, Arch> a, e;
  minus_abs<T, Arch>(x, a);
  exp<T, Arch>(a, e);
  sigmoid_from_exp<T, Arch>(x, e, y);
}

/// y = ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|).
template <class T, class Arch>
TINYGAN_INLINE void softplus(const Vec<T, Arch>& x, Vec<T, Arch>& y) {
  Vec<T, Arch> a, e;
  minus_abs<T, Arch>(x, a);
  exp<T, Arch>(a, e);
  softplus_from_exp<T, Arch>(x, e, y);
}

/// y = erfc|x| and e = e^(-x^2): below 1 by 1 - erf x's power series, whose relative error is that of 1 - erf x; above
/// by e t P(t), t = 1 / (1 + x/2), with x^2 rounded once. Double: the C library's, lane by lane.
template <class T, class Arch>
TINYGAN_INLINE void erfc_abs(const Vec<T, Arch>& x, Vec<T, Arch>& y, Vec<T, Arch>& e) {
  using V = Vec<T, Arch>;
  V a, p;
  detail::abs<T, Arch>(x, a);
  if constexpr (sizeof(T) == 8) {
    for (int i = 0; i < lanes<T, Arch>; ++i) y[i] = __builtin_erfc(a[i]), e[i] = __builtin_exp(-a[i] * a[i]);
  } else {
    exp<T, Arch>(-(a * a), e);
    // |erfc(x) - e t P(t)| <= 3e-8 erfc(x) for x in [1, 10.2]; beyond, erfc(x) is 0 in float. By weighted least
    // squares.
    constexpr detail::Series<float, 8> tail{{0.282098648f, 0.282034717f, 0.247004012f, 0.17860492f, 0.0614415061f,
                                             0.0818330772f, -0.225784326f, 0.0933407959f}};
    const V t = T(1) / (T(1) + T(0.5) * a);
    detail::series(tail, t, p);
    const V above = e * t * p;
    V erf;
    detail::erf_below_one<Arch>(a, erf);
    y = a < T(1) ? T(1) - erf : above;
  }
}

/// y = erf x.
template <class T, class Arch>
TINYGAN_INLINE void erf(const Vec<T, Arch>& x, Vec<T, Arch>& y) {
  if constexpr (sizeof(T) == 8) {
    for (int i = 0; i < lanes<T, Arch>; ++i) y[i] = __builtin_erf(x[i]);
  } else {
    using V = Vec<T, Arch>;
    V complement, e, below;
    erfc_abs<T, Arch>(x, complement, e);
    detail::erf_below_one<Arch>(x, below);
    const V above = x < V{} ? complement - T(1) : T(1) - complement;
    V a;
    detail::abs<T, Arch>(x, a);
    y = a < T(1) ? below : above;
    y = x != x ? x : y;
  }
}

/// y = Phi(x), the normal distribution, and density = Phi'(x).
template <class T, class Arch>
TINYGAN_INLINE void normal_distribution(const Vec<T, Arch>& x, Vec<T, Arch>& y, Vec<T, Arch>& density) {
  using V = Vec<T, Arch>;
  V upper = {};  // 2 Phi(-|x|)
  erfc_abs<T, Arch>(x * T(0.70710678118654752), upper, density);
  density = density * T(0.39894228040143268);
  y = x < V{} ? T(0.5) * upper : T(1) - T(0.5) * upper;
}

/// y = x^(1/2), NaN below 0. Float: Newton's iteration, as vector extensions have no square root; 1 ulp. Double: the
/// processor's own, lane by lane.
template <class T, class Arch>
TINYGAN_INLINE void sqrt(const Vec<T, Arch>& x, Vec<T, Arch>& y) {
  using V = Vec<T, Arch>;
  if constexpr (sizeof(T) == 8) {
    for (int i = 0; i < lanes<T, Arch>; ++i) y[i] = __builtin_sqrt(x[i]);
  } else {
    using B = detail::BitsVec<T, Arch>;
    const auto tiny = x < 0x1p-96f;  // scaled into the range where 1/sqrt(x) and the residual keep their digits
    const V a = tiny ? x * 0x1p64f : x;
    V r = reinterpret_cast<V>(0x5f3759dfu - (reinterpret_cast<B>(a) >> 1));  // 1/sqrt(a) to 4 %
    r = r * (1.5f - 0.5f * a * r * r);
    r = r * (1.5f - 0.5f * a * r * r);
    r = r * (1.5f - 0.5f * a * r * r);
    V s = a * r;
    s = s + 0.5f * r * (a - s * s);
    s = tiny ? s * 0x1p-32f : s;
    const V infinity = V{} + std::numeric_limits<float>::infinity();
    const V nan = V{} + std::numeric_limits<float>::quiet_NaN();
    s = x < infinity ? s : x;  // +infinity and NaN
    y = x < V{} ? nan : s;
  }
}

/// s = sin(2 pi u) and c = cos(2 pi u) for u in [0, 1], float.
template <class Arch>
TINYGAN_INLINE void sincos_turns(const Vec<float, Arch>& u, Vec<float, Arch>& s, Vec<float, Arch>& c) {
  using V = Vec<float, Arch>;
  using F = detail::Format<float>;
  const V shifted = u * 4.0f + F::rounder;  // the quarter in the lowest bits
  const auto quarter = reinterpret_cast<Vec<std::uint32_t, Arch>>(shifted);
  const V t = (u * 4.0f - (shifted - F::rounder)) * 1.57079632679f;  // the difference is exact; |t| <= pi/4
  const V z = t * t;
  constexpr auto sine = detail::Series<float, 5>::circular(1);
  constexpr auto cosine = detail::Series<float, 6>::circular(0);
  V sin_t, cos_t;
  detail::series(sine, z, sin_t);
  detail::series(cosine, z, cos_t);
  sin_t = sin_t * t;
  const auto swap = (quarter & 1u) != 0u;
  const V a = swap ? cos_t : sin_t, b = swap ? sin_t : cos_t;
  s = (quarter & 2u) != 0u ? -a : a;
  c = ((quarter + 1u) & 2u) != 0u ? -b : b;
}

}  // namespace tinygan::cpu::math
