// Batch normalisation of x(rows, channels), N H W images being rows of pixels, with the activation behind it.
//
//   mean, variance over rows;  y = f(z), z = gamma (x - mean) rstd + beta;  backward: h = g f'(z), dbeta = sum h,
//   dgamma = sum h xhat, dx = gamma rstd (h - dbeta/rows - xhat dgamma/rows)
// Elements     x, y, gamma, beta, g and their gradients are float or bfloat16; everything is computed, and statistics are
//              kept, in float.
// Owns         a block takes up to 32 columns of 4 channels (of 1 where channels are no multiple of 4) and a piece of
//              the rows, a thread one column and every k-th row (device/columns.cuh), its factors in registers. The
//              forward map takes 8 channels of bfloat16, 16 bytes.
// Shared       statistics 12 KB, backward 8 KB: a partial result per thread and channel.      Requires  sm_75.
// Determinism  shifted sums per thread, a tree over the block's rows, then over the pieces; extents alone decide.
// Cost         statistics 1 read; apply 1 read, 1 write; backward 4 reads, 1 write: bandwidth-bound. z and f' are
//              computed again from x, so nothing but x, mean and variance is kept.
// Source       Ioffe and Szegedy, "Batch Normalization", ICML 2015.
#pragma once

#include <tinygan/backend/layer_dims.hpp>
#include <tinygan/base/stream.hpp>

#include "device/activation.cuh"
#include "device/columns.cuh"
#include "launch.cuh"

namespace tinygan::cuda {
namespace {

/// Maps over rows: 4 rows a thread, so that the factors of its channels are used more than once.
inline ColumnPlan mapping_plan(const NormDims& d, int width) { return {d, width, 4096, 4}; }

/// f.operator()<N>() for the channels N that a thread of the forward map takes: 16 bytes of them where rows are made of
/// such packs. On the way back, with twice the factors, that would leave half as many threads on a multiprocessor.
template <class T, class F>
void with_apply_width(index_t channels, const F& f) {
  if (channels % pack_width<T> == 0) f.template operator()<pack_width<T>>();
  else with_column_width(channels, f);
}

/// For statistics the moments of the pieces, for the way back sums.
inline std::size_t batch_norm_workspace(const NormDims& d) {
  tinygan::detail::check_dims("batch_norm", d);
  const ColumnPlan p = summing_plan(d);
  const auto moments = static_cast<std::size_t>(MomentDims{p.pieces, p.channels}.size()) * sizeof(float);
  return std::max(column_workspace(p), moments);
}

// ---- Statistics -----------------------------------------------------------------------------------------------------

/// Of one piece: its moments, laid out as MomentDims says. Of the only piece: mean and variance. Four blocks a
/// multiprocessor: left alone, nvcc 13.0 aims at more for sm_80 and spills.
template <int N, class T>
__global__ void __launch_bounds__(column_threads, 4)
    batch_norm_stats_kernel(ColumnPlan p, bool packed, const T* x, float* moments, float* mean, float* variance) {
  grid_begin();
  Moments* const s = block_shared<Moments>(column_threads * N);
  const ColumnPlace<N> at(p);
  const T* const from = x + at.channel;
  Moments acc[N] = {};
  if (at.begin < at.end) {
    const Pack<float, N> shift =
        load_columns<N>(from + at.begin * p.channels, packed);  // a value of its own: none cancels
    float sum[N] = {}, squares[N] = {};
    int rows = 1;  // counted, not divided: a 64-bit division here would push the sums out of the registers
    with_packing<N>(packed, [&]<bool Packed>() {
      for_rows<rows_in_flight<T>>(
          at.begin + at.step, at.end, at.step,
          [&](index_t r) { return load_columns<N>(from + r * p.channels, Packed); },
          [&](index_t, const Pack<float, N>& v) {
            TINYGAN_UNROLL
            for (int k = 0; k < N; ++k) {
              const float d = v.at[k] - shift.at[k];
              sum[k] += d;
              squares[k] += d * d;
            }
            ++rows;
          });
    });
    const auto count = static_cast<float>(rows);
    for (int k = 0; k < N; ++k) {
      const float offset = sum[k] / count, rest = squares[k] - sum[k] * offset;
      acc[k] = {count, shift.at[k] + offset, rest < 0.0f ? 0.0f : rest};
    }
  }
  join_rows(at, acc, s);
  if (at.row > 0 || !at.inside) return;
  for (int k = 0; k < N; ++k) {
    if (p.pieces == 1) {
      mean[at.channel + k] = acc[k].mean;
      variance[at.channel + k] = acc[k].squares / acc[k].count;
    } else {
      float* const to = moments + 2 * at.piece * p.channels + at.channel + k;
      to[0] = acc[k].mean;
      to[p.channels] = acc[k].squares;
    }
  }
  if (p.pieces > 1 && at.channel == 0) moments[2 * p.pieces * p.channels + at.piece] = acc[0].count;
}

/// The pieces' moments joined in a fixed order. Block: 32 channels, or 8.
__global__ void __launch_bounds__(column_threads)
    batch_norm_join_kernel(ColumnPlan p, float rows, const float* moments, float* mean, float* variance) {
  grid_begin();
  Moments* const s = block_shared<Moments>(column_threads);
  const ColumnPlace<1> at(p);
  const float* const counts = moments + 2 * p.rows * p.channels;
  Moments acc[1] = {};
  for (index_t r = at.begin; r < at.end; r += at.step) {
    const float* const from = moments + 2 * r * p.channels + at.channel;
    acc[0].join({counts[r], from[0], from[p.channels]});
  }
  join_rows(at, acc, s);
  if (at.row > 0 || !at.inside) return;
  mean[at.channel] = acc[0].mean;
  variance[at.channel] = acc[0].squares / rows;
}

inline void batch_norm_join(const NormDims& d, const MomentDims& m, const float* moments, float* mean, float* variance,
                            Stream stream) {
  const ColumnPlan p = finishing_plan(m.pieces, m.channels);
  launch<batch_norm_join_kernel>({.grid = p.grid(),
                                  .block = {column_threads},
                                  .shared_bytes = column_threads * sizeof(Moments),
                                  .stream = stream},
                                 p, static_cast<float>(d.rows), moments, mean, variance);
}

template <class T>
void batch_norm_stats(const NormDims& d, const T* x, float* mean, float* variance, void* workspace, Stream stream) {
  const ColumnPlan p = summing_plan(d);
  auto* const moments = static_cast<float*>(workspace);
  with_column_width(d.channels, [&]<int N>() {
    launch<batch_norm_stats_kernel<N, T>>({.grid = p.grid(),
                                           .block = {column_threads},
                                           .shared_bytes = column_threads * N * sizeof(Moments),
                                           .stream = stream},
                                          p, packable<N>(x), x, moments, mean, variance);
  });
  if (p.pieces > 1) batch_norm_join(d, {p.pieces, p.channels}, moments, mean, variance, stream);
}

// ---- What a thread keeps of its channels ----------------------------------------------------------------------------

template <int N>
struct BatchNormFactors {
  float mean[N] = {}, rstd[N] = {}, gamma[N] = {}, beta[N] = {};

