// The kernel distance (KID) of two sets of features.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include <tinygan/autograd/variable.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/ops/matmul.hpp>

namespace tinygan::eval {

/// A mean and its standard error, NaN where there is one value only.
struct Estimate {
  double value = 0, standard_error = 0;
};

/// The unbiased squared maximum mean discrepancy of features x(N,d) and y(M,d) under the kernel (x.y / d + 1)^3: the
/// mean over pairs of consecutive blocks of `block` rows, of which an incomplete last one is left out. Near 0, or
/// slightly below, for samples of one distribution. The rows must be in random order. Throws Error unless d >= 1, block
/// >= 2 and both hold at least one block.
/// Source: Binkowski et al., "Demystifying MMD GANs", ICLR 2018.
Estimate kernel_distance(std::span<const float> x, std::span<const float> y, index_t d, index_t block = 1000);

}  // namespace tinygan::eval

#ifdef TINYGAN_FUNC

namespace tinygan::eval {

namespace detail {

/// The sum of the kernel over all pairs of rows of a and b (n,d); without the diagonal if `distinct`.
TINYGAN_FUNC double kernel_sum(const Variable<double>& a, const Variable<double>& b, bool distinct) {
  const index_t n = a.shape()[0], d = a.shape()[1];
  const std::vector<double> products = ops::matmul(a, b, {false, true}).value().to_vector();
  double sum = 0;
  for (index_t i = 0; i < n; ++i)
    for (index_t j = 0; j < n; ++j) {
      if (distinct && i == j) continue;
      const double k = products[static_cast<std::size_t>(i * n + j)] / static_cast<double>(d) + 1;
      sum += k * k * k;
    }
  return sum;
}

}  // namespace detail

TINYGAN_FUNC Estimate kernel_distance(std::span<const float> x, std::span<const float> y, index_t d, index_t block) {
  check(d >= 1 && block >= 2, "kernel_distance", d, " dimensions in blocks of ", block, ", expected at least 1 and 2");
  const auto values = static_cast<std::size_t>(d) * static_cast<std::size_t>(block);
  check(x.size() >= values && y.size() >= values, "kernel_distance", x.size() / static_cast<std::size_t>(d), " and ",
        y.size() / static_cast<std::size_t>(d), " feature vectors, expected at least ", block, ", one block");
  const std::size_t blocks = std::min(x.size(), y.size()) / values;
  const NoGrad no_grad;
  const auto rows = [&](std::span<const float> from, std::size_t b) {
    const auto part = from.subspan(b * values, values);
    return Variable<double>(Tensor<double>::from(std::vector<double>(part.begin(), part.end()), {block, d}));
  };
  std::vector<double> estimates;
  const auto n = static_cast<double>(block);
  for (std::size_t b = 0; b < blocks; ++b) {
    const Variable<double> a = rows(x, b), c = rows(y, b);
    estimates.push_back((detail::kernel_sum(a, a, true) + detail::kernel_sum(c, c, true)) / (n * (n - 1)) -
                        2 * detail::kernel_sum(a, c, false) / (n * n));
  }
  double mean = 0, squares = 0;
  for (const double e : estimates) mean += e / static_cast<double>(blocks);
  for (const double e : estimates) squares += (e - mean) * (e - mean);
  const auto count = static_cast<double>(blocks);
  return {mean, blocks > 1 ? std::sqrt(squares / (count - 1) / count) : std::numeric_limits<double>::quiet_NaN()};
}

}  // namespace tinygan::eval

#endif
