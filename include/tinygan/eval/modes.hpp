// Mode coverage of images whose channels are images of their own, as stacked digits: how many combinations of classes
// there are.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/base/shape.hpp>

namespace tinygan::eval {

/// The combinations of classes in N images: K classes in each of C channels make K^C possible ones.
struct ModeCoverage {
  double modes = 0;       ///< different combinations
  double divergence = 0;  ///< KL(p || uniform) = sum_m p_m log(p_m K^C) in nats, p_m the share of combination m
};

/// The channels of images (N,pixels,channels) as images of their own (N,channels,pixels). Throws Error unless the
/// images are complete.
std::vector<std::uint8_t> split_channels(std::span<const std::uint8_t> images, index_t pixels, index_t channels);

/// Of the classes (N,channels) read in N images, each 0 to K-1. Throws Error on an incomplete image, on no image, on
/// another class, and if K^C > 2^24.
/// Source: Metz et al. 2017, "Unrolled Generative Adversarial Networks", whose measure of stacked digits this is.
ModeCoverage mode_coverage(std::span<const int> classes, index_t channels, index_t K);

/// The expectation of mode_coverage() over n images whose channels are drawn independently with the frequencies of
/// `prior` (K): with X_m binomial of n and q_m, the product of the frequencies of m's classes, sum_m 1 - (1 - q_m)^n
/// modes and sum_m E[X_m/n log(X_m K^C / n)] nats, exact to about 1e-9. Throws Error unless n >= 1 and the prior holds
/// images, and if K^C > 2^24.
ModeCoverage expected_mode_coverage(std::span<const index_t> prior, index_t channels, index_t n);

}  // namespace tinygan::eval

#ifdef TINYGAN_FUNC

namespace tinygan::eval::detail {

/// K^C, checked to be a number of counters that fits into memory.
TINYGAN_FUNC std::size_t mode_count(const char* op, index_t K, index_t channels) {
  constexpr index_t most = index_t{1} << 24;
  check(K >= 2 && channels >= 1, op, K, " classes in ", channels, " channels, expected at least 2 and 1");
  index_t modes = 1;
  for (index_t c = 0; c < channels; ++c) {
    check(modes <= most / K, op, K, " classes in ", channels, " channels make more than ", most, " combinations");
    modes *= K;
  }
  return static_cast<std::size_t>(modes);
}

/// E[X log X] of X binomial of n and q; terms beyond 12 standard deviations (and 60 of rare ones) are below 1e-9.
TINYGAN_FUNC double expected_x_log_x(double n, double q) {
  if (q <= 0) return 0;
  if (q >= 1) return n * std::log(n);
  const double mean = n * q, reach = 12 * std::sqrt(mean * (1 - q)) + 60;
  const auto first = static_cast<index_t>(std::max(2.0, std::floor(mean - reach))),
             last = static_cast<index_t>(std::min(n, std::ceil(mean + reach)));
  double sum = 0;
  for (index_t count = first; count <= last; ++count) {
    const auto x = static_cast<double>(count);
    sum += x * std::log(x) *
           std::exp(std::lgamma(n + 1) - std::lgamma(x + 1) - std::lgamma(n - x + 1) + x * std::log(q) +
                    (n - x) * std::log1p(-q));
  }
  return sum;
}

}  // namespace tinygan::eval::detail

namespace tinygan::eval {

TINYGAN_FUNC std::vector<std::uint8_t> split_channels(std::span<const std::uint8_t> images, index_t pixels,
                                                      index_t channels) {
  check(pixels >= 1 && channels >= 1, "split_channels", pixels, " pixels of ", channels,
        " channels, expected at least 1 each");
  const auto P = static_cast<std::size_t>(pixels), C = static_cast<std::size_t>(channels);
  check(images.size() % (P * C) == 0, "split_channels", images.size(), " bytes, expected images of ", pixels,
        " pixels and ", channels, " channels");
  std::vector<std::uint8_t> planes(images.size());
  for (std::size_t n = 0; n < images.size(); n += P * C)
    for (std::size_t p = 0; p < P; ++p)
      for (std::size_t c = 0; c < C; ++c) planes[n + c * P + p] = images[n + p * C + c];
  return planes;
}

TINYGAN_FUNC ModeCoverage mode_coverage(std::span<const int> classes, index_t channels, index_t K) {
  const std::size_t possible = detail::mode_count("mode_coverage", K, channels);
  const auto C = static_cast<std::size_t>(channels);
  check(!classes.empty() && classes.size() % C == 0, "mode_coverage", classes.size(),
        " classes, expected those of at least one image, ", channels, " each");
  std::vector<index_t> counts(possible);
  for (std::size_t i = 0; i < classes.size(); i += C) {
    std::size_t mode = 0;
    for (const int c : classes.subspan(i, C)) {
      check(c >= 0 && c < K, "mode_coverage", "class ", c, " in image ", i / C, ", expected 0 to ", K - 1);
      mode = mode * static_cast<std::size_t>(K) + static_cast<std::size_t>(c);
    }
    ++counts[mode];
  }
  const std::size_t images = classes.size() / C;
  ModeCoverage found;
  for (const index_t n : counts) {
    if (n == 0) continue;
    const double p = static_cast<double>(n) / static_cast<double>(images);
    found.modes += 1;
    found.divergence += p * std::log(p * static_cast<double>(possible));
  }
  return found;
}

TINYGAN_FUNC ModeCoverage expected_mode_coverage(std::span<const index_t> prior, index_t channels, index_t n) {
  const std::size_t K = prior.size();
  const std::size_t possible = detail::mode_count("expected_mode_coverage", static_cast<index_t>(K), channels);
  double images = 0;
  for (const index_t count : prior) images += static_cast<double>(count);
  check(images > 0 && n >= 1, "expected_mode_coverage", n, " images from a prior of ", images,
        ", expected at least 1 each");
  const auto drawn = static_cast<double>(n);
  ModeCoverage expected;
  for (std::size_t m = 0; m < possible; ++m) {
    double q = 1;
    for (std::size_t rest = m, c = 0; c < static_cast<std::size_t>(channels); ++c, rest /= K)
      q *= static_cast<double>(prior[rest % K]) / images;
    expected.modes += q < 1 ? -std::expm1(drawn * std::log1p(-q)) : 1;
    expected.divergence += detail::expected_x_log_x(drawn, q) / drawn;
  }
  expected.divergence += std::log(static_cast<double>(possible) / drawn);
  return expected;
}

}  // namespace tinygan::eval

#endif