  template <class T>
  __device__ BatchNormFactors(const ColumnPlace<N>& at, float epsilon, const float* mean_, const float* variance,
                              const T* gamma_, const T* beta_) {
    TINYGAN_UNROLL
    for (int k = 0; k < N; ++k) {
      if (!at.inside) break;
      const index_t c = at.channel + k;
      mean[k] = mean_[c];
      rstd[k] = 1.0f / sqrtf(variance[c] + epsilon);
      gamma[k] = to_float(gamma_[c]);
      beta[k] = to_float(beta_[c]);
    }
  }
  __device__ float xhat(int k, float x) const { return (x - mean[k]) * rstd[k]; }
};

// ---- y = f(gamma xhat + beta) ---------------------------------------------------------------------------------------

template <int N, bool Smooth, class T>
__global__ void __launch_bounds__(column_threads)
    batch_norm_apply_kernel(ColumnPlan p, NormActivation<Smooth> f, float epsilon, bool packed, const T* x,
                            const float* mean, const float* variance, const T* gamma, const T* beta, T* y) {
  grid_begin();
  const ColumnPlace<N> at(p);
  const BatchNormFactors<N> c(at, epsilon, mean, variance, gamma, beta);
  with_packing<N>(packed, [&]<bool Packed>() {
    for_rows<rows_in_flight<T, Smooth, N>>(
        at.begin, at.end, at.step,
        [&](index_t r) { return load_columns<N>(x + r * p.channels + at.channel, Packed); },
        [&](index_t r, const Pack<float, N>& v) {
          Pack<float, N> result;
          TINYGAN_UNROLL
          for (int k = 0; k < N; ++k) result.at[k] = f.value(c.xhat(k, v.at[k]) * c.gamma[k] + c.beta[k]);
          store_columns<N>(y + r * p.channels + at.channel, result, Packed);
        });
  });
}

template <class T>
void batch_norm_apply(const NormDims& d, const NormOptions<T>& o, const T* x, const float* mean, const float* variance,
                      const T* gamma, const T* beta, T* y, Stream stream) {
  with_activation(o.activation, [&]<bool Smooth>() {
    with_apply_width<T>(d.channels, [&]<int N>() {
      const ColumnPlan p = mapping_plan(d, N);
      launch<batch_norm_apply_kernel<N, Smooth, T>>(
          {.grid = p.grid(), .block = {column_threads}, .stream = stream}, p, NormActivation<Smooth>(o), o.epsilon,
          packable<N>(x, y), x, mean, variance, gamma, beta, y);
    });
  });
}

// ---- Backward -------------------------------------------------------------------------------------------------------

/// Of one piece: sums of h and of h xhat into its partial. Of the only piece: dbeta and dgamma as well.
template <int N, bool Smooth, class T>
__global__ void __launch_bounds__(column_threads)
    batch_norm_sums_kernel(ColumnPlan p, NormActivation<Smooth> f, float epsilon, bool packed, const T* x,
                           const float* mean, const float* variance, const T* gamma, const T* beta, const T* g,
                           float* partial, T* dbeta, T* dgamma) {
  grid_begin();
  ColumnSums* const s = block_shared<ColumnSums>(column_threads * N);
  const ColumnPlace<N> at(p);
  const BatchNormFactors<N> c(at, epsilon, mean, variance, gamma, beta);
  ColumnSums acc[N] = {};
  with_packing<N>(packed, [&]<bool Packed>() {
    for_rows<rows_in_flight<T, Smooth>>(
        at.begin, at.end, at.step,
        [&](index_t r) -> WithCotangent<N> {
          const index_t i = r * p.channels + at.channel;
          return {load_columns<N>(x + i, Packed), load_columns<N>(g + i, Packed)};
        },
        [&](index_t, const WithCotangent<N>& v) {
          TINYGAN_UNROLL
          for (int k = 0; k < N; ++k) {
            const float xhat = c.xhat(k, v.x.at[k]), h = f.cotangent(xhat * c.gamma[k] + c.beta[k], v.g.at[k]);
            acc[k].join({h, h * xhat});
          }
        });
  });
  join_rows(at, acc, s);
  store_sums(p, at, acc, partial, dbeta, dgamma);
}

/// sums(2, channels): dbeta and dgamma before they were rounded.
template <int N, bool Smooth, class T>
__global__ void __launch_bounds__(column_threads)
    batch_norm_backward_kernel(ColumnPlan p, NormActivation<Smooth> f, float epsilon, bool packed, const T* x,
                               const float* mean, const float* variance, const T* gamma, const T* beta, const T* g,
                               const float* sums, T* dx) {
  grid_begin();
  const ColumnPlace<N> at(p);
  const BatchNormFactors<N> c(at, epsilon, mean, variance, gamma, beta);
  const auto rows = static_cast<float>(p.rows);
  float offset[N] = {}, tilt[N] = {};
  TINYGAN_UNROLL
  for (int k = 0; k < N; ++k) {
    if (!at.inside) break;
    offset[k] = sums[at.channel + k] / rows;
    tilt[k] = sums[p.channels + at.channel + k] / rows;
  }
  with_packing<N>(packed, [&]<bool Packed>() {
    for_rows<rows_in_flight<T, Smooth>>(
        at.begin, at.end, at.step,
        [&](index_t r) -> WithCotangent<N> {
          const index_t i = r * p.channels + at.channel;
          return {load_columns<N>(x + i, Packed), load_columns<N>(g + i, Packed)};
        },
        [&](index_t r, const WithCotangent<N>& v) {
          Pack<float, N> result;
          TINYGAN_UNROLL
          for (int k = 0; k < N; ++k) {
            const float xhat = c.xhat(k, v.x.at[k]), h = f.cotangent(xhat * c.gamma[k] + c.beta[k], v.g.at[k]);
            result.at[k] = c.gamma[k] * c.rstd[k] * (h - offset[k] - xhat * tilt[k]);
          }
          store_columns<N>(dx + r * p.channels + at.channel, result, Packed);
        });
  });
}

template <class T>
void batch_norm_backward(const NormDims& d, const NormOptions<T>& o, const T* x, const float* mean,
                         const float* variance, const T* gamma, const T* beta, const T* g, T* dx, T* dgamma, T* dbeta,
                         void* workspace, Stream stream) {
  const ColumnPlan sums = summing_plan(d), map = mapping_plan(d, column_width(d.channels));
  auto* const partial = static_cast<float*>(workspace);
  with_activation(o.activation, [&]<bool Smooth>() {
    with_column_width(d.channels, [&]<int N>() {
      const NormActivation<Smooth> f(o);
      const bool packed = packable<N>(x, g, dx);
      launch<batch_norm_sums_kernel<N, Smooth, T>>({.grid = sums.grid(),
                                                    .block = {column_threads},
                                                    .shared_bytes = column_threads * N * sizeof(ColumnSums),
                                                    .stream = stream},
                                                   sums, f, o.epsilon, packed, x, mean, variance, gamma, beta, g,
                                                   partial, dbeta, dgamma);
      finish_sums(sums, partial, dbeta, dgamma, stream);
      launch<batch_norm_backward_kernel<N, Smooth, T>>(
          {.grid = map.grid(), .block = {column_threads}, .stream = stream}, map, f, o.epsilon, packed, x, mean,
          variance, gamma, beta, g, static_cast<const float*>(column_sums(sums, partial)), dx);
    });
  });
}

}  // namespace
}  // namespace tinygan::cuda
