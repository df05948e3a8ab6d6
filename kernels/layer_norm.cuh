// Layer normalisation of x(rows, channels), each row by its own mean and variance, with its activation.
//
//   y = f(z), z = gamma xhat + beta, xhat = (x - mean) rstd;  backward: h = g f'(z), dbeta = sum h, dgamma = sum h xhat
//   over rows;  dx = rstd (gamma h - sum(gamma h)/channels - xhat sum(gamma h xhat)/channels), sums over channels
// Elements     x, y, gamma, beta, g and their gradients are float or bfloat16; everything is computed, and mean and
//              rstd are kept, in float.
// Owns         a warp per row up to 1024 channels, a block of 256 threads beyond; dgamma, dbeta: as batch norm's.
// Shared       rows: a value per warp; columns: 8 KB.      Requires  sm_75.
// Determinism  thread t of a row adds channels t, t + 32 (256), ... (4 each), then a butterfly; columns as batch norm.
// Cost         forward x three times, from L1 or L2 after the first, and y once. Backward x and g twice for dx, once
//              from L1 or L2, dx once, and x and g again for dgamma and dbeta.
// Source       Ba, Kiros, Hinton, "Layer Normalization", 2016.
#pragma once

#include <tinygan/backend/norm_dims.hpp>
#include <tinygan/base/stream.hpp>

#include "activation.cuh"
#include "device/columns.cuh"
#include "device/reduce.cuh"
#include "launch.cuh"

namespace tinygan::cuda {
namespace {

inline constexpr int layer_norm_threads = 256;

/// N contiguous elements of a row: one load where the array is aligned.
template <int N, class T>
__device__ __forceinline__ Pack<float, N> load_row(const T* from, bool aligned) {
  if (aligned) return load_floats<N>(from);
  Pack<float, N> r;
  TINYGAN_UNROLL
  for (int k = 0; k < N; ++k) r.at[k] = to_float(from[k]);
  return r;
}
template <int N, class T>
__device__ __forceinline__ void store_row(T* to, const Pack<float, N>& value, bool aligned) {
  if (aligned) return store_floats(to, value);
  TINYGAN_UNROLL
  for (int k = 0; k < N; ++k) to[k] = from_float<T>(value.at[k]);
}

/// A row and the thread's number among the Threads that work on it.
template <int Threads>
struct RowPlace {
  index_t row = index_t{blockIdx.x} * (layer_norm_threads / Threads) + threadIdx.x / Threads;
  index_t thread = threadIdx.x % Threads;

  __device__ RowPlace() {}

