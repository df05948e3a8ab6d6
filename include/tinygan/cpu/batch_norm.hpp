// Batch normalisation over x(rows, channels): statistics per channel, apply with its activation, gradients.
//
// Partial statistics of each block of rows: shifted sums (the shift is its first row), turned into mean and squared
// deviations and combined in double and in the order of the blocks (Chan et al.). The blocks depend on the extents only
// (columns.hpp), hence the same bits at any thread count. Passes over memory: statistics 1 read; apply 1 read, 1 write;
// backward 4 reads, 1 write: the activation's derivative is recomputed from x, only x, mean and variance are kept.
// Source: Ioffe and Szegedy, "Batch Normalization", 2015.
#pragma once

#include <cstddef>

#include <tinygan/cpu/norm_rows.hpp>

namespace tinygan::cpu {

template <class T>
void batch_norm_stats(const NormDims& d, const T* x, T* mean, T* variance, Workspace& workspace, Stream) {
  const ColumnPlan plan(d.rows, d.channels);
  const index_t channels = d.channels;
  auto* partial = workspace.allocate<double>("batch_norm", {2 * plan.blocks * channels});  // (blocks, 2, channels)
  parallel_for(plan.tasks(), 1, [&](index_t task, index_t) {
    const Panel p = plan.panel(task);
    double* block = partial + 2 * channels * p.block;
    detail::panel_statistics(p, x, block, block + channels);
  });
  parallel_for(channels, chunk_rows(2 * plan.blocks), [&](index_t begin, index_t end) {
    auto count = static_cast<double>(plan.rows_in(0));
    double *total_mean = partial + begin, *total_m2 = total_mean + channels;
    for (index_t b = 1; b < plan.blocks; ++b) {
      const double* block = partial + 2 * channels * b + begin;
      const auto block_count = static_cast<double>(plan.rows_in(b));
      detail::combine_statistics(end - begin, count, total_mean, total_m2, block_count, block, block + channels);
      count += block_count;
    }
    for (index_t c = begin; c < end; ++c) {
      mean[c] = static_cast<T>(partial[c]);
      variance[c] = static_cast<T>(partial[channels + c] / count);
    }
  });
}

namespace detail {

/// f(i, n) for the rows of a panel: n elements from element i on.
template <class F>
void for_rows(const Panel& p, const F& f) {
  for (index_t r = 0; r < p.rows; ++r) f(p.offset + r * p.stride, p.width);
  if (p.short_width > 0) f(p.offset + p.rows * p.stride, p.short_width);
}

/// mean, scale = gamma / sqrt(variance + epsilon) and beta of a panel's columns.
template <class T>
struct PanelParameters {
  const T *mean, *scale, *beta, *rstd;

  __attribute__((noinline))
  PanelParameters(const Panel& p, T epsilon, const T* mean_, const T* variance, const T* gamma, const T* beta_) {
    mean = panel_columns(p, mean_, mean_buffer_);
    beta = panel_columns(p, beta_, beta_buffer_);
    reciprocal_deviation(p.width, epsilon, panel_columns(p, variance, rstd_buffer_), rstd_buffer_);
    binary_run(BinaryOp::mul, p.width, T(0), rstd_buffer_, panel_columns(p, gamma, scale_buffer_), scale_buffer_);
    rstd = rstd_buffer_;
    scale = scale_buffer_;
  }
  PanelParameters(const PanelParameters&) = delete;
  PanelParameters& operator=(const PanelParameters&) = delete;

