// The eigendecomposition of a real symmetric matrix, by Jacobi's method.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/base/shape.hpp>

namespace tinygan::eval {

/// a = sum_k values[k] v_k v_k^T, where v_k, orthonormal, is row k of vectors (n,n). The values are in no order.
struct SymmetricEigen {
  std::vector<double> values, vectors;
};

/// Of a (n,n), row-major, of which the lower triangle is read: rotations in cyclic order until the elements off the
/// diagonal vanish against its own rounding error. Throws Error unless a has n n finite elements, n >= 1.
/// Source: Golub & Van Loan, "Matrix Computations", section 8.5.
SymmetricEigen symmetric_eigen(std::span<const double> a, index_t n);

}  // namespace tinygan::eval

#ifdef TINYGAN_FUNC

namespace tinygan::eval {

TINYGAN_FUNC SymmetricEigen symmetric_eigen(std::span<const double> a, index_t n) {
  check(n >= 1 && a.size() == static_cast<std::size_t>(n * n), "symmetric_eigen", a.size(), " elements, expected ", n,
        " x ", n);
  for (const double x : a) check(std::isfinite(x), "symmetric_eigen", "an element is ", x, ", expected finite values");
  const auto size = static_cast<std::size_t>(n);
  std::vector<double> m(size * size);  // kept whole, so that a rotation runs along rows
  for (std::size_t i = 0; i < size; ++i)
    for (std::size_t j = 0; j <= i; ++j) m[i * size + j] = m[j * size + i] = a[i * size + j];
  SymmetricEigen result{std::vector<double>(size), std::vector<double>(size * size)};
  for (std::size_t i = 0; i < size; ++i) result.vectors[i * size + i] = 1;

  const auto rotate = [&](double* x, double* y, double c, double s) {
    for (std::size_t k = 0; k < size; ++k) {
      const double at_x = x[k], at_y = y[k];
      x[k] = c * at_x - s * at_y;
      y[k] = s * at_x + c * at_y;
    }
  };
  constexpr int most_sweeps = 60;  // about 10 are needed: convergence is quadratic
  bool rotated = true;
  for (int sweep = 0; sweep < most_sweeps && rotated; ++sweep) {
    rotated = false;
    for (std::size_t p = 0; p + 1 < size; ++p) {
      for (std::size_t q = p + 1; q < size; ++q) {
        const double off = m[p * size + q], at_p = m[p * size + p], at_q = m[q * size + q];
        if (std::abs(off) <= 0x1p-54 * std::sqrt(std::abs(at_p) * std::abs(at_q)) || std::abs(off) < 1e-300) continue;
        rotated = true;
        const double theta = (at_q - at_p) / (2 * off);
        const double t = (theta < 0 ? -1 : 1) / (std::abs(theta) + std::hypot(theta, 1.0));
        const double c = 1 / std::hypot(t, 1.0), s = t * c;
        rotate(&m[p * size], &m[q * size], c, s);
        for (std::size_t k = 0; k < size; ++k) {
          if (k == p || k == q) continue;
          m[k * size + p] = m[p * size + k];
          m[k * size + q] = m[q * size + k];
        }
        m[p * size + p] = at_p - t * off;
        m[q * size + q] = at_q + t * off;
        m[p * size + q] = m[q * size + p] = 0;
        rotate(&result.vectors[p * size], &result.vectors[q * size], c, s);
      }
    }
  }
  for (std::size_t i = 0; i < size; ++i) result.values[i] = m[i * size + i];
  return result;
}

}  // namespace tinygan::eval

#endif
