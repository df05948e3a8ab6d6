// Batch normalisation over x(rows, channels): statistics per channel, apply with its activation, gradients.
//
// Each block of rows contributes shifted sums (the shift is its first row), turned into mean and squared deviations and
// joined in double and in the order of the blocks (Chan et al.); the blocks depend on the extents only (columns.hpp), hence
// the same bits at any thread count. Passes over memory: statistics 1 read; apply 1 read, 1 write; backward 4 reads, 1 write:
// the activation's derivative is recomputed from x, nothing but x, mean and variance needs to be kept.
// Source: Ioffe and Szegedy, "Batch Normalization", 2015.
#pragma once

#include <cstddef>

#include <tinygan/cpu/norm_rows.hpp>

namespace tinygan::cpu {

/// Two doubles per block and channel, for statistics and gradients alike.
template <class T>
std::size_t batch_norm_workspace(const NormDims& d) {
  const ColumnPlan plan(d.rows, d.channels);
  return static_cast<std::size_t>(2 * plan.blocks * d.channels) * sizeof(double);
}

template <class T>
void batch_norm_stats(const NormDims& d, const T* x, T* mean, T* variance, void* workspace, Stream) {
  const ColumnPlan plan(d.rows, d.channels);
  const index_t channels = d.channels;
  auto* partial = static_cast<double*>(workspace);  // (blocks, 2, channels)
  parallel_for(plan.tasks(), 1, [&](index_t task, index_t) {
    double* block = partial + 2 * channels * plan.block_of(task) + plan.first_channel(task);
    detail::task_moments(plan, task, x, block, block + channels);
  });
  parallel_for(channels, chunk_rows(2 * plan.blocks), [&](index_t begin, index_t end) {
    auto count = static_cast<double>(plan.rows_in(0));
    double *total_mean = partial + begin, *total_m2 = total_mean + channels;
    for (index_t b = 1; b < plan.blocks; ++b) {
      const double* block = partial + 2 * channels * b + begin;
      const auto block_count = static_cast<double>(plan.rows_in(b));
      detail::join_moments(end - begin, count, total_mean, total_m2, block_count, block, block + channels);
      count += block_count;
    }
    for (index_t c = begin; c < end; ++c) {
      mean[c] = static_cast<T>(partial[c]);
      variance[c] = static_cast<T>(partial[channels + c] / count);
    }
  });
}

namespace detail {

/// mean, scale = gamma / sqrt(variance + epsilon) and beta of a panel's columns.
template <class T>
struct PanelParameters {
  const T *mean, *scale, *beta, *rstd;

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

}  // namespace detail

template <class T>
void batch_norm_apply(const NormDims& d, const NormOptions<T>& o, const T* x, const T* mean, const T* variance,
                      const T* gamma, const T* beta, T* y, Stream) {
  const ColumnPlan plan(d.rows, d.channels);
  const T slope = detail::negative_slope(o);
  parallel_for(plan.tasks(), 1, [&](index_t task, index_t) {
    plan.panels(task, [&](const Panel& p) {
      const detail::PanelParameters<T> c(p, o.epsilon, mean, variance, gamma, beta);
      detail::normalise_rows(p.rows, p.stride, p.width, slope, x + p.offset, c.mean, c.scale, c.beta, y + p.offset);
      if (!detail::is_smooth(o.activation)) return;
      for (index_t r = 0; r < p.rows; ++r) detail::smooth_row(o.activation, p.width, y + p.offset + r * p.stride);
    });
  });
}

template <class T>
void batch_norm_backward(const NormDims& d, const NormOptions<T>& o, const T* x, const T* mean, const T* variance,
                         const T* gamma, const T* beta, const T* g, T* dx, T* dgamma, T* dbeta, void* workspace, Stream) {
  constexpr index_t max_width = ColumnPlan::max_width;
  const ColumnPlan plan(d.rows, d.channels);
  const index_t channels = d.channels;
  const bool smooth = detail::is_smooth(o.activation);
  const T slope = detail::negative_slope(o);
  auto* partial = static_cast<double*>(workspace);  // (blocks, 2, channels): sums of h and of h (x - mean)

  // f(rows, x, h or g) for the rows of a panel, all at once or, behind a smooth activation, one by one with h = g f'.
  const auto for_rows = [&](const Panel& p, const detail::PanelParameters<T>& c, const auto& f) {
    if (!smooth) return f(p.rows, p.offset, g + p.offset);
    T z[max_width], h[max_width];
    for (index_t r = 0; r < p.rows; ++r) {
      const index_t i = p.offset + r * p.stride;
      detail::normalise_rows(1, p.stride, p.width, T(1), x + i, c.mean, c.scale, c.beta, z);
      detail::smooth_grad_row(o.activation, p.width, z, g + i, h);
      f(index_t{1}, i, static_cast<const T*>(h));
    }
  };

  parallel_for(plan.tasks(), 1, [&](index_t task, index_t) {
    double* block = partial + 2 * channels * plan.block_of(task) + plan.first_channel(task);
    bool first = true;
    plan.panels(task, [&](const Panel& p) {
      const detail::PanelParameters<T> c(p, o.epsilon, mean, variance, gamma, beta);
      T s1[max_width], s2[max_width];
      std::fill_n(s1, p.width, T(0));
      std::fill_n(s2, p.width, T(0));
      for_rows(p, c, [&](index_t rows, index_t i, const T* h) {
        detail::backward_sums(rows, p.stride, p.width, slope, x + i, h, c.mean, c.scale, c.beta, s1, s2);
      });
      const index_t n = p.width / p.groups;
      for (index_t j = 0; j < p.width; ++j) {
        double *sum = block + j % n, *product = sum + channels;
        *sum = static_cast<double>(s1[j]) + (first && j < n ? 0 : *sum);
        *product = static_cast<double>(s2[j]) + (first && j < n ? 0 : *product);
      }
      first = false;
    });
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
    plan.panels(task, [&](const Panel& p) {
      const detail::PanelParameters<T> c(p, o.epsilon, mean, variance, gamma, beta);
      T offset[max_width], tilt[max_width];
      const T* sum = panel_columns(p, static_cast<const T*>(dbeta), offset);
      const T* product = panel_columns(p, static_cast<const T*>(dgamma), tilt);
      const T share = T(1) / static_cast<T>(d.rows);
      for (index_t j = 0; j < p.width; ++j) {
        offset[j] = c.scale[j] * sum[j] * share;
        tilt[j] = c.scale[j] * c.rstd[j] * product[j] * share;
      }
      for_rows(p, c, [&](index_t rows, index_t i, const T* h) {
        detail::backward_rows(rows, p.stride, p.width, slope, x + i, h, c.mean, c.scale, c.beta, offset, tilt, dx + i);
      });
    });
  });
}

}  // namespace tinygan::cpu
