// Products and convolutions of operands that are 1 or -1: every sum is a whole number that fp32 holds, so in each
// precision and order of summation the result is one certain number, whatever the hardware's rounding.
//
// All outputs are checked at the cost of reading them: random signs u, v contract an output array to few numbers,
// sum u_i v_j c_ij, which must equal the product of the contracted operands. A single wrong output always shows,
// several in one sum with a probability of a half. Source: Freivalds, "Probabilistic Machines Can Use Less Running
// Time", 1977.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include <tinygan/backend/bfloat16.hpp>

#include "../../bench/gpu/check.hpp"
#include "support/reference.hpp"

namespace tinygan::test {

using bench::gpu::ConvProblem;
using bench::gpu::GemmProblem;

/// n times 1 or -1.
template <class T>
std::vector<T> random_signs(index_t n, std::uint64_t stream) {
  std::vector<T> v(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < v.size(); ++i)
    v[i] = bench::gpu::random_bits(bench::gpu::check_seed() + stream, i) >> 63 ? T(-1) : T(1);
  return v;
}

/// sum over n of signs[n] x[before, n, after].
template <class T>
std::vector<double> contract(const T* x, index_t before, index_t n, index_t after, const std::vector<double>& signs) {
  std::vector<double> y(static_cast<std::size_t>(before * after), 0.0);
  for (index_t i = 0; i < before; ++i)
    for (index_t j = 0; j < n; ++j) {
      const T* const from = x + (i * n + j) * after;
      const double sign = signs[static_cast<std::size_t>(j)];
      for (index_t k = 0; k < after; ++k)
        y[static_cast<std::size_t>(i * after + k)] += sign * static_cast<double>(from[k]);
    }
  return y;
}

/// Sums of outputs with signs, what they must be, and by how much storing in bfloat16 may move them.
struct Checksums {
  std::vector<double> found, expected, slack;
};

/// By how much a whole number moves at most when it is stored in bfloat16.
inline double whole_storing_error(float stored) {
  return std::fabs(stored) < 256 ? 0 : std::ldexp(1.0, std::ilogb(stored) - 8);
}
inline std::vector<double> whole_storing_errors(const std::vector<float>& stored) {
  std::vector<double> errors;
  for (const float x : stored) errors.push_back(whole_storing_error(x));
  return errors;
}

/// One for each row of the product.
inline Checksums checksums(const GemmProblem& p, const std::vector<float>& found, bool bfloat16_result) {
  const GemmDims& d = p.dims;
  const auto v = random_signs<double>(d.N, 101);
  const std::vector<double> bv = d.trans_b ? contract(p.b, 1, d.N, d.K, v) : contract(p.b, d.K, d.N, 1, v);
  Checksums s{contract(found.data(), d.M, d.N, 1, v),
              d.trans_a ? contract(p.a, 1, d.K, d.M, bv) : contract(p.a, d.M, d.K, 1, bv),
              std::vector<double>(static_cast<std::size_t>(d.M), 0.0)};
  if (bfloat16_result)
    s.slack = contract(whole_storing_errors(found).data(), d.M, d.N, 1, std::vector<double>(v.size(), 1.0));
  return s;
}

/// One for each pixel of the result, or of the filter.
inline Checksums checksums(const ConvProblem& p, const std::vector<float>& found, bool bfloat16_result) {
  const ConvDims& d = p.dims;
  // The output is (N, pixels, channels) or, of the weights, (taps, C, K): u contracts N or C, v channels or K.
  const bool of_w = p.output == ConvSlot::w;
  const index_t pixels = of_w ? d.R * d.S : p.output == ConvSlot::g ? d.P * d.Q : d.H * d.W;
  const index_t rows = of_w ? d.C : d.N, columns = p.output == ConvSlot::x ? d.C : d.K;
  const auto u = random_signs<double>(rows, 102), v = random_signs<double>(columns, 103);
  const auto both = [&](const auto* from, const std::vector<double>& of_rows, const std::vector<double>& of_columns) {
    const std::vector<double> right = contract(from, rows * pixels, columns, 1, of_columns);
    return of_w ? contract(right.data(), pixels, rows, 1, of_rows) : contract(right.data(), 1, rows, pixels, of_rows);
  };
  ConvDims reduced = d;
  Checksums s;
  if (p.output == ConvSlot::g) {
    reduced.N = reduced.K = 1;
    const auto x = contract(p.first, 1, d.N, d.H * d.W * d.C, u), w = contract(p.second, d.R * d.S * d.C, d.K, 1, v);
    s.expected = reference_conv2d(reduced, x.data(), w.data()).value;
  } else if (p.output == ConvSlot::x) {
    reduced.N = reduced.C = 1;
    const auto g = contract(p.first, 1, d.N, d.P * d.Q * d.K, u), w = contract(p.second, d.R * d.S, d.C, d.K, v);
    s.expected = reference_conv2d_input_grad(reduced, g.data(), w.data()).value;
  } else {
    reduced.C = reduced.K = 1;
    const auto x = contract(p.first, d.N * d.H * d.W, d.C, 1, u), g = contract(p.second, d.N * d.P * d.Q, d.K, 1, v);
    s.expected = reference_conv2d_weight_grad(reduced, x.data(), g.data()).value;
  }
  s.found = both(found.data(), u, v);
  s.slack.assign(s.found.size(), 0.0);
  if (bfloat16_result)
    s.slack = both(whole_storing_errors(found).data(), std::vector<double>(u.size(), 1.0),
                   std::vector<double>(v.size(), 1.0));
  return s;
}

/// Random signs as operands, without a bias: every output must be exact. Empty, or what is wrong.
template <class Problem>
std::string inexact(const Problem& p, const std::vector<float>& found, bool bfloat16_result) {
  const Checksums s = checksums(p, found, bfloat16_result);
  for (std::size_t i = 0; i < s.expected.size(); ++i)
    if (!std::isfinite(s.found[i]) || !(std::fabs(s.found[i] - s.expected[i]) <= s.slack[i]))
      return text("checksum ", i, " of ", s.expected.size(), " is ", s.found[i], ", expected ", s.expected[i],
                  " within ", s.slack[i], "; TINYGAN_CHECK_SEED=", bench::gpu::check_seed());
  return "";
}

/// The same with relu(it + bias) of random signs, by samples.
template <class Problem>
std::string inexact_samples(const Problem& p, const std::vector<float>& found, index_t channels, bool bfloat16_result) {
  static std::uint64_t drawn = 0;
  index_t samples = bench::gpu::samples_of(1);
  for (index_t i = 0; i < samples; ++i) {
    const auto at =
        static_cast<index_t>(bench::gpu::random_bits(bench::gpu::check_seed() + 104, drawn++) % found.size());
    const bench::gpu::Expected e = bench::gpu::expected_at(p, at);
    samples = std::min(samples, bench::gpu::samples_of(static_cast<double>(e.terms)));
    const auto whole = static_cast<float>(std::max(e.value + static_cast<double>(p.bias[at % channels]), 0.0));
    const float want = bfloat16_result ? static_cast<float>(bfloat16(whole)) : whole;
    if (found[static_cast<std::size_t>(at)] != want)
      return text("output ", at, " is ", found[static_cast<std::size_t>(at)], ", expected exactly ", want,
                  "; TINYGAN_CHECK_SEED=", bench::gpu::check_seed());
  }
  return "";
}

}  // namespace tinygan::test
