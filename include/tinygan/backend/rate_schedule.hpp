// RateSchedule: the factor of a learning rate at each update, for rates that a captured step must not freeze.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>

namespace tinygan {

/// factor(t) = warm-up(t) decay(t), over updates that count from 0:
///   warm-up(t) = min(1, (t + 1) / warmup)                                  1 without warm-up
///   decay(t)   = 1 up to `begin`, then by kind, x = (t - begin) / (end - begin)
///     linear     floor + (1 - floor) (1 - x), `floor` from `end` on
///     cosine     floor + (1 - floor) (1 + cos(pi x)) / 2, `floor` from `end` on
///     step       factor^n, n = (t - begin) / every rounded down
/// Kernels evaluate it from the step counter in device memory. It calls no library function, so hosts and devices
/// compute the same factor, up to the contraction of products and sums.
/// optim/schedule.hpp makes schedules and checks them.
/// Source of the cosine: Loshchilov & Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017,
/// without restarts. Of the warm-up: Goyal et al., "Accurate, Large Minibatch SGD", 2017.
struct RateSchedule {
  /// The course of the factor after the warm-up.
  enum class Decay : std::int32_t { none, linear, cosine, step };

  Decay decay = Decay::none;
  double begin = 0, end = 0;  ///< of linear and cosine decay; `begin` of step decay, too
  double floor = 0;           ///< factor at the end of linear and cosine decay
  double every = 0;           ///< updates between two drops of step decay
  double factor = 1;          ///< of each drop
  double warmup = 0;          ///< updates

  /// Whether every number is finite and not negative, and the decay has a length.
  constexpr bool valid() const {
    for (const double x : {begin, end, floor, every, factor, warmup})
      if (!(x >= 0 && x < std::numeric_limits<double>::infinity())) return false;
    switch (decay) {
      case Decay::none: return true;
      case Decay::linear:
      case Decay::cosine: return begin < end;
      case Decay::step: return every > 0;
    }
    return false;
  }

  /// The factor of the learning rate at a step, from 0 on.
  constexpr double at(double step) const {
    const double decayed = decay_at(step);
    return step + 1 < warmup ? (step + 1) / warmup * decayed : decayed;
  }

 private:
  constexpr double decay_at(double step) const {
    if (decay == Decay::none || step <= begin) return 1;
    if (decay == Decay::step) return power(factor, static_cast<std::uint64_t>((step - begin) / every));
    if (step >= end) return floor;
    const double left = (end - step) / (end - begin);
    return floor + (1 - floor) * (decay == Decay::linear ? left : half_cosine(left));
  }

  static constexpr double power(double base, std::uint64_t exponent) {
    double result = 1;
    for (; exponent > 0; exponent /= 2, base *= base)
      if (exponent % 2 == 1) result *= base;
    return result;
  }

  /// (1 - cos(pi left)) / 2 for `left` in [0, 1], as (1 + sin y) / 2 with |y| <= pi/2: the Taylor series of the sine up
  /// to y^23, whose remainder is below 1e-20.
  static constexpr double half_cosine(double left) {
    const double y = 3.14159265358979323846 * (left - 0.5), square = y * y;
    double series = 1;
    for (int k = 11; k >= 1; --k) series = 1 - square / (2 * k * (2 * k + 1)) * series;
    return 0.5 + 0.5 * (y * series);
  }
};

}  // namespace tinygan
