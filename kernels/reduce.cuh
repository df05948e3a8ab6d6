// Reductions: y(outer, inner) = sum, max or min over the middle of x(outer, reduced, inner).
//
// Elements     float or bfloat16; partial results and sums are float.
// Owns         inner = 1: a warp (rows up to 1024 elements) or a block per row; otherwise a block of 32 x 8 threads per
//              32 columns (128 in packs), every eighth row per row of threads. Where that makes too few blocks,
//              `reduced` is split; the partial results are reduced by a second launch.
// Shared       one value per warp, or 8 rows of column sums (4 KB).      Requires  sm_75.
// Determinism  splits, threads and trees depend on the extents only, never on the device; no atomics.
// Cost         x once through memory, y once; the partials are at most 1/64 of x.
// Error        a sum of n terms: each partial sum is sequential over at most n / 256 terms, the rest is a tree.
#pragma once

#include <tinygan/backend/pointwise_dims.hpp>
#include <tinygan/backend/workspace.hpp>
#include <tinygan/base/stream.hpp>

#include "device/map.cuh"
#include "device/reduce.cuh"
#include "launch.cuh"

namespace tinygan::cuda {
namespace {

/// `splits` splits of `split_size` elements of `reduced` each, the last one shorter, none empty.
struct ReduceSplits {
  index_t split_size, splits;