  /// f(c) for the thread's first channels c of runs of N.
  template <int N, class F>
  __device__ __forceinline__ void for_channels(index_t channels, const F& f) const {
    TINYGAN_UNROLL
    for (index_t c = thread * N; c < channels; c += Threads * N) f(c);
  }
};

template <int N, int Threads, bool Smooth, class T>
__global__ void __launch_bounds__(layer_norm_threads)
    layer_norm_kernel(NormDims d, NormActivation<Smooth> f, float epsilon, bool aligned, const T* x, const T* gamma,
                      const T* beta, T* y, float* mean, float* rstd) {
  BlockReduceShared& s = block_shared<BlockReduceShared>();
  const RowPlace<Threads> at;
  if (at.row >= d.rows) return;  // whole warps only
  const T* const from = x + at.row * d.channels;
  const auto channels = static_cast<float>(d.channels);

  const float shift = to_float(from[0]);  // so that a mean far from zero costs no digits
  float sum = 0.0f;
  at.template for_channels<N>(d.channels, [&](index_t c) {
    const Pack<float, N> v = load_row<N>(from + c, aligned);
    for (int k = 0; k < N; ++k) sum += v.at[k] - shift;
  });
  const float row_mean = shift + team_reduce<Sum, Threads>(sum, s) / channels;
  float squares = 0.0f;
  at.template for_channels<N>(d.channels, [&](index_t c) {
    const Pack<float, N> v = load_row<N>(from + c, aligned);
    for (int k = 0; k < N; ++k) squares += (v.at[k] - row_mean) * (v.at[k] - row_mean);
  });
  const float row_rstd = 1.0f / sqrtf(team_reduce<Sum, Threads>(squares, s) / channels + epsilon);

  if (at.thread == 0) {
    mean[at.row] = row_mean;
    rstd[at.row] = row_rstd;
  }
  at.template for_channels<N>(d.channels, [&](index_t c) {
    Pack<float, N> v = load_row<N>(from + c, aligned);
    const Pack<float, N> scale = load_row<N>(gamma + c, aligned), offset = load_row<N>(beta + c, aligned);
    for (int k = 0; k < N; ++k) v.at[k] = f.value((v.at[k] - row_mean) * row_rstd * scale.at[k] + offset.at[k]);
    store_row<N>(y + at.row * d.channels + c, v, aligned);
  });
}

/// f.operator()<N, Threads, Smooth>(launch) for the width, the threads of a row and the activation.
template <class F>
void launch_rows(const NormDims& d, Activation::Kind a, Stream stream, const F& f) {
  const bool warps = d.channels <= layer_norm_warp_channels;
  const Launch how{.grid = {grid_extent(warps ? ceil_div(d.rows, layer_norm_threads / 32) : d.rows)},
                   .block = {layer_norm_threads},
                   .shared_bytes = sizeof(BlockReduceShared),
                   .stream = stream};
  with_activation(a, [&]<bool Smooth>() {
    const auto with_width = [&]<int N>() {
      if (warps) f.template operator()<N, 32, Smooth>(how);
      else f.template operator()<N, layer_norm_threads, Smooth>(how);
    };
    if (d.channels % 4 == 0) with_width.template operator()<4>();
    else with_width.template operator()<1>();
  });
}

template <class T>
void layer_norm(const NormDims& d, const NormOptions<T>& o, const T* x, const T* gamma, const T* beta, T* y,
                float* mean, float* rstd, Stream stream) {
  launch_rows(d, o.activation.kind, stream, [&]<int N, int Threads, bool Smooth>(const Launch& how) {
    launch<layer_norm_kernel<N, Threads, Smooth, T>>(how, d, NormActivation<Smooth>(o.activation), o.epsilon,
                                                     is_vector_aligned<N>(x, gamma, beta, y), x, gamma, beta, y, mean,
                                                     rstd);
  });
}

// ---- Backward -------------------------------------------------------------------------------------------------------

template <int N, int Threads, bool Smooth, class T>
__global__ void __launch_bounds__(layer_norm_threads)
    layer_norm_backward_kernel(NormDims d, NormActivation<Smooth> f, bool aligned, const T* x, const float* mean,
                               const float* rstd, const T* gamma, const T* beta, const T* g, T* dx) {
  BlockReduceShared& s = block_shared<BlockReduceShared>();
  const RowPlace<Threads> at;
  if (at.row >= d.rows) return;  // whole warps only
  const T* const from = x + at.row * d.channels;
  const T* const cotangent = g + at.row * d.channels;
  const float row_mean = mean[at.row], row_rstd = rstd[at.row], share = 1.0f / static_cast<float>(d.channels);

  // visit(c, xhat, gamma h) for the thread's channels.
  const auto for_terms = [&](const auto& visit) {
    at.template for_channels<N>(d.channels, [&](index_t c) {
      Pack<float, N> v = load_row<N>(from + c, aligned), w = load_row<N>(cotangent + c, aligned);
      const Pack<float, N> scale = load_row<N>(gamma + c, aligned), offset = load_row<N>(beta + c, aligned);
      for (int k = 0; k < N; ++k) {
        v.at[k] = (v.at[k] - row_mean) * row_rstd;
        w.at[k] = scale.at[k] * f.cotangent(v.at[k] * scale.at[k] + offset.at[k], w.at[k]);
      }
      visit(c, v, w);
    });
  };
  float sum = 0.0f, product = 0.0f;
  for_terms([&](index_t, const Pack<float, N>& xhat, const Pack<float, N>& h) {
    for (int k = 0; k < N; ++k) {
      sum += h.at[k];
      product += h.at[k] * xhat.at[k];
    }
  });
  sum = team_reduce<Sum, Threads>(sum, s) * share;
  product = team_reduce<Sum, Threads>(product, s) * share;
  for_terms([&](index_t c, const Pack<float, N>& xhat, const Pack<float, N>& h) {
    Pack<float, N> r;
    for (int k = 0; k < N; ++k) r.at[k] = row_rstd * (h.at[k] - sum - xhat.at[k] * product);
    store_row<N>(dx + at.row * d.channels + c, r, aligned);
  });
}

inline ColumnPlan layer_norm_plan(const NormDims& d, int width) { return {d, width, 512, 16}; }

/// A row's elements of x and of its cotangent, and its statistics.
template <int N, class T>
struct NormalisedRow {
  StoredColumns<N, T> x, g;
  float mean, rstd;
};

/// Partial sums of h and of h xhat of one split; dbeta and dgamma where there is one split.
template <int N, bool Smooth, class T>
__global__ void __launch_bounds__(column_threads, 2)
    layer_norm_sums_kernel(ColumnPlan p, NormActivation<Smooth> f, bool aligned, const T* x, const float* mean,
                           const float* rstd, const T* gamma, const T* beta, const T* g, float* partial, T* dbeta,
                           T* dgamma) {
  const ColumnPlace<N> at(p);
  float sum[N] = {}, product[N] = {};
  with_alignment<N>(aligned, [&]<bool Aligned>() {
    StoredColumns<N, T> scale = {}, offset = {};
    if (at.inside) {
      scale = load_columns<N, Aligned>(gamma + at.channel);
      offset = load_columns<N, Aligned>(beta + at.channel);
    }
    const index_t top = index_t{blockIdx.y} * p.split_rows + (threadIdx.x >> p.shift);
    for_rows<rows_in_flight<Smooth>>(
        RowWalk{top, column_threads >> p.shift, at.rows.count},
        [&](index_t r) -> NormalisedRow<N, T> {
          const index_t i = r * p.channels + at.channel;
          return {load_columns<N, Aligned>(x + i), load_columns<N, Aligned>(g + i), mean[r], rstd[r]};
        },
        [&](index_t, const NormalisedRow<N, T>& v) {
          TINYGAN_UNROLL
          for (int k = 0; k < N; ++k) {
            const float xhat = (v.x[k] - v.mean) * v.rstd, h = f.cotangent(xhat * scale[k] + offset[k], v.g[k]);
            sum[k] += h;
            product[k] += h * xhat;
          }
        });
  });
  reduce_columns<N>(p.shift, sum, product, block_shared<float>(reduction_floats<N>),
                    [&](unsigned local, float all, float q) {
                      const index_t channel = at.block_channel(p, local);
                      if (channel >= p.channels) return;
                      if (p.splits == 1) {
                        dbeta[channel] = from_float<T>(all);
                        dgamma[channel] = from_float<T>(q);
                      } else {
                        float* const to = partial + 2 * index_t{blockIdx.y} * p.channels + channel;
                        to[0] = all;
                        to[p.channels] = q;
                      }
                    });
}

/// dbeta and dgamma from the partial sums. p: a combining_plan().
template <class T>
__global__ void __launch_bounds__(column_threads)
    layer_norm_combine_kernel(ColumnPlan p, const float* partial, T* dbeta, T* dgamma) {
  combine_splits(p, p.shift, partial, block_shared<float>(reduction_floats<1>), PlainSums{},
                 [&](unsigned local, float sum, float product) {
                   const index_t channel = ColumnPlace<1>::block_channel(p, local);
                   if (channel >= p.channels) return;
                   dbeta[channel] = from_float<T>(sum);
                   dgamma[channel] = from_float<T>(product);
                 });
}

template <class T>
void layer_norm_backward(const NormDims& d, const NormOptions<T>& o, const T* x, const float* mean, const float* rstd,
                         const T* gamma, const T* beta, const T* g, T* dx, T* dgamma, T* dbeta, Workspace& workspace,
                         Stream stream) {
  launch_rows(d, o.activation.kind, stream, [&]<int N, int Threads, bool Smooth>(const Launch& how) {
    launch<layer_norm_backward_kernel<N, Threads, Smooth, T>>(how, d, NormActivation<Smooth>(o.activation),
                                                              is_vector_aligned<N>(x, gamma, beta, g, dx), x, mean,
                                                              rstd, gamma, beta, g, dx);
  });
  const ColumnPlan p = layer_norm_plan(d, column_width<T>(d.channels));
  float* const partial = column_workspace("layer_norm_backward", p, workspace);
  with_activation(o.activation.kind, [&]<bool Smooth>() {
    with_column_width<T>(d.channels, [&]<int N>() {
      launch<layer_norm_sums_kernel<N, Smooth, T>>({.grid = p.grid(),
                                                    .block = {column_threads},
                                                    .shared_bytes = reduction_floats<N> * sizeof(float),
                                                    .stream = stream},
                                                   p, NormActivation<Smooth>(o.activation),
                                                   is_vector_aligned<N>(x, gamma, beta, g), x, mean, rstd, gamma, beta,
                                                   g, partial, dbeta, dgamma);
    });
  });
  if (p.splits == 1) return;
  const ColumnPlan combined = combining_plan(p, column_width<T>(d.channels));
  launch<layer_norm_combine_kernel<T>>({.grid = {combined.groups},
                                        .block = {column_threads},
                                        .shared_bytes = reduction_floats<1> * sizeof(float),
                                        .stream = stream},
                                       combined, static_cast<const float*>(partial), dbeta, dgamma);
}

}  // namespace
}  // namespace tinygan::cuda
