// Inner loops of the normalisations: rows of a panel (columns.hpp) against per-column parameters that stay in L1.
//
// none, relu and leaky_relu are one loop with a slope for negative arguments (1, 0, slope); sigmoid and tanh take one more
// pass over a row that is in L1 by then.
#pragma once

#include <tinygan/backend/layer_dims.hpp>
#include <tinygan/cpu/columns.hpp>
#include <tinygan/cpu/pointwise.hpp>

namespace tinygan::cpu::detail {

inline bool is_smooth(Activation a) { return a == Activation::sigmoid || a == Activation::tanh; }

/// f(z) = z > 0 ? z : slope * z for the activations that are not smooth; 1 for those that are, to leave z as it is.
template <class T>
T negative_slope(const NormOptions<T>& o) {
  return o.activation == Activation::relu ? T(0) : o.activation == Activation::leaky_relu ? o.slope : T(1);
}

/// y = f(y) for a smooth activation.
template <class T>
void smooth_row(Activation f, index_t n, T* y) {
  unary_run(f == Activation::tanh ? UnaryOp::tanh : UnaryOp::sigmoid, n, T(0), T(0), y, y);
}

/// h = g f'(z) for a smooth activation; z is overwritten.
template <class T>
void smooth_grad_row(Activation f, index_t n, T* z, const T* g, T* h) {
  smooth_row(f, n, z);
  binary_run(f == Activation::tanh ? BinaryOp::tanh_grad : BinaryOp::sigmoid_grad, n, T(0), g, z, h);
}

/// rstd = 1 / sqrt(variance + epsilon).
template <class T>
void reciprocal_deviation(index_t n, T epsilon, const T* variance, T* rstd) {
  unary_run(UnaryOp::affine, n, T(1), epsilon, variance, rstd);
  unary_run(UnaryOp::sqrt, n, T(0), T(0), rstd, rstd);
  unary_run(UnaryOp::reciprocal, n, T(0), T(0), rstd, rstd);
}

/// s1[j] = sum of x[r,j] - x[0,j], s2[j] = sum of its square, over r < rows.
template <class T>
void shifted_sums(index_t rows, index_t stride, index_t n, const T* x, T* s1, T* s2) {
  std::fill_n(s1, n, T(0));
  std::fill_n(s2, n, T(0));
  dispatch_for<T>([&](auto isa) TINYGAN_INLINE_LAMBDA {
    using I = decltype(isa);
    using V = Vec<T, I>;
    for (index_t r = 0; r < rows; r += 4) {
      const T* row = x + r * stride;
      const index_t left = rows - r;  // a missing row is replaced by x[0], which adds nothing
      map<T, I>(n, {s1, s2},
                {row, left > 1 ? row + stride : x, left > 2 ? row + 2 * stride : x, left > 3 ? row + 3 * stride : x, x, s1, s2},
                [](const V(&a)[7], V(&b)[2]) TINYGAN_INLINE_LAMBDA {
                  const V d0 = a[0] - a[4], d1 = a[1] - a[4], d2 = a[2] - a[4], d3 = a[3] - a[4];
                  b[0] = a[5] + ((d0 + d1) + (d2 + d3));
                  b[1] = a[6] + ((d0 * d0 + d1 * d1) + (d2 * d2 + d3 * d3));
                });
    }
  });
}

/// y = f((x - mean) scale + beta), f by its negative slope.
template <class T>
void normalise_rows(index_t rows, index_t stride, index_t n, T slope, const T* x, const T* mean, const T* scale,
                    const T* beta, T* y) {
  dispatch_for<T>([&](auto isa) TINYGAN_INLINE_LAMBDA {
    using I = decltype(isa);
    using V = Vec<T, I>;
    for (index_t r = 0; r < rows; ++r)
      map<T, I>(n, {y + r * stride}, {x + r * stride, mean, scale, beta},
                [&](const V(&a)[4], V(&b)[1]) TINYGAN_INLINE_LAMBDA {
                  const V z = (a[0] - a[1]) * a[2] + a[3];
                  b[0] = z > V{} ? z : slope * z;
                });
  });
}

/// s1[j] += sum of h, s2[j] += sum of h (x - mean), with h = g f'((x - mean) scale + beta).
template <class T>
void backward_sums(index_t rows, index_t stride, index_t n, T slope, const T* x, const T* g, const T* mean, const T* scale,
                   const T* beta, T* s1, T* s2) {
  dispatch_for<T>([&](auto isa) TINYGAN_INLINE_LAMBDA {
    using I = decltype(isa);
    using V = Vec<T, I>;
    for (index_t r = 0; r < rows; r += 2) {
      const bool pair = r + 1 < rows;
      const index_t i = r * stride;
      map<T, I>(n, {s1, s2},
                {x + i, g + i, pair ? x + i + stride : mean, pair ? g + i + stride : zero_row<T>, mean, scale, beta, s1, s2},
                [&](const V(&a)[9], V(&b)[2]) TINYGAN_INLINE_LAMBDA {
                  const V d0 = a[0] - a[4], d1 = a[2] - a[4];
                  const V z0 = d0 * a[5] + a[6], z1 = d1 * a[5] + a[6];
                  const V h0 = z0 > V{} ? a[1] : slope * a[1], h1 = z1 > V{} ? a[3] : slope * a[3];
                  b[0] = a[7] + (h0 + h1);
                  b[1] = a[8] + (h0 * d0 + h1 * d1);
                });
    }
  });
}

/// dx = scale h - offset - tilt (x - mean), with h as above.
template <class T>
void backward_rows(index_t rows, index_t stride, index_t n, T slope, const T* x, const T* g, const T* mean, const T* scale,
                   const T* beta, const T* offset, const T* tilt, T* dx) {
  dispatch_for<T>([&](auto isa) TINYGAN_INLINE_LAMBDA {
    using I = decltype(isa);
    using V = Vec<T, I>;
    for (index_t r = 0; r < rows; ++r)
      map<T, I>(n, {dx + r * stride}, {x + r * stride, g + r * stride, mean, scale, beta, offset, tilt},
                [&](const V(&a)[7], V(&b)[1]) TINYGAN_INLINE_LAMBDA {
                  const V d = a[0] - a[2];
                  const V z = d * a[3] + a[4];
                  const V h = z > V{} ? a[1] : slope * a[1];
                  b[0] = a[3] * h - a[5] - a[6] * d;
                });
  });
}

/// Mean and sum of squared deviations of `count` values joined with those of another set, column by column.
/// Source: Chan, Golub, LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances", 1979.
inline void join_moments(index_t n, double count, double* mean, double* m2, double other_count, const double* other_mean,
                         const double* other_m2) {
  const double share = other_count / (count + other_count), weight = count * share;
  for (index_t j = 0; j < n; ++j) {
    const double delta = other_mean[j] - mean[j];
    mean[j] += delta * share;
    m2[j] += other_m2[j] + delta * delta * weight;
  }
}

/// Moments over the rows of one task, per channel from its first one on; returns their number.
template <class T>
double task_moments(const ColumnPlan& plan, index_t task, const T* x, double* mean, double* m2) {
  double count = 0;
  plan.panels(task, [&](const Panel& p) {
    T s1[ColumnPlan::max_width], s2[ColumnPlan::max_width];
    double panel_mean[ColumnPlan::max_width], panel_m2[ColumnPlan::max_width];
    const T* from = x + p.offset;
    shifted_sums(p.rows, p.stride, p.width, from, s1, s2);
    const double share = 1 / static_cast<double>(p.rows);
    for (index_t j = 0; j < p.width; ++j) {
      const auto sum = static_cast<double>(s1[j]), squares = static_cast<double>(s2[j]);
      panel_mean[j] = static_cast<double>(from[j]) + sum * share;
      panel_m2[j] = std::max(0.0, squares - sum * sum * share);
    }
    const index_t channels = p.width / p.groups;
    for (index_t j = 0; j < p.width; j += channels) {
      if (count == 0) {
        std::copy_n(panel_mean, channels, mean);
        std::copy_n(panel_m2, channels, m2);
      } else {
        join_moments(channels, count, mean, m2, static_cast<double>(p.rows), panel_mean + j, panel_m2 + j);
      }
      count += static_cast<double>(p.rows);
    }
  });
  return count;
}

}  // namespace tinygan::cpu::detail
