// Inner loops of the normalisations: rows of a panel (columns.hpp) against per-column parameters that stay in L1.
//
// none, relu and leaky_relu are one loop with a slope for negative arguments (1, 0, slope); sigmoid and tanh take one
// more pass over a row that is in L1 by then.
#pragma once

#include <tinygan/backend/norm_dims.hpp>
#include <tinygan/backend/workspace.hpp>
#include <tinygan/cpu/columns.hpp>
#include <tinygan/cpu/pointwise.hpp>

namespace tinygan::cpu::detail {

/// y = f(y) for a smooth activation.
template <class T>
void smooth_row(Activation::Kind f, index_t n, T* y) {
  unary_run(activation_info(f).op, n, T(0), T(0), y, y);
}

/// h = g f'(z) for a smooth activation; z is overwritten.
template <class T>
void smooth_grad_row(Activation::Kind f, index_t n, T* z, const T* g, T* h) {
  smooth_row(f, n, z);
  binary_run(activation_info(f).grad, n, T(0), g, z, h);
}

/// rstd = 1 / sqrt(variance + epsilon).
template <class T>
void reciprocal_deviation(index_t n, T epsilon, const T* variance, T* rstd) {
  unary_run(UnaryOp::affine, n, T(1), epsilon, variance, rstd);
  unary_run(UnaryOp::sqrt, n, T(0), T(0), rstd, rstd);
  unary_run(UnaryOp::reciprocal, n, T(0), T(0), rstd, rstd);
}

/// s1[j] += sum of x[r,j] - shift[j], s2[j] += sum of its square, over r < rows.
template <class T>
void shifted_sums(index_t rows, index_t stride, index_t n, const T* x, const T* shift, T* s1, T* s2) {
  for (index_t r = 0; r < rows; r += 4) {
    const auto row = [&](index_t k) { return k < rows ? x + k * stride : shift; };  // a missing row adds zero
    map<T>(n, {s1, s2}, {row(r), row(r + 1), row(r + 2), row(r + 3), shift, s1, s2},
           [](auto isa, const auto& a, auto& b) TINYGAN_INLINE_LAMBDA {
             using V = Vec<T, decltype(isa)>;
             const V d0 = a[0] - a[4], d1 = a[1] - a[4], d2 = a[2] - a[4], d3 = a[3] - a[4];
             b[0] = a[5] + ((d0 + d1) + (d2 + d3));
             b[1] = a[6] + ((d0 * d0 + d1 * d1) + (d2 * d2 + d3 * d3));
           });
  }
}

/// y = f((x - mean) scale + beta), f by its negative slope.
template <class T>
void normalise_row(index_t n, T slope, const T* x, const T* mean, const T* scale, const T* beta, T* y) {
  map<T>(n, {y}, {x, mean, scale, beta}, [slope](auto isa, const auto& a, auto& b) TINYGAN_INLINE_LAMBDA {
    using V = Vec<T, decltype(isa)>;
    const V z = (a[0] - a[1]) * a[2] + a[3];
    b[0] = z > V{} ? z : slope * z;
  });
}

/// s1 += h + h', s2 += h (x - mean) + h' (x' - mean) for two rows, with h = g f'((x - mean) scale + beta).
template <class T>
void backward_sums(index_t n, T slope, const T* x, const T* g, const T* x_next, const T* g_next, const T* mean,
                   const T* scale, const T* beta, T* s1, T* s2) {
  map<T>(n, {s1, s2}, {x, g, x_next, g_next, mean, scale, beta, s1, s2},
         [slope](auto isa, const auto& a, auto& b) TINYGAN_INLINE_LAMBDA {
           using V = Vec<T, decltype(isa)>;
           const V d0 = a[0] - a[4], d1 = a[2] - a[4];
           const V z0 = d0 * a[5] + a[6], z1 = d1 * a[5] + a[6];
           const V h0 = z0 > V{} ? a[1] : slope * a[1], h1 = z1 > V{} ? a[3] : slope * a[3];
           b[0] = a[7] + (h0 + h1);
           b[1] = a[8] + (h0 * d0 + h1 * d1);
         });
}

/// dx = scale h - offset - tilt (x - mean), with h as above.
template <class T>
void backward_row(index_t n, T slope, const T* x, const T* g, const T* mean, const T* scale, const T* beta,
                  const T* offset, const T* tilt, T* dx) {
  map<T>(n, {dx}, {x, g, mean, scale, beta, offset, tilt},
         [slope](auto isa, const auto& a, auto& b) TINYGAN_INLINE_LAMBDA {
           using V = Vec<T, decltype(isa)>;
           const V d = a[0] - a[2];
           const V z = d * a[3] + a[4];
           const V h = z > V{} ? a[1] : slope * a[1];
           b[0] = a[3] * h - a[5] - a[6] * d;
         });
}

/// Partial statistics (mean, sum of squared deviations) of `count` values combined with those of others, per column.
/// Source: Chan, Golub, LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances", 1979.
inline void combine_statistics(index_t n, double count, double* mean, double* m2, double other_count,
                               const double* other_mean, const double* other_m2) {
  const double share = other_count / (count + other_count), weight = count * share;
  for (index_t j = 0; j < n; ++j) {
    const double delta = other_mean[j] - mean[j];
    mean[j] += delta * share;
    m2[j] += other_m2[j] + delta * delta * weight;
  }
}

/// Partial statistics over the rows of one panel, per channel: mean and sum of squared deviations.
template <class T>
void panel_statistics(const Panel& p, const T* x, double* mean_out, double* m2_out) {
  T s1[ColumnPlan::max_width], s2[ColumnPlan::max_width];
  double mean[ColumnPlan::max_width], m2[ColumnPlan::max_width];
  x += p.offset;
  std::fill_n(s1, p.width, T(0));
  std::fill_n(s2, p.width, T(0));
  shifted_sums(p.rows - 1, p.stride, p.width, x + p.stride, x, s1, s2);
  auto count = static_cast<double>(p.rows);
  for (index_t j = 0; j < p.width; ++j) {
    const auto sum = static_cast<double>(s1[j]), squares = static_cast<double>(s2[j]);
    mean[j] = static_cast<double>(x[j]) + sum / count;
    m2[j] = std::max(0.0, squares - sum * sum / count);
  }
  for (index_t half = p.groups / 2; half > 0; half /= 2, count *= 2)
    combine_statistics(half * p.channels, count, mean, m2, count, mean + half * p.channels, m2 + half * p.channels);
  for (index_t j = 0; j < p.short_width; j += p.channels, count += 1) {
    const T* row = x + p.rows * p.stride + j;
    double values[ColumnPlan::max_width];
    for (index_t c = 0; c < p.channels; ++c) values[c] = static_cast<double>(row[c]);
    combine_statistics(p.channels, count, mean, m2, 1, values, zero_row<double>);
  }
  std::copy_n(mean, p.channels, mean_out + p.first_channel);
  std::copy_n(m2, p.channels, m2_out + p.first_channel);
}

}  // namespace tinygan::cpu::detail