 private:
  T mean_buffer_[ColumnPlan::max_width], beta_buffer_[ColumnPlan::max_width];
  T rstd_buffer_[ColumnPlan::max_width], scale_buffer_[ColumnPlan::max_width];
};

/// h = g f' for one row: g itself for a piecewise linear f, whose slope the inner loops apply.
template <class T>
__attribute__((noinline)) const T* cotangent_row(Activation::Kind f, index_t n, const PanelParameters<T>& c, const T* x,
                                                 const T* g, T* buffer) {
  if (!is_smooth(f)) return g;
  T z[ColumnPlan::max_width];
  normalise_row(n, T(1), x, c.mean, c.scale, c.beta, z);
  smooth_grad_row(f, n, z, g, buffer);
  return buffer;
}

}  // namespace detail

template <class T>
void batch_norm_apply(const NormDims& d, const NormOptions<T>& o, const T* x, const T* mean, const T* variance,
                      const T* gamma, const T* beta, T* y, Stream) {
  const ColumnPlan plan(d.rows, d.channels);
  const T slope = negative_slope(o.activation);
  parallel_for(plan.tasks(), 1, [&](index_t task, index_t) {
    const Panel p = plan.panel(task);
    const detail::PanelParameters<T> c(p, o.epsilon, mean, variance, gamma, beta);
    detail::for_rows(p, [&](index_t i, index_t n) {
      detail::normalise_row(n, slope, x + i, c.mean, c.scale, c.beta, y + i);
      if (is_smooth(o.activation.kind)) detail::smooth_row(o.activation.kind, n, y + i);
    });
  });
}

template <class T>
void batch_norm(const NormDims& d, const NormOptions<T>& o, const T* x, const T* gamma, const T* beta, T* y, T* mean,
                T* variance, Workspace& workspace, Stream stream) {
  batch_norm_stats(d, x, mean, variance, workspace, stream);
  batch_norm_apply(d, o, x, mean, variance, gamma, beta, y, stream);
}

template <class T>
void batch_norm_backward(const NormDims& d, const NormOptions<T>& o, const T* x, const T* mean, const T* variance,
                         const T* gamma, const T* beta, const T* g, T* dx, T* dgamma, T* dbeta, Workspace& workspace,
                         Stream) {
  constexpr index_t max_width = ColumnPlan::max_width;
  const ColumnPlan plan(d.rows, d.channels);
  const index_t channels = d.channels;
  const T slope = negative_slope(o.activation);
  // (blocks, 2, channels): sums of h and of h (x - mean)
  auto* partial = workspace.allocate<double>("batch_norm_backward", {2 * plan.blocks * channels});

  parallel_for(plan.tasks(), 1, [&](index_t task, index_t) {
    const Panel p = plan.panel(task);
    const detail::PanelParameters<T> c(p, o.epsilon, mean, variance, gamma, beta);
    T s1[max_width], s2[max_width], h[max_width], h_next[max_width];
    std::fill_n(s1, p.width, T(0));
    std::fill_n(s2, p.width, T(0));
    const auto add = [&](index_t i, index_t n, bool pair) {  // a missing second row has x = mean, g = 0
      const index_t next = i + p.stride;
      const T* h0 = detail::cotangent_row(o.activation.kind, n, c, x + i, g + i, h);
      const T* h1 = pair ? detail::cotangent_row(o.activation.kind, n, c, x + next, g + next, h_next) : zero_row<T>;
      detail::backward_sums(n, slope, x + i, h0, pair ? x + next : c.mean, h1, c.mean, c.scale, c.beta, s1, s2);
    };
    for (index_t r = 0; r < p.rows; r += 2) add(p.offset + r * p.stride, p.width, r + 1 < p.rows);
    if (p.short_width > 0) add(p.offset + p.rows * p.stride, p.short_width, false);
    double* block = partial + 2 * channels * p.block + p.first_channel;
    for (index_t k = 0; k < p.channels; ++k) {
      block[k] = block[k + channels] = 0;
      for (index_t j = k; j < p.width; j += p.channels) {
        block[k] += static_cast<double>(s1[j]);
        block[k + channels] += static_cast<double>(s2[j]);
      }
    }
  });

  parallel_for(channels, chunk_rows(2 * plan.blocks), [&](index_t begin, index_t end) {
    for (index_t c = begin; c < end; ++c) {
      double sum = 0, product = 0;
      for (index_t b = 0; b < plan.blocks; ++b) {
        sum += partial[2 * channels * b + c];
        product += partial[2 * channels * b + channels + c];
      }
      const double deviation = __builtin_sqrt(static_cast<double>(variance[c]) + static_cast<double>(o.epsilon));
      dbeta[c] = static_cast<T>(sum);
      dgamma[c] = static_cast<T>(product / deviation);
    }
  });

  parallel_for(plan.tasks(), 1, [&](index_t task, index_t) {
    const Panel p = plan.panel(task);
    const detail::PanelParameters<T> c(p, o.epsilon, mean, variance, gamma, beta);
    const T share = T(1) / static_cast<T>(d.rows);
    T offset[max_width], tilt[max_width], h[max_width];  // scale dbeta / rows, scale rstd dgamma / rows
    const T* sum = panel_columns<T>(p, dbeta, offset);
    const T* product = panel_columns<T>(p, dgamma, tilt);
    detail::binary_run(BinaryOp::mul, p.width, T(0), c.scale, sum, offset);
    detail::binary_run(BinaryOp::mul, p.width, T(0), c.scale, product, tilt);
    detail::binary_run(BinaryOp::mul, p.width, T(0), c.rstd, tilt, tilt);
    detail::unary_run(UnaryOp::affine, p.width, share, T(0), offset, offset);
    detail::unary_run(UnaryOp::affine, p.width, share, T(0), tilt, tilt);
    detail::for_rows(p, [&](index_t i, index_t n) {
      const T* row = detail::cotangent_row(o.activation.kind, n, c, x + i, g + i, h);
      detail::backward_row(n, slope, x + i, row, c.mean, c.scale, c.beta, offset, tilt, dx + i);
    });
  });
}

}  // namespace tinygan::cpu
