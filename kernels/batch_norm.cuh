// Batch normalisation of x(rows, channels), with its activation; the rows of images are their N H W pixels.
//
//   mean, variance over rows;  y = f(z), z = gamma (x - mean) rstd + beta;  backward: h = g f'(z), dbeta = sum h,
//   dgamma = sum h xhat, dx = gamma rstd (h - dbeta/rows - xhat dgamma/rows)
// Elements     x, y, gamma, beta, g and their gradients are float or bfloat16; everything is computed, and statistics
//              are kept, in float.
// Owns         a block: 16 channels (more where rows are few) and a split of the rows; a thread: 16 bytes of every k-th
//              row (device/columns.cuh), its factors in registers.
// Launches     two in either direction, of the same blocks: partial statistics or sums of each split; then every block
//              combines the splits of its own channels and maps. One where a block has all rows of its channels.
// Shared       8 bytes per thread and channel, and 24 per channel.      Requires  sm_75.
// Determinism  sums per thread, over the block's threads, then over the splits; by the extents alone.
// Cost         forward 2 reads, 1 write; backward 4 reads, 1 write: bandwidth-bound, of small matrices latency-bound. z
//              and f' are computed again from x, so only x, mean and variance are kept.
// Source       Ioffe and Szegedy, "Batch Normalization", ICML 2015.
#pragma once

#include <tinygan/backend/norm_dims.hpp>
#include <tinygan/base/stream.hpp>

#include "activation.cuh"
#include "batch_norm_stats.cuh"
#include "device/columns.cuh"
#include "launch.cuh"

