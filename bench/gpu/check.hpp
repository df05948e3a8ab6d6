// Correctness before time: sampled outputs against sums in double, all outputs for being written.
#pragma once

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <tinygan/base/error.hpp>

#include "problem.hpp"

namespace tinygan::bench::gpu {

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
    for (index_t y = 0; y < d.P; ++y)
      for (index_t q = 0; q < d.Q; ++q) {
        const index_t h = y * d.stride_h + r * d.dilation_h - d.pad_top,
                      w = q * d.stride_w + s * d.dilation_w - d.pad_left;
        if (h < 0 || h >= d.H || w < 0 || w >= d.W) continue;
        for (index_t n = 0; n < d.N; ++n) e.add(p.first[x_at(n, h, w, c)], p.second[g_at(n, y, q, k)]);
      }
  }
  return e;
}

/// How far rounding to a precision can move a number, relative to it.
inline double rounding(Precision precision) {
  return precision == Precision::fp32 ? 0x1p-24 : precision == Precision::tf32 ? 0x1p-11 : 0x1p-8;
}

/// Empty if `found` is right: every element written, and 500 of them, drawn afresh in every run, within the error bound
/// of a sum of products whose operands, and with `rounded_result` the result, were rounded to the precision. Bound: (2
/// u + 4 (terms + 2) eps) sum |a||b|, u the rounding of an operand; tensor cores may truncate as they add.
template <class Problem>
std::string wrong(const Problem& p, const std::vector<float>& found, index_t channels, bool rounded_result) {
  for (std::size_t i = 0; i < found.size(); ++i)
    if (std::isnan(found[i])) return text("output ", i, " of ", found.size(), " is NaN or was not written");
  std::mt19937_64 random(std::random_device{}());
  std::uniform_int_distribution<index_t> draw(0, static_cast<index_t>(found.size()) - 1);
  const double eps = std::numeric_limits<float>::epsilon(), u = rounding(p.precision);
  for (int sample = 0; sample < 500; ++sample) {
    const index_t at = draw(random);
    const Expected e = expected_at(p, at);
    double want = e.value, scale = e.magnitude;
    if (p.bias) {
      const double bias = static_cast<double>(p.bias[at % channels]);
      want = std::max(want + bias, 0.0);
      scale += std::fabs(bias);
    }
    const double bound = (2.1 * u + 4 * static_cast<double>(e.terms + 2) * eps) * scale +
                         (rounded_result ? 2 * u * std::fabs(want) : 0.0);
    const auto have = static_cast<double>(found[static_cast<std::size_t>(at)]);
    if (!(std::fabs(have - want) <= bound))
      return text("output ", at, " is ", have, ", expected ", want, " within ", bound);
  }
  return "";
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
