// Correctness before time: sampled outputs against sums in double, all outputs for being written.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/cpu/thread_pool.hpp>

#include "prediction.hpp"
#include "problem.hpp"

namespace tinygan::bench::gpu {

/// Seed of this process's operands and samples, fresh unless TINYGAN_CHECK_SEED repeats a run.
inline std::uint64_t check_seed() {
  static const std::uint64_t seed = [] {
    const char* const given = std::getenv("TINYGAN_CHECK_SEED");
    return given ? std::strtoull(given, nullptr, 10) : std::uint64_t{std::random_device{}()};
  }();
  return seed;
}

/// Element `at` of stream `seed`: 64 random bits (splitmix64).
inline std::uint64_t random_bits(std::uint64_t seed, std::uint64_t at) {
  std::uint64_t z = seed * 0xD1342543DE82EF95u + (at + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/// What an output must be, and the sum of its products' magnitudes.
struct Expected {
  double value = 0, magnitude = 0;
  index_t terms = 0;

  void add(float a, float b) {
    const double product = static_cast<double>(a) * static_cast<double>(b);
    value += product;
    magnitude += std::fabs(product);
    ++terms;
  }
};

inline Expected expected_at(const GemmProblem& p, index_t at) {
  const GemmDims& d = p.dims;
  const index_t m = at / d.N, n = at % d.N;
  Expected e;
  for (index_t k = 0; k < d.K; ++k)
    e.add(p.a[d.trans_a ? k * d.M + m : m * d.K + k], p.b[d.trans_b ? n * d.K + k : k * d.N + n]);
  return e;
}

inline Expected expected_at(const ConvProblem& p, index_t at) {
  const ConvDims& d = p.dims;
  Expected e;
  const auto x_at = [&](index_t n, index_t h, index_t w, index_t c) { return ((n * d.H + h) * d.W + w) * d.C + c; };
  const auto w_at = [&](index_t r, index_t s, index_t c, index_t k) { return ((r * d.S + s) * d.C + c) * d.K + k; };
  const auto g_at = [&](index_t n, index_t y, index_t q, index_t k) { return ((n * d.P + y) * d.Q + q) * d.K + k; };
  if (p.output == ConvSlot::g) {
    const index_t k = at % d.K, q = at / d.K % d.Q, y = at / d.K / d.Q % d.P, n = at / d.K / d.Q / d.P;
    for (index_t r = 0; r < d.R; ++r)
      for (index_t s = 0; s < d.S; ++s) {
        const index_t h = y * d.stride_h + r * d.dilation_h - d.pad_top,
                      w = q * d.stride_w + s * d.dilation_w - d.pad_left;
        if (h < 0 || h >= d.H || w < 0 || w >= d.W) continue;
        for (index_t c = 0; c < d.C; ++c) e.add(p.first[x_at(n, h, w, c)], p.second[w_at(r, s, c, k)]);
      }
  } else if (p.output == ConvSlot::x) {
    const index_t c = at % d.C, w = at / d.C % d.W, h = at / d.C / d.W % d.H, n = at / d.C / d.W / d.H;
    for (index_t r = 0; r < d.R; ++r)
      for (index_t s = 0; s < d.S; ++s) {
        const index_t y = h + d.pad_top - r * d.dilation_h, q = w + d.pad_left - s * d.dilation_w;
        if (y < 0 || y % d.stride_h || y / d.stride_h >= d.P || q < 0 || q % d.stride_w || q / d.stride_w >= d.Q)
          continue;
        for (index_t k = 0; k < d.K; ++k)
          e.add(p.first[g_at(n, y / d.stride_h, q / d.stride_w, k)], p.second[w_at(r, s, c, k)]);
      }
  } else {
    const index_t k = at % d.K, c = at / d.K % d.C, s = at / d.K / d.C % d.S, r = at / d.K / d.C / d.S;
    for (index_t n = 0; n < d.N; ++n)
      for (index_t y = 0; y < d.P; ++y)
        for (index_t q = 0; q < d.Q; ++q) {
          const index_t h = y * d.stride_h + r * d.dilation_h - d.pad_top,
                        w = q * d.stride_w + s * d.dilation_w - d.pad_left;
          if (h >= 0 && h < d.H && w >= 0 && w < d.W) e.add(p.first[x_at(n, h, w, c)], p.second[g_at(n, y, q, k)]);
        }
  }
  return e;
}

/// How far a precision can move an operand, relative to it: by rounding, or in tf32 by ignoring the lowest bits.
inline double rounding(Precision precision) {
  return precision == Precision::fp32 ? 0x1p-24 : precision == Precision::tf32 ? 0x1p-10 : 0x1p-8;
}

/// Error bound of an output: a sum of products whose operands, and with `rounded_result` the result, were rounded to
/// the precision. (2 u + 4 (terms + 2) eps) sum |a||b|, u the rounding of an operand; tensor cores may truncate as they
/// add.
inline double error_bound(Precision precision, index_t terms, double magnitude, double value, bool rounded_result) {
  const double eps = std::numeric_limits<float>::epsilon(), u = rounding(precision);
  return (2.1 * u + 4 * static_cast<double>(terms + 2) * eps) * magnitude +
         (rounded_result ? 2 * u * std::fabs(value) : 0.0);
}

/// Verdict on outputs.
struct Judgement {
  std::string fault;  ///< first wrong output, empty if there is none
  double worst = 0;   ///< largest error over its bound among the samples
  index_t worst_at = 0;
};

/// Products in an output's sum, at most.
inline index_t terms_of(const GemmProblem& p) { return p.dims.K; }
inline index_t terms_of(const ConvDims& d, ConvSlot output) {
  return output == ConvSlot::g ? d.R * d.S * d.C : output == ConvSlot::x ? d.R * d.S * d.K : d.N * d.P * d.Q;
}
inline index_t terms_of(const ConvProblem& p) { return terms_of(p.dims, p.output); }

/// Every element written, and samples_of() of them, drawn from check_seed(), within error_bound().
template <class Problem>
Judgement judge(const Problem& p, const std::vector<float>& found, index_t channels, bool rounded_result) {
  const auto size = static_cast<index_t>(found.size());
  Judgement j;
  index_t first = size;  // of the wrong outputs that threads find in no order
  std::mutex mutex;
  const auto report = [&](index_t at, double worst, const auto&... parts) {
    const std::lock_guard lock(mutex);
    if (sizeof...(parts) > 0 && at < first) {
      j.fault = text("output ", at, parts..., "; TINYGAN_CHECK_SEED=", check_seed());
      first = at;
    }
    if (worst < j.worst || (worst == j.worst && at > j.worst_at)) return;
    j.worst = worst;
    j.worst_at = at;
  };
  cpu::parallel_for(size, 1 << 16, [&](index_t begin, index_t end) {
    for (index_t i = begin; i < end; ++i)
      if (std::isnan(found[static_cast<std::size_t>(i)]))
        return report(i, std::numeric_limits<double>::infinity(), " of ", size, " is NaN or was not written");
  });
  if (!j.fault.empty()) return j;
  static std::uint64_t drawn = 0;
  std::vector<index_t> samples(static_cast<std::size_t>(samples_of(static_cast<double>(terms_of(p)))));
  for (index_t& at : samples) at = static_cast<index_t>(random_bits(check_seed(), drawn++) % found.size());
  cpu::parallel_for(static_cast<index_t>(samples.size()), 1, [&](index_t begin, index_t end) {
    for (index_t sample = begin; sample < end; ++sample) {
      const index_t at = samples[static_cast<std::size_t>(sample)];
      const Expected e = expected_at(p, at);
      double want = e.value, scale = e.magnitude;
      if (p.bias) {
        const double bias = static_cast<double>(p.bias[at % channels]);
        want = std::max(want + bias, 0.0);
        scale += std::fabs(bias);
      }
      const double bound = error_bound(p.precision, e.terms, scale, want, rounded_result);
      const auto have = static_cast<double>(found[static_cast<std::size_t>(at)]);
      const double error = std::fabs(have - want);
      if (error <= bound) report(at, bound > 0 ? error / bound : 0.0);
      else report(at, error / bound, " is ", have, ", expected ", want, " within ", bound);
    }
  });
  return j;
}

/// judge()'s fault.
template <class Problem>
std::string wrong(const Problem& p, const std::vector<float>& found, index_t channels, bool rounded_result) {
  return judge(p, found, channels, rounded_result).fault;
}

/// |a - b| / |b| over all elements.
inline double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    difference += d * d;
    size += static_cast<double>(b[i]) * static_cast<double>(b[i]);
  }
  return std::sqrt(difference / std::max(size, std::numeric_limits<double>::min()));
}

}  // namespace tinygan::bench::gpu