namespace tinygan::cuda {
namespace {

// ---- y = f(gamma xhat + beta) ---------------------------------------------------------------------------------------

/// Source of a block's statistics: mean and variance in memory, partial statistics, or all rows of its channels.
enum class StatisticsFrom { memory, partial, rows };

/// mean and variance are read from memory, else written.
template <int N, bool Smooth, class T>
__global__ void __launch_bounds__(column_threads, 3)
    batch_norm_apply_kernel(ColumnPlan p, StatisticsFrom from, NormActivation<Smooth> f, float epsilon, bool aligned,
                            StatisticsSums add, const T* x, const T* gamma, const T* beta, T* y, float* mean,
                            float* variance) {
  const BatchNormShared<N> s(p);
  const ColumnPlace<N> at(p);
  const BatchNormParameters<N, T> parameters(p, gamma, beta, from == StatisticsFrom::memory ? mean : nullptr, variance);
  const float share = 1.0f / static_cast<float>(p.rows);
  const auto keep = [&](unsigned local, index_t channel, float m, float v) {
    s.mean[local] = m;
    s.rstd[local] = batch_norm_rstd(v, epsilon);
    if (blockIdx.y > 0) return;
    mean[channel] = m;
    variance[channel] = v;
  };
  if (from == StatisticsFrom::rows)
    split_statistics(p, at, aligned, x, s.reduction, [&](unsigned local, index_t channel, float m, float squares) {
      keep(local, channel, m, squares * share);
    });
  with_alignment<N>(aligned, [&]<bool Aligned>() {
    for_rows_after<rows_in_flight<Smooth>>(
        at.rows.back(), [&](index_t i) { return load_columns<N, Aligned>(x + i); },
        [&] {
          if (from == StatisticsFrom::partial)
            combine_statistics(p, p.shift + column_width_bits<N>, share, add, s.reduction, keep);
          parameters.store(s);
          if (from == StatisticsFrom::memory) parameters.store_statistics(s, epsilon);
          __syncthreads();
          return BatchNormFactors<N>(s, at.local);
        },
        [&](index_t i, const StoredColumns<N, T>& v, const BatchNormFactors<N>& c) {
          Pack<float, N> result;
          TINYGAN_UNROLL
          for (int k = 0; k < N; ++k) result.at[k] = f.value((v[k] - c.mean[k]) * c.scale[k] + c.beta[k]);
          store_columns<N, Aligned>(y + i, result);
        });
  });
}

template <class T>
void apply_statistics(const ColumnPlan& p, StatisticsFrom from, const NormOptions<T>& o, const float* partial,
                      const T* x, const T* gamma, const T* beta, T* y, float* mean, float* variance, Stream stream) {
  with_activation(o.activation.kind, [&]<bool Smooth>() {
    with_column_width<T>(p.channels, [&]<int N>() {
      launch<batch_norm_apply_kernel<N, Smooth, T>>(
          {.grid = p.grid(), .block = {column_threads}, .shared_bytes = BatchNormShared<N>::bytes(p), .stream = stream},
          p, from, NormActivation<Smooth>(o.activation), o.epsilon, is_vector_aligned<N>(x, y),
          StatisticsSums(p, partial), x, gamma, beta, y, mean, variance);
    });
  });
}

template <class T>
void batch_norm_apply(const NormDims& d, const NormOptions<T>& o, const T* x, const float* mean, const float* variance,
                      const T* gamma, const T* beta, T* y, Stream stream) {
  const ColumnPlan p(d, column_width<T>(d.channels), norm_forward_blocks);
  apply_statistics(p, StatisticsFrom::memory, o, nullptr, x, gamma, beta, y, const_cast<float*>(mean),
                   const_cast<float*>(variance), stream);
}

template <class T>
void batch_norm(const NormDims& d, const NormOptions<T>& o, const T* x, const T* gamma, const T* beta, T* y,
                float* mean, float* variance, Workspace& workspace, Stream stream) {
  const ColumnPlan p = forward_plan(d, column_width<T>(d.channels));
  float* const partial = column_workspace("batch_norm", p, workspace);
  const bool one = p.splits == 1;
  if (!one) partial_statistics(p, x, partial, stream);
  apply_statistics(p, one ? StatisticsFrom::rows : StatisticsFrom::partial, o, partial, x, gamma, beta, y, mean,
                   variance, stream);
}

// ---- Backward -------------------------------------------------------------------------------------------------------

/// A row's elements of x and of its cotangent.
template <int N, class T>
struct WithCotangent {
  StoredColumns<N, T> x, g;
};

/// Sums of the block's split: finish(local, channel, sum of h, of h xhat), once for each channel. Stores mean, rstd,
/// gamma and beta in s.
template <int N, bool Smooth, class T, class F>
__device__ __forceinline__ void split_sums(const ColumnPlan& p, const ColumnPlace<N>& at,
                                           const NormActivation<Smooth>& f, float epsilon, bool aligned, const T* x,
                                           const T* g, const BatchNormParameters<N, T>& parameters,
                                           const BatchNormShared<N>& s, const F& finish) {
  float sum[N] = {}, product[N] = {};  // product: of h and x - mean
  with_alignment<N>(aligned, [&]<bool Aligned>() {
    for_rows_after<rows_in_flight<Smooth>>(
        at.rows,
        [&](index_t i) -> WithCotangent<N, T> {
          return {load_columns<N, Aligned>(x + i), load_columns<N, Aligned>(g + i)};
        },
        [&] {
          parameters.store(s);
          parameters.store_statistics(s, epsilon);
          __syncthreads();
          return BatchNormFactors<N>(s, at.local);
        },
        [&](index_t, const WithCotangent<N, T>& v, const BatchNormFactors<N>& c) {
          TINYGAN_UNROLL
          for (int k = 0; k < N; ++k) {
            const float d = v.x[k] - c.mean[k], h = f.cotangent(d * c.scale[k] + c.beta[k], v.g[k]);
            sum[k] += h;
            product[k] += h * d;
          }
        });
  });
  reduce_columns<N>(p.shift, sum, product, s.reduction, [&](unsigned local, float all, float q) {
    const index_t channel = at.block_channel(p, local);
    if (channel < p.channels) finish(local, channel, all, q * s.rstd[local]);
  });
}

/// Partial sums of one split, (2, channels).
template <int N, bool Smooth, class T>
__global__ void __launch_bounds__(column_threads, 2)
    batch_norm_sums_kernel(ColumnPlan p, NormActivation<Smooth> f, float epsilon, bool aligned, const T* x,
                           const float* mean, const float* variance, const T* gamma, const T* beta, const T* g,
                           float* partial) {
  const BatchNormShared<N> s(p);
  const ColumnPlace<N> at(p);
  const BatchNormParameters<N, T> parameters(p, gamma, beta, mean, variance);
  split_sums(p, at, f, epsilon, aligned, x, g, parameters, s, [&](unsigned, index_t channel, float sum, float product) {
    float* const to = partial + 2 * index_t{blockIdx.y} * p.channels + channel;
    to[0] = sum;
    to[p.channels] = product;
  });
}

/// dx, dgamma and dbeta from the partial sums; from the rows where there is one split.
template <int N, bool Smooth, class T>
__global__ void __launch_bounds__(column_threads, 2)
    batch_norm_backward_kernel(ColumnPlan p, NormActivation<Smooth> f, float epsilon, bool aligned, const T* x,
                               const float* mean, const float* variance, const T* gamma, const T* beta, const T* g,
                               const float* partial, T* dx, T* dgamma, T* dbeta) {
  const BatchNormShared<N> s(p);
  const ColumnPlace<N> at(p);
  const BatchNormParameters<N, T> parameters(p, gamma, beta, mean, variance);
  const float share = 1.0f / static_cast<float>(p.rows);
  const auto keep = [&](unsigned local, index_t channel, float sum, float product) {
    s.offset[local] = sum * share;
    s.tilt[local] = product * share * s.rstd[local];
    if (blockIdx.y > 0) return;
    dbeta[channel] = from_float<T>(sum);
    dgamma[channel] = from_float<T>(product);
  };
  if (p.splits == 1) split_sums(p, at, f, epsilon, aligned, x, g, parameters, s, keep);
  struct Factors {
    BatchNormFactors<N> c;
    float offset[N], tilt[N];  // dx = scale h - offset - tilt (x - mean)
  };
  with_alignment<N>(aligned, [&]<bool Aligned>() {
    for_rows_after<rows_in_flight<Smooth>>(
        at.rows.back(),
        [&](index_t i) -> WithCotangent<N, T> {
          return {load_columns<N, Aligned>(x + i), load_columns<N, Aligned>(g + i)};
        },
        [&] {
          if (p.splits > 1) {
            parameters.store(s);
            parameters.store_statistics(s, epsilon);
            combine_splits(p, p.shift + column_width_bits<N>, partial, s.reduction, PlainSums{},
                           [&](unsigned local, float sum, float product) {
                             const index_t channel = at.block_channel(p, local);
                             if (channel < p.channels) keep(local, channel, sum, product);
                           });
          }
          __syncthreads();
          Factors r{BatchNormFactors<N>(s, at.local), {}, {}};
          TINYGAN_UNROLL
          for (int k = 0; k < N; ++k) {
            r.offset[k] = r.c.scale[k] * s.offset[at.local + k];
            r.tilt[k] = r.c.scale[k] * s.tilt[at.local + k];
          }
          return r;
        },
        [&](index_t i, const WithCotangent<N, T>& v, const Factors& r) {
          Pack<float, N> result;
          TINYGAN_UNROLL
          for (int k = 0; k < N; ++k) {
            const float d = v.x[k] - r.c.mean[k], h = f.cotangent(d * r.c.scale[k] + r.c.beta[k], v.g[k]);
            result.at[k] = r.c.scale[k] * h - (r.offset[k] + r.tilt[k] * d);
          }
          store_columns<N, Aligned>(dx + i, result);
        });
  });
}

template <class T>
void batch_norm_backward(const NormDims& d, const NormOptions<T>& o, const T* x, const float* mean,
                         const float* variance, const T* gamma, const T* beta, const T* g, T* dx, T* dgamma, T* dbeta,
                         Workspace& workspace, Stream stream) {
  const ColumnPlan p = backward_plan(d, column_width<T>(d.channels));
  float* const partial = column_workspace("batch_norm_backward", p, workspace);
  with_activation(o.activation.kind, [&]<bool Smooth>() {
    with_column_width<T>(d.channels, [&]<int N>() {
      const NormActivation<Smooth> f(o.activation);
      const bool aligned = is_vector_aligned<N>(x, g, dx);
      const Launch how{
          .grid = p.grid(), .block = {column_threads}, .shared_bytes = BatchNormShared<N>::bytes(p), .stream = stream};
      if (p.splits > 1)
        launch<batch_norm_sums_kernel<N, Smooth, T>>(how, p, f, o.epsilon, aligned, x, mean, variance, gamma, beta, g,
                                                     partial);
      launch<batch_norm_backward_kernel<N, Smooth, T>>(how, p, f, o.epsilon, aligned, x, mean, variance, gamma, beta, g,
                                                       static_cast<const float*>(partial), dx, dgamma, dbeta);
    });
  });
}

}  // namespace
}  // namespace tinygan::cuda