  explicit ReduceSplits(const ReduceDims& d) {
    const bool rows = d.inner == 1;
    const index_t blocks = d.outer * (rows ? 1 : ceil_div(d.inner, 32));
    const index_t smallest = rows ? 4096 : 64;
    const index_t wanted = std::min(ceil_div(reduce_blocks, blocks), ceil_div(d.reduced, smallest));
    split_size = round_up(ceil_div(d.reduced, std::max<index_t>(wanted, 1)), 4);
    splits = ceil_div(d.reduced, split_size);
  }
};

// ---- inner = 1: contiguous rows -------------------------------------------------------------------------------------

inline constexpr int row_threads = 256;

/// y[task] = Op over split task % splits of row task / splits.
template <class Op, int Threads, class X, class Y>
__global__ void __launch_bounds__(row_threads)
    reduce_rows_kernel(index_t tasks, index_t reduced, ReduceSplits p, bool aligned, const X* x, Y* y) {
  BlockReduceShared& s = block_shared<BlockReduceShared>();
  constexpr index_t teams = row_threads / Threads;
  const index_t task = blockIdx.x * teams + threadIdx.x / Threads, thread = threadIdx.x % Threads;
  if (task >= tasks) return;  // whole warps only: a block of one team has a task
  const index_t begin = task % p.splits * p.split_size;
  const index_t n = p.split_size < reduced - begin ? p.split_size : reduced - begin;
  const X* from = x + task / p.splits * reduced + begin;

  float acc[4] = {Op::neutral, Op::neutral, Op::neutral, Op::neutral};
  const index_t packs = aligned ? n / 4 : 0;
  for (index_t i = thread; i < packs; i += Threads) {
    const Float4 v = load_floats<4>(from + 4 * i);
    TINYGAN_UNROLL
    for (int k = 0; k < 4; ++k) acc[k] = Op::combine(acc[k], v.at[k]);
  }
  for (index_t i = 4 * packs + thread; i < n; i += Threads) acc[0] = Op::combine(acc[0], to_float(from[i]));

  const float value = Op::combine(Op::combine(acc[0], acc[1]), Op::combine(acc[2], acc[3]));
  const float all = team_reduce<Op, Threads>(value, s);
  if (thread == 0) y[task] = from_float<Y>(all);
}

// ---- inner > 1: columns ---------------------------------------------------------------------------------------------

inline constexpr unsigned column_rows = 8;

template <int N>
struct ReduceColumnsShared {
  float row[column_rows][warp_size][N];
};

/// y(outer, splits, inner): block b: 32 N columns of one split of one matrix.
template <class Op, int N, class X, class Y>
__global__ void __launch_bounds__(warp_size* column_rows)
    reduce_columns_kernel(ReduceDims d, ReduceSplits p, index_t groups, const X* x, Y* y) {
  auto& s = block_shared<ReduceColumnsShared<N>>();
  const index_t group = blockIdx.x % groups, matrix = blockIdx.x / groups;  // of outer x splits
  const index_t column = (group * warp_size + threadIdx.x) * N, begin = matrix % p.splits * p.split_size;
  const index_t end = begin + p.split_size < d.reduced ? begin + p.split_size : d.reduced;
  const X* from = x + matrix / p.splits * d.reduced * d.inner + column;

  Pack<float, N> acc;
  for (int k = 0; k < N; ++k) acc.at[k] = Op::neutral;
  if (column < d.inner) {
    TINYGAN_UNROLL
    for (index_t r = begin + threadIdx.y; r < end; r += column_rows) {
      const Pack<float, N> v = load_floats<N>(from + r * d.inner);
      for (int k = 0; k < N; ++k) acc.at[k] = Op::combine(acc.at[k], v.at[k]);
    }
  }
  for (int k = 0; k < N; ++k) s.row[threadIdx.y][threadIdx.x][k] = acc.at[k];
  __syncthreads();
  if (threadIdx.y > 0 || column >= d.inner) return;
  for (unsigned r = 1; r < column_rows; ++r)
    for (int k = 0; k < N; ++k) acc.at[k] = Op::combine(acc.at[k], s.row[r][threadIdx.x][k]);
  store_floats(y + matrix * d.inner + column, acc);
}

// ---- Launchers ------------------------------------------------------------------------------------------------------

/// One pass: y(outer, splits, inner).
template <class Op, class X, class Y>
void reduce_pass(const ReduceDims& d, const ReduceSplits& p, const X* x, Y* y, Stream stream) {
  const index_t matrices = d.outer * p.splits;
  if (d.inner == 1) {
    const bool aligned = d.reduced % 4 == 0 && is_vector_aligned<4>(x);
    const bool warps = p.splits == 1 && d.reduced <= 1024;
    const Launch how{.grid = {grid_extent(warps ? ceil_div(matrices, row_threads / 32) : matrices)},
                     .block = {row_threads},
                     .shared_bytes = sizeof(BlockReduceShared),
                     .stream = stream};
    if (warps) launch<reduce_rows_kernel<Op, 32, X, Y>>(how, matrices, d.reduced, p, aligned, x, y);
    else launch<reduce_rows_kernel<Op, row_threads, X, Y>>(how, matrices, d.reduced, p, aligned, x, y);
    return;
  }
  const bool vectorised = d.inner % 4 == 0 && d.inner >= 64 && is_vector_aligned<4>(x, y);
  const index_t groups = ceil_div(d.inner, vectorised ? 4 * 32 : 32);
  const Launch how{.grid = {grid_extent(groups * matrices)},
                   .block = {warp_size, column_rows},
                   .shared_bytes = vectorised ? sizeof(ReduceColumnsShared<4>) : sizeof(ReduceColumnsShared<1>),
                   .stream = stream};
  if (vectorised) launch<reduce_columns_kernel<Op, 4, X, Y>>(how, d, p, groups, x, y);
  else launch<reduce_columns_kernel<Op, 1, X, Y>>(how, d, p, groups, x, y);
}

template <class Op, class T>
void reduce_with(const ReduceDims& d, const T* x, T* y, Workspace& workspace, Stream stream) {
  const ReduceSplits p(d);
  if (p.splits == 1) return reduce_pass<Op>(d, p, x, y, stream);
  auto* const partial = workspace.allocate<float>("reduce", {d.outer * p.splits * d.inner});  // (outer, splits, inner)
  reduce_pass<Op>(d, p, x, partial, stream);
  const ReduceDims rest{d.outer, p.splits, d.inner};
  ReduceSplits whole(rest);
  whole.split_size = round_up(p.splits, 4);
  whole.splits = 1;
  reduce_pass<Op>(rest, whole, static_cast<const float*>(partial), y, stream);
}

template <class T>
void reduce(ReduceOp op, const ReduceDims& d, const T* x, T* y, Workspace& workspace, Stream stream) {
  if (op == ReduceOp::sum) reduce_with<Sum>(d, x, y, workspace, stream);
  else if (op == ReduceOp::min) reduce_with<Min>(d, x, y, workspace, stream);
  else reduce_with<Max>(d, x, y, workspace, stream);
}

}  // namespace
}  // namespace tinygan::cuda
