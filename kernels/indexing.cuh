// Indices: the first maximum or minimum along an axis, gathering by indices, and its adjoint.
//
// Elements     float or bfloat16; sums in float.
// Owns         arg_extremum: a warp per row where inner = 1, else a thread per column. gather: a thread makes packs of
//              4 elements where a row's size and the addresses allow it and the indices are shared, else single ones.
//              scatter_add: a block of 128 threads per row and 128 columns of dx, whose warps look for the row's index
//              among 32 at a time; with an index for each element, a thread per column, after a fill with zeros.
// Shared       none.      Requires  sm_75.
// Determinism  the terms of a sum in order of their index's place; no atomics.
// Cost         gather: y written once and as much of x read. scatter_add: g once; shared indices once for each row of
// dx,
//              from L2: meant for thousands of rows, not millions.
#pragma once

#include <cstdint>
#include <limits>

#include <tinygan/backend/index_dims.hpp>
#include <tinygan/backend/pointwise_dims.hpp>
#include <tinygan/base/stream.hpp>

#include "device/map.cuh"
#include "launch.cuh"
#include "pointwise.cuh"

namespace tinygan::cuda {
namespace {

// ---- arg_extremum ---------------------------------------------------------------------------------------------------

/// A candidate for the maximum: the larger value, a NaN above all, the lower index of equal ones.
struct Candidate {
  float value;
  int index;

