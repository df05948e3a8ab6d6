// Batch statistics of x(rows, channels): mean and variance of its columns, and the common part of batch norm's kernels.
//
// A block shifts its split of the rows by the split's first row and sums d = x - shift and d^2, which are as small as
// the spread, however far from zero the mean. Partial statistics, (splits, 2, channels): mean and squared deviations of
// each split. They are combined likewise, shifted by the mean of the first split.
#pragma once

#include <tinygan/backend/norm_dims.hpp>
#include <tinygan/base/stream.hpp>

#include "device/columns.cuh"
#include "launch.cuh"

namespace tinygan::cuda {
namespace {

inline ColumnPlan forward_plan(const NormDims& d, int width) {
  return {d, width, norm_forward_blocks, norm_one_launch_rows};
}
inline ColumnPlan backward_plan(const NormDims& d, int width) {
  return {d, width, norm_backward_blocks, norm_one_launch_rows};
}

/// A block's shared memory: for reduce_columns(), then a float for each of its channels and quantity.
template <int N>
struct BatchNormShared {
  float *reduction, *mean, *rstd, *gamma, *beta, *offset, *tilt;

  __device__ explicit BatchNormShared(const ColumnPlan& p) {
    const index_t width = index_t{N} << p.shift;
    reduction = block_shared<float>(reduction_floats<N> + 6 * width);
    mean = reduction + reduction_floats<N>;
    rstd = mean + width;
    gamma = rstd + width;
    beta = gamma + width;
    offset = beta + width;
    tilt = offset + width;
  }
  static std::size_t bytes(const ColumnPlan& p) {
    return static_cast<std::size_t>(reduction_floats<N> + 6 * (index_t{N} << p.shift)) * sizeof(float);
  }
};

inline constexpr float not_negative(float x) { return x < 0.0f ? 0.0f : x; }  // NaN stays

__device__ __forceinline__ float batch_norm_rstd(float variance, float epsilon) {
  return 1.0f / sqrtf(variance + epsilon);
}

// ---- Statistics -----------------------------------------------------------------------------------------------------

/// Statistics of the block's split: finish(local, channel, mean, squared deviations from it), once for each channel.
/// Values are shifted by the split's first, so that a mean far from zero costs no digits.
template <int N, class T, class F>
__device__ __forceinline__ void split_statistics(const ColumnPlan& p, const ColumnPlace<N>& at, bool aligned,
                                                 const T* x, float* shared, const F& finish) {
  float sum[N] = {}, squares[N] = {};
  with_alignment<N>(aligned, [&]<bool Aligned>() {
    for_rows_after<rows_in_flight<>>(
        at.rows, [&](index_t i) { return load_columns<N, Aligned>(x + i); },
        [&] {
          StoredColumns<N, T> first = {};
          if (at.inside) first = load_columns<N, Aligned>(x + at.first);
          return first;
        },
        [&](index_t, const StoredColumns<N, T>& v, const StoredColumns<N, T>& shift) {
          TINYGAN_UNROLL
          for (int k = 0; k < N; ++k) {
            const float d = v[k] - shift[k];
            sum[k] += d;
            squares[k] += d * d;
          }
        });
  });
  const float share = 1.0f / static_cast<float>(at.split_rows);
  reduce_columns<N>(p.shift, sum, squares, shared, [&](unsigned local, float s, float q) {
    const index_t channel = at.block_channel(p, local);
    if (channel >= p.channels) return;
    const float offset = s * share;
    finish(local, channel, to_float(x[at.first + channel - at.channel]) + offset, not_negative(q - s * offset));
  });
}

/// For combine_splits(): partial statistics as summands. Means are shifted by that of the first split.
struct StatisticsSums {
  const float* partial;
  index_t splits;
  float rows, last_rows;

  StatisticsSums(const ColumnPlan& p, const float* partial_)
      : partial(partial_), splits(p.splits), rows(static_cast<float>(p.split_rows)),
        last_rows(static_cast<float>(p.rows - (p.splits - 1) * p.split_rows)) {}

