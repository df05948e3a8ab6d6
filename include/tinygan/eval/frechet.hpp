// The Frechet distance of two sets of features, between the normal distributions with their means and covariances.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <tinygan/base/outline.hpp>
#include <tinygan/cpu/thread_pool.hpp>
#include <tinygan/eval/symmetric_eigen.hpp>

namespace tinygan::eval {

/// Mean (d) and unbiased covariance (d,d), divided by count - 1, of `count` feature vectors.
struct GaussianStatistics {
  index_t count = 0;
  std::vector<double> mean, covariance;

  double trace() const;
};

/// Of features (N,d), row-major, in float64; the same numbers for any number of threads. Throws Error unless there are
/// at least 2 complete rows of finite values.
GaussianStatistics gaussian_statistics(std::span<const float> features, index_t d);

/// |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2), the squared Wasserstein-2 distance of the two normal
/// distributions. The last trace is the sum of the square roots of the eigenvalues of A S2 A, A = S1^(1/2), which is
/// symmetric. Singular covariances are allowed. Throws Error if the dimensions differ.
/// Sources: Dowson & Landau 1982; Heusel et al. 2017, with Inception's features in place of a classifier's.
double frechet_distance(const GaussianStatistics& a, const GaussianStatistics& b);

/// The expected distance, to first order, of n1 and of n2 vectors drawn from one normal distribution of covariance S
/// with eigenvalues l: (1/n1 + 1/n2) (tr S + 1/2 sum_ij (1 + [i = j]) l_i l_j / (l_i + l_j)). It is why distances are
/// compared at equal numbers of samples only. Throws Error unless both numbers are at least 2.
double frechet_bias(const GaussianStatistics& s, index_t n1, index_t n2);

}  // namespace tinygan::eval

#ifdef TINYGAN_FUNC

namespace tinygan::eval {

TINYGAN_FUNC double GaussianStatistics::trace() const {
  double sum = 0;
  for (std::size_t i = 0; i < mean.size(); ++i) sum += covariance[i * mean.size() + i];
  return sum;
}

TINYGAN_FUNC GaussianStatistics gaussian_statistics(std::span<const float> features, index_t d) {
  check(d >= 1 && features.size() % static_cast<std::size_t>(d) == 0, "gaussian_statistics", features.size(),
        " numbers, expected rows of ", d);
  const auto size = static_cast<std::size_t>(d), rows = features.size() / size;
  check(rows >= 2, "gaussian_statistics", rows, " feature vectors, expected at least 2");
  GaussianStatistics s{static_cast<index_t>(rows), std::vector<double>(size), std::vector<double>(size * size)};
  for (std::size_t n = 0; n < rows; ++n)
    for (std::size_t i = 0; i < size; ++i) s.mean[i] += static_cast<double>(features[n * size + i]);
  for (double& m : s.mean) m /= static_cast<double>(rows);
  for (const double m : s.mean) check(std::isfinite(m), "gaussian_statistics", "a feature is not finite");

  constexpr std::size_t block = 256;  // rows whose deviations stay in the cache while every pair is summed
  std::vector<double> deviation(block * size);
  for (std::size_t first = 0; first < rows; first += block) {
    const std::size_t count = std::min(block, rows - first);
    for (std::size_t n = 0; n < count; ++n)
      for (std::size_t i = 0; i < size; ++i)
        deviation[n * size + i] = static_cast<double>(features[(first + n) * size + i]) - s.mean[i];
    cpu::parallel_for(d, 8, [&](index_t begin, index_t end) {
      for (std::size_t n = 0; n < count; ++n) {
        const double* const row = &deviation[n * size];
        for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
          double* const sums = &s.covariance[i * size];
          for (std::size_t j = 0; j <= i; ++j) sums[j] += row[i] * row[j];
        }
      }
    });
  }
  for (std::size_t i = 0; i < size; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      s.covariance[i * size + j] /= static_cast<double>(rows - 1);
      s.covariance[j * size + i] = s.covariance[i * size + j];
    }
  return s;
}

TINYGAN_FUNC double frechet_distance(const GaussianStatistics& a, const GaussianStatistics& b) {
  const std::size_t size = a.mean.size();
  check(size >= 1 && b.mean.size() == size, "frechet_distance", "features of ", size, " and ", b.mean.size(),
        " dimensions, expected the same number");
  const auto d = static_cast<index_t>(size);
  const SymmetricEigen first = symmetric_eigen(a.covariance, d);
  // In the basis of a's eigenvectors the square root is diagonal: A S2 A is r_i r_j (v_i^T S2 v_j), r the roots.
  std::vector<double> image(size * size), product(size * size);  // image: row k is S2 v_k
  cpu::parallel_for(d, 8, [&](index_t begin, index_t end) {
    for (auto k = static_cast<std::size_t>(begin); k < static_cast<std::size_t>(end); ++k)
      for (std::size_t i = 0; i < size; ++i) {
        const double v = first.vectors[k * size + i];
        for (std::size_t j = 0; j < size; ++j) image[k * size + j] += v * b.covariance[i * size + j];
      }
  });
  const auto root = [](double eigenvalue) { return std::sqrt(std::max(eigenvalue, 0.0)); };
  for (std::size_t i = 0; i < size; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      double dot = 0;
      for (std::size_t k = 0; k < size; ++k) dot += first.vectors[i * size + k] * image[j * size + k];
      product[i * size + j] = root(first.values[i]) * root(first.values[j]) * dot;
    }
  double distance = a.trace() + b.trace();
  for (std::size_t i = 0; i < size; ++i) distance += (a.mean[i] - b.mean[i]) * (a.mean[i] - b.mean[i]);
  for (const double value : symmetric_eigen(product, d).values) distance -= 2 * root(value);
  return distance;
}

TINYGAN_FUNC double frechet_bias(const GaussianStatistics& s, index_t n1, index_t n2) {
  check(n1 >= 2 && n2 >= 2, "frechet_bias", n1, " and ", n2, " samples, expected at least 2");
  const std::vector<double> values = symmetric_eigen(s.covariance, static_cast<index_t>(s.mean.size())).values;
  double trace = 0, pairs = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    trace += values[i];
    for (std::size_t j = 0; j < values.size(); ++j) {
      const double sum = values[i] + values[j];
      if (sum > 0) pairs += values[i] * values[j] * (i == j ? 2 : 1) / sum;
    }
  }
  return (1 / static_cast<double>(n1) + 1 / static_cast<double>(n2)) * (trace + pairs / 2);
}

}  // namespace tinygan::eval

#endif