  __device__ bool beats(const Candidate& other) const {
    const bool nan = value != value, other_nan = other.value != other.value;
    if (nan || other_nan) return nan && (!other_nan || index < other.index);
    return value > other.value || (value == other.value && index < other.index);
  }
};

template <class T>
__global__ void __launch_bounds__(map_threads)
    extremum_rows_kernel(float sign, index_t rows, index_t reduced, const T* x, std::int32_t* index) {
  const index_t row = blockIdx.x * (map_threads / warp_size) + warp_id();
  if (row >= rows) return;  // whole warps only
  const T* const from = x + row * reduced;
  constexpr Candidate none{-std::numeric_limits<float>::infinity(), std::numeric_limits<int>::max()};
  Candidate best = none;
  for (index_t i = lane_id(); i < reduced; i += warp_size) {
    const Candidate next{sign * to_float(from[i]), static_cast<int>(i)};
    if (next.beats(best)) best = next;
  }
  TINYGAN_UNROLL
  for (unsigned bits = warp_size / 2; bits > 0; bits /= 2) {
    const Candidate other{__shfl_xor_sync(all_lanes, best.value, bits), __shfl_xor_sync(all_lanes, best.index, bits)};
    if (other.beats(best)) best = other;
  }
  if (lane_id() == 0) index[row] = best.index;
}

template <class T>
__global__ void __launch_bounds__(map_threads)
    extremum_columns_kernel(float sign, ReduceDims d, const T* x, std::int32_t* index) {
  for (index_t i = grid_thread(); i < d.outer * d.inner; i += grid_threads()) {
    const T* const column = x + i / d.inner * d.reduced * d.inner + i % d.inner;
    Candidate best{sign * to_float(column[0]), 0};
    for (index_t r = 1; r < d.reduced; ++r) {
      const Candidate next{sign * to_float(column[r * d.inner]), static_cast<int>(r)};
      if (next.beats(best)) best = next;
    }
    index[i] = best.index;
  }
}

template <class T>
void arg_extremum(ReduceOp op, const ReduceDims& d, const T* x, std::int32_t* index, Stream stream) {
  const float sign = op == ReduceOp::min ? -1.0f : 1.0f;  // of which the extremum is the largest
  if (d.inner == 1) {
    const index_t blocks = ceil_div(d.outer, map_threads / index_t{warp_size});
    launch<extremum_rows_kernel<T>>({.grid = {grid_extent(blocks)}, .block = {map_threads}, .stream = stream}, sign,
                                    d.outer, d.reduced, x, index);
  } else {
    launch<extremum_columns_kernel<T>>(
        {.grid = {grid_stride_blocks(d.outer * d.inner, map_threads)}, .block = {map_threads}, .stream = stream}, sign,
        d, x, index);
  }
}

// ---- gather ---------------------------------------------------------------------------------------------------------

/// `inner` is in packs of N.
template <int N, class T>
__global__ void __launch_bounds__(map_threads) gather_kernel(IndexDims d, Divisor count, Divisor inner, index_t packs,
                                                             const std::int32_t* index, const T* x, T* y) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  const bool shared = d.indices == IndexDims::Indices::shared;
  for (index_t i = grid_thread(); i < packs; i += grid_threads()) {
    const index_t row = inner.divide(i), column = i - row * inner.value();  // row of y: (o, j)
    const index_t o = count.divide(row), j = row - o * count.value();
    const index_t k = index[shared ? j : i];
    Pack<float, N> r;
    TINYGAN_UNROLL
    for (int e = 0; e < N; ++e) r.at[e] = nan;
    if (k >= 0 && k < d.extent) r = load_floats<N>(x + ((o * d.extent + k) * inner.value() + column) * N);
    store_floats(y + N * i, r);
  }
}

template <class T>
void gather(const IndexDims& d, const std::int32_t* index, const T* x, T* y, Stream stream) {
  const bool vectorised = d.indices == IndexDims::Indices::shared && d.inner % 4 == 0 && is_vector_aligned<4>(x, y);
  const index_t N = vectorised ? 4 : 1, packs = d.outer * d.count * d.inner / N;
  const Divisor count(d.count), inner(d.inner / N);
  const Launch how{.grid = {grid_stride_blocks(packs, map_threads)}, .block = {map_threads}, .stream = stream};
  if (vectorised) launch<gather_kernel<4, T>>(how, d, count, inner, packs, index, x, y);
  else launch<gather_kernel<1, T>>(how, d, count, inner, packs, index, x, y);
}

// ---- scatter_add ----------------------------------------------------------------------------------------------------

inline constexpr unsigned scatter_threads = 128;

template <class T>
__global__ void __launch_bounds__(scatter_threads)
    scatter_rows_kernel(IndexDims d, index_t groups, const std::int32_t* index, const T* g, T* dx) {
  const index_t column = blockIdx.x % groups * scatter_threads + threadIdx.x, row = blockIdx.x / groups;
  const index_t o = row / d.extent, k = row % d.extent;
  float sum = 0.0f;
  for (index_t first = 0; first < d.count; first += warp_size) {
    const index_t mine = first + lane_id();
    unsigned hits = __ballot_sync(all_lanes, mine < d.count && index[mine] == k);
    for (; hits != 0; hits &= hits - 1) {
      const index_t j = first + __ffs(static_cast<int>(hits)) - 1;
      if (column < d.inner) sum += to_float(g[(o * d.count + j) * d.inner + column]);
    }
  }
  if (column < d.inner) dx[row * d.inner + column] = from_float<T>(sum);
}

template <class T>
__global__ void __launch_bounds__(map_threads)
    scatter_each_kernel(IndexDims d, const std::int32_t* index, const T* g, T* dx) {
  for (index_t i = grid_thread(); i < d.outer * d.inner; i += grid_threads()) {
    const index_t o = i / d.inner, column = i % d.inner;
    T* const to = dx + o * d.extent * d.inner + column;
    for (index_t j = 0; j < d.count; ++j) {
      const index_t at = (o * d.count + j) * d.inner + column, k = index[at];
      if (k < 0 || k >= d.extent) continue;
      to[k * d.inner] = from_float<T>(to_float(to[k * d.inner]) + to_float(g[at]));
    }
  }
}

template <class T>
void scatter_add(const IndexDims& d, const std::int32_t* index, const T* g, T* dx, Stream stream) {
  if (d.indices == IndexDims::Indices::shared) {
    const index_t groups = ceil_div(d.inner, scatter_threads);
    const index_t blocks = tinygan::detail::product("scatter_add", {d.outer, d.extent, groups});
    launch<scatter_rows_kernel<T>>({.grid = {grid_extent(blocks)}, .block = {scatter_threads}, .stream = stream}, d,
                                   groups, index, g, dx);
    return;
  }
  fill(d.outer * d.extent * d.inner, 0.0f, dx, stream);
  launch<scatter_each_kernel<T>>(
      {.grid = {grid_stride_blocks(d.outer * d.inner, map_threads)}, .block = {map_threads}, .stream = stream}, d,
      index, g, dx);
}

}  // namespace
}  // namespace tinygan::cuda
