// Learning-rate schedules: the factor of an optimiser's rate at each update.
#pragma once

#include <algorithm>

#include <tinygan/backend/rate_schedule.hpp>
#include <tinygan/base/error.hpp>

namespace tinygan::optim {

/// Of linear_schedule() and cosine_schedule(), in updates. The decay begins after the warm-up at the earliest.
struct DecayOptions {
  double begin = 0;
  double end = 0;     ///< the factor is `floor` from here on
  double floor = 0;   ///< factor at the end
  double warmup = 0;  ///< updates over which the rate rises from 0
};

/// Of step_schedule(), in updates. The first drop is `every` updates after `begin` or the warm-up.
struct StepOptions {
  double begin = 0;
  double every = 0;
  double factor = 0.1;  ///< of each drop
  double warmup = 0;    ///< updates over which the rate rises from 0
};

/// Throws Error naming the number of a schedule that is wrong.
inline void check_schedule(const char* op, const RateSchedule& s) {
  if (s.valid()) return;
  const auto check_number = [&](const char* what, double value) {
    check(value >= 0 && value < std::numeric_limits<double>::infinity(), op, what, " of the schedule is ", value,
          ", expected a finite non-negative number");
  };
  check_number("begin", s.begin);
  check_number("end", s.end);
  check_number("floor", s.floor);
  check_number("every", s.every);
  check_number("factor", s.factor);
  check_number("warm-up", s.warmup);
  check(s.decay != RateSchedule::Decay::step, op, "the schedule drops every ", s.every,
        " updates, expected more than 0");
  fail(op, "the schedule decays from update ", s.begin, " to ", s.end, ", expected begin < end");
}

namespace detail {

inline RateSchedule checked(const char* op, RateSchedule s) {
  check_schedule(op, s);
  s.begin = std::max(s.begin, s.warmup);
  check_schedule(op, s);
  return s;
}

}  // namespace detail

/// factor(t) = 1 after min(1, (t + 1) / warmup) over the first updates, which count from 0. Throws Error on a NaN,
/// negative or infinite number.
inline RateSchedule constant_schedule(double warmup = 0) {
  return detail::checked("constant_schedule", {.warmup = warmup});
}

/// A line from 1 at update `begin` to `floor` at `end`: see RateSchedule. Throws Error unless begin < end, and on a
/// NaN, negative or infinite number.
inline RateSchedule linear_schedule(const DecayOptions& o) {
  return detail::checked(
      "linear_schedule",
      {.decay = RateSchedule::Decay::linear, .begin = o.begin, .end = o.end, .floor = o.floor, .warmup = o.warmup});
}

/// Half a cosine from 1 at update `begin` to `floor` at `end`: see RateSchedule. Throws Error like linear_schedule().
/// Source: Loshchilov & Hutter, "SGDR", ICLR 2017, without restarts.
inline RateSchedule cosine_schedule(const DecayOptions& o) {
  return detail::checked(
      "cosine_schedule",
      {.decay = RateSchedule::Decay::cosine, .begin = o.begin, .end = o.end, .floor = o.floor, .warmup = o.warmup});
}

/// factor^n after n times `every` updates: see RateSchedule. Throws Error unless every > 0, and on a NaN, negative or
/// infinite number.
inline RateSchedule step_schedule(const StepOptions& o) {
  return detail::checked(
      "step_schedule",
      {.decay = RateSchedule::Decay::step, .begin = o.begin, .every = o.every, .factor = o.factor, .warmup = o.warmup});
}

}  // namespace tinygan::optim