  __device__ auto operator()(index_t channel) const {
    return [shift = partial[channel], this](index_t split, const ColumnSums& s) -> ColumnSums {
      const float count = split + 1 < splits ? rows : last_rows, delta = s.sum - shift;
      return {count * delta, s.product + count * delta * delta};
    };
  }
};

/// finish(local, channel, mean, variance) for each of the block's 2^bits channels, over all splits; share: 1 / rows.
template <class F>
__device__ __forceinline__ void combine_statistics(const ColumnPlan& p, unsigned bits, float share,
                                                   const StatisticsSums& add, float* shared, const F& finish) {
  combine_splits(p, bits, add.partial, shared, add, [&](unsigned local, float s, float q) {
    const index_t channel = (index_t{blockIdx.x} << bits) + local;
    if (channel >= p.channels) return;
    const float offset = s * share;
    finish(local, channel, add.partial[channel] + offset, not_negative(q - s * offset) * share);
  });
}

/// Partial statistics, (splits, 2, channels): mean and squared deviations of each split. Four blocks per
/// multiprocessor: without the bound nvcc 13.0 aims at more for sm_80 and spills.
template <int N, class T>
__global__ void __launch_bounds__(column_threads, 4)
    batch_norm_stats_kernel(ColumnPlan p, bool aligned, const T* x, float* partial) {
  const BatchNormShared<N> s(p);
  const ColumnPlace<N> at(p);
  split_statistics(p, at, aligned, x, s.reduction, [&](unsigned, index_t channel, float mean, float squares) {
    float* const to = partial + 2 * index_t{blockIdx.y} * p.channels + channel;
    to[0] = mean;
    to[p.channels] = squares;
  });
}

template <class T>
void partial_statistics(const ColumnPlan& p, const T* x, float* partial, Stream stream) {
  with_column_width<T>(p.channels, [&]<int N>() {
    launch<batch_norm_stats_kernel<N, T>>(
        {.grid = p.grid(), .block = {column_threads}, .shared_bytes = BatchNormShared<N>::bytes(p), .stream = stream},
        p, is_vector_aligned<N>(x), x, partial);
  });
}

// ---- Parameters of a thread's channels -----------------------------------------------------------------------------

template <int N>
struct BatchNormFactors {
  float mean[N], scale[N], beta[N];

  __device__ __forceinline__ BatchNormFactors(const BatchNormShared<N>& s, int local) {
    TINYGAN_UNROLL
    for (int k = 0; k < N; ++k) {
      mean[k] = s.mean[local + k];
      scale[k] = s.gamma[local + k] * s.rstd[local + k];
      beta[k] = s.beta[local + k];
    }
  }
};

/// gamma and beta of the block's channels, a channel to a thread, and mean and variance where they are in memory. They
/// are loaded by the constructor and stored to shared memory by store(); a barrier must follow.
template <int N, class T>
struct BatchNormParameters {
  float gamma = 0.0f, beta = 0.0f, mean = 0.0f, variance = 0.0f;
  bool inside;

  __device__ __forceinline__ BatchNormParameters(const ColumnPlan& p, const T* gamma_, const T* beta_,
                                                 const float* mean_, const float* variance_) {
    const index_t channel = ColumnPlace<N>::block_channel(p, threadIdx.x);
    inside = threadIdx.x < unsigned{N} << p.shift && channel < p.channels;
    if (!inside) return;
    gamma = to_float(gamma_[channel]);
    beta = to_float(beta_[channel]);
    if (!mean_) return;
    mean = mean_[channel];
    variance = variance_[channel];
  }
  __device__ __forceinline__ void store(const BatchNormShared<N>& s) const {
    if (!inside) return;
    s.gamma[threadIdx.x] = gamma;
    s.beta[threadIdx.x] = beta;
  }
  __device__ __forceinline__ void store_statistics(const BatchNormShared<N>& s, float epsilon) const {
    if (!inside) return;
    s.mean[threadIdx.x] = mean;
    s.rstd[threadIdx.x] = batch_norm_rstd(variance, epsilon);
  }
};

}  // namespace
}  // namespace tinygan::cuda
