// Matrix-vector products and outer products: c(M,N) = epilogue(op(a)(M,K) op(b)(K,N)) where M, N or K is 1.
//
//   gemv_dots  y[i] = sum over k of matrix[i,k] v[k]   every row contiguous: 1 to 16 warps share a row
//   gemv_sums  y[j] = sum over k of matrix[k,j] v[k]   every column: a block has 64 columns, its threads share the rows
//   outer      c[m,n] = a[m] b[n]                      a thread has a pack of columns of 4 rows
//
// Elements     float or bfloat16; products and sums in fp32 whatever the precision.
// Shared       one float per warp (gemv_dots), or 64 per warp (gemv_sums, 4 KB).      Requires  sm_75.
// Cost         each element of the matrix is read once, or of c written once, in packs of 16 bytes: bound by memory.
// Determinism  threads, splits and trees depend on the shape alone, not on alignment; no atomics.
#pragma once

#include <algorithm>
#include <bit>
#include <type_traits>

#include <tinygan/backend/gemm_dims.hpp>
#include <tinygan/base/stream.hpp>

#include "device/columns.cuh"
#include "device/map.cuh"
#include "device/reduce.cuh"
#include "tile.cuh"

namespace tinygan::cuda {
namespace {

/// Whether a product has a single row, column or term and the kernels of this file compute it.
inline bool is_vector(const GemmDims& d) {
  const TileLimits& limits = tile_limits();
  return std::min({d.M, d.N, d.K}) == 1 &&
         forms::selects(forms::Way::vector, std::min(d.M, d.N) <= limits.vector_columns || d.K <= limits.vector_terms);
}

// ---- A single row or column: y(length) ------------------------------------------------------------------------------

inline constexpr int gemv_threads = 512;      // of a block, at most; 256 at least
inline constexpr unsigned gemv_columns = 64;  // of a block that sums columns

struct GemvPlan {
  index_t length, K;         // sums, and terms of each
  Major layout;              // of the matrix: (length, K), or (K, length)
  bool one_column;           // the result is (length, 1)
  index_t split_k, splits;   // split-K: terms of one split, count
  unsigned team_shift;       // dots: 2^team_shift threads for a row
  unsigned threads, blocks;  // blocks of one split
  bool aligned = false;
};

/// Split-K where blocks fill less than half of the device and each reads a lot; elsewhere one launch is faster.
inline index_t gemv_splits(index_t length, index_t K, index_t blocks) {
  if (const index_t forced = forms::forced.splits; forced > 0) return std::min(forced, K);
  const TileLimits& limits = tile_limits();
  return std::clamp<index_t>(std::min(limits.split_blocks / blocks, length * K / blocks / limits.vector_split_elements),
                             1, K);
}

template <class T>
GemvPlan gemv_plan(const GemmDims& d) {
  constexpr index_t pack = pack_width<T>, widest = pack_width<bfloat16>;
  GemvPlan p{};
  p.one_column = d.N == 1;
  p.length = p.one_column ? d.M : d.N;
  p.K = d.K;
  const bool dots = p.length == 1 || (p.one_column ? !d.trans_a : d.trans_b);
  p.layout = dots ? Major::k : Major::mn;
  p.threads = 256;
  const index_t splits = gemv_splits(p.length, p.K, dots ? p.length : ceil_div(p.length, gemv_columns));
  p.split_k = round_up(ceil_div(p.K, splits), dots ? widest : 1);
  p.splits = ceil_div(p.K, p.split_k);
  if (dots) {
    // Four packs for a thread.
    const index_t warps = std::clamp<index_t>(ceil_div(p.split_k, 4 * warp_size * pack), 1, gemv_threads / warp_size);
    const unsigned team = std::bit_ceil(static_cast<unsigned>(warps)) * warp_size;
    p.team_shift = static_cast<unsigned>(std::countr_zero(team));
    p.threads = std::max(p.threads, team);
    p.blocks = grid_extent(ceil_div(p.length, p.threads / team));
  } else {
    // Eight rows for a thread.
    if (p.split_k > 8 * (p.threads * pack / gemv_columns)) p.threads = gemv_threads;
    p.blocks = grid_extent(ceil_div(p.length, gemv_columns));
  }
  return p;
}

/// 16 bytes of elements as stored: half the registers of their floats, while loads are in flight.
template <class T>
using Words = Pack<std::conditional_t<std::is_same_v<T, float>, float, Bf16x2>, 4>;

/// The first `count` elements of a pack, then zeros. Aligned: `from` is aligned to a pack, and `count` is all or none.
template <bool Aligned, class T>
__device__ __forceinline__ Words<T> load_words(const T* from, int count) {
  using Word = std::remove_extent_t<decltype(Words<T>::at)>;
  Words<T> w{};
  if constexpr (Aligned) {
    if (count > 0) w = load_pack<4>(reinterpret_cast<const Word*>(from));
  } else if constexpr (std::is_same_v<T, float>) {
    TINYGAN_UNROLL
    for (int i = 0; i < 4; ++i)
      if (i < count) w.at[i] = from[i];
  } else {
    TINYGAN_UNROLL
    for (int i = 0; i < 8; ++i)
      if (i < count) w.at[i / 2] |= Bf16x2{from[i].bits} << (i % 2 * 16);
  }
  return w;
}

template <class T>
__device__ __forceinline__ float element(const Words<T>& w, int i) {
  if constexpr (std::is_same_v<T, float>) return w.at[i];
  else return i % 2 == 0 ? low_bf16(w.at[i / 2]) : high_bf16(w.at[i / 2]);
}

/// Stores one sum: to its split's partial sums where there are any, else epilogue(sum) to y.
template <class T>
__device__ __forceinline__ void store_sum(const GemvPlan& p, const Epilogue<T>& e, index_t at, float sum, T* y,
                                          float* partial_sums) {
  if (partial_sums) {
    partial_sums[blockIdx.y * p.length + at] = sum;
    return;
  }
  Float4 v{{sum, 0.0f, 0.0f, 0.0f}};
  const int column = p.one_column ? 0 : static_cast<int>(at);
  finish_pack(e, column, column + 1, v);
  y[at] = from_float<T>(v.at[0]);
}

/// The sum of x[k] v[k] over one thread's packs: those at k, k + step, ... below `end`.
template <bool Aligned, class T>
__device__ __forceinline__ float dot_of_packs(const T* x, const T* v, index_t k, index_t end, index_t step) {
  constexpr int N = pack_width<T>, batch = Aligned ? 4 : 1;
  float acc[4] = {};
  for (; k < end; k += batch * step) {
    Words<T> left[batch], right[batch];  // (batch, N) of x and of v
    TINYGAN_UNROLL
    for (int b = 0; b < batch; ++b) {
      const index_t at = k + b * step;
      const int count = count_of<N>(at, end);
      left[b] = load_words<Aligned>(x + at, count);
      right[b] = load_words<Aligned>(v + at, count);
    }
    TINYGAN_UNROLL
    for (int b = 0; b < batch; ++b) TINYGAN_UNROLL
    for (int i = 0; i < N; ++i) acc[i % 4] = fmaf(element<T>(left[b], i), element<T>(right[b], i), acc[i % 4]);
  }
  return (acc[0] + acc[1]) + (acc[2] + acc[3]);
}

template <class T>
__global__ void __launch_bounds__(gemv_threads, 2)
    gemv_dots_kernel(GemvPlan p, Epilogue<T> e, const T* matrix, const T* v, T* y, float* partial_sums) {
  constexpr index_t N = pack_width<T>;
  float* const of_warps = block_shared<float>(gemv_threads / warp_size);
  const unsigned teams = blockDim.x >> p.team_shift, team_threads = 1u << p.team_shift;
  const index_t first = index_t{blockIdx.x} * teams, row = first + (threadIdx.x >> p.team_shift);
  const index_t begin = blockIdx.y * p.split_k, split_end = begin + p.split_k < p.K ? begin + p.split_k : p.K;
  const index_t end = row < p.length ? split_end : begin;
  const index_t k = begin + N * (threadIdx.x & (team_threads - 1));
  float sum = 0.0f;
  with_alignment<N>(
      p.aligned, [&]<bool Aligned>() { sum = dot_of_packs<Aligned>(matrix + row * p.K, v, k, end, N * team_threads); });
  sum = warp_reduce<Sum>(sum);
  if (lane_id() == 0) of_warps[warp_id()] = sum;
  __syncthreads();
  if (warp_id() > 0) return;
  const unsigned warps = team_threads / warp_size;  // of a team; their lanes here are neighbours
  sum = lane_id() < blockDim.x / warp_size ? of_warps[lane_id()] : 0.0f;
  for (unsigned bits = warps / 2; bits > 0; bits /= 2) sum += __shfl_xor_sync(all_lanes, sum, bits);
  const unsigned team = lane_id() / warps;
  if (lane_id() % warps == 0 && team < teams && first + team < p.length)
    store_sum(p, e, first + team, sum, y, partial_sums);
}

/// acc[i] += the sum of x[k * pitch + i] v[k] over one thread's rows: every `step`-th of `left` from k = 0 on.
template <bool Aligned, int N, class T>
__device__ __forceinline__ void add_rows(const T* x, index_t pitch, const T* v, int left, int step, int count,
                                         Pack<float, N>& acc) {
  constexpr int batch = Aligned ? 8 : 1;
  const index_t stride = step * pitch;
  for (; left > 0; left -= batch * step) {
    Words<T> rows[batch];  // (batch, N)
    float weights[batch];
    TINYGAN_UNROLL
    for (int b = 0; b < batch; ++b, x += stride, v += step) {
      const bool inside = b * step < left;
      rows[b] = load_words<Aligned>(x, inside ? count : 0);
      weights[b] = inside ? to_float(*v) : 0.0f;
    }
    TINYGAN_UNROLL
    for (int b = 0; b < batch; ++b) TINYGAN_UNROLL
    for (int i = 0; i < N; ++i) acc.at[i] = fmaf(element<T>(rows[b], i), weights[b], acc.at[i]);
  }
}

template <class T>
__global__ void __launch_bounds__(gemv_threads, 2)
    gemv_sums_kernel(GemvPlan p, Epilogue<T> e, const T* matrix, const T* v, T* y, float* partial_sums) {
  constexpr int N = pack_width<T>;
  constexpr unsigned row = gemv_columns / N;                                               // threads of a row
  float* const of_warps = block_shared<float>(gemv_columns * (gemv_threads / warp_size));  // (warps, gemv_columns)
  const index_t first = index_t{blockIdx.x} * gemv_columns, column = first + threadIdx.x % row * N;
  const int count = count_of<N>(column, p.length);
  const index_t begin = blockIdx.y * p.split_k + threadIdx.x / row;
  const index_t end = (blockIdx.y + 1) * p.split_k < p.K ? (blockIdx.y + 1) * p.split_k : p.K;
  const int left = count > 0 ? static_cast<int>(end - begin) : 0, step = static_cast<int>(blockDim.x / row);
  Pack<float, N> acc{};  // (N) columns
  with_alignment<N>(p.aligned, [&]<bool Aligned>() {
    add_rows<Aligned>(matrix + begin * p.length + column, p.length, v + begin, left, step, count, acc);
  });
  TINYGAN_UNROLL
  for (unsigned bits = row; bits < warp_size; bits *= 2) TINYGAN_UNROLL
  for (int i = 0; i < N; ++i) acc.at[i] += __shfl_xor_sync(all_lanes, acc.at[i], bits);
  if (lane_id() < row) {
    TINYGAN_UNROLL
    for (int i = 0; i < N; i += 4)
      store_pack(of_warps + warp_id() * gemv_columns + lane_id() * N + i,
                 Float4{{acc.at[i], acc.at[i + 1], acc.at[i + 2], acc.at[i + 3]}});
  }
  __syncthreads();
  if (threadIdx.x >= gemv_columns || first + threadIdx.x >= p.length) return;
  float sum[4] = {};
  TINYGAN_UNROLL
  for (unsigned warp = 0; warp < gemv_threads / warp_size; ++warp)
    if (warp < blockDim.x / warp_size) sum[warp % 4] += of_warps[warp * gemv_columns + threadIdx.x];
  store_sum(p, e, first + threadIdx.x, (sum[0] + sum[1]) + (sum[2] + sum[3]), y, partial_sums);
}

// ---- A single term --------------------------------------------------------------------------------------------------

inline constexpr unsigned outer_rows = 4;  // of a thread in one go

/// finish_pack() for N columns from n on, all of which exist.
template <int N, class T>
__device__ __forceinline__ void finish_columns(const Epilogue<T>& e, int n, Pack<float, N>& v) {
  TINYGAN_UNROLL
  for (int k = 0; k < N; k += 4) {
    Float4 some{};
    TINYGAN_UNROLL
    for (int i = 0; i < 4 && k + i < N; ++i) some.at[i] = v.at[k + i];
    finish_pack(e, n + k, n + N, some);
    TINYGAN_UNROLL
    for (int i = 0; i < 4 && k + i < N; ++i) v.at[k + i] = some.at[i];
  }
}

/// Block (x, y): 2^shift threads side by side, each with N columns; blocks of rows in strides of the grid. Without
/// Finish, for an epilogue that changes nothing, in half the registers.
template <int N, bool Finish, class T>
__global__ void __launch_bounds__(map_threads, Finish ? 4 : 0)  // left alone, nvcc 13.0 aims at eight and spills
    outer_kernel(unsigned M, unsigned columns, unsigned shift, Epilogue<T> e, const T* a, const T* b, T* c) {
  const unsigned side = 1u << shift, step = map_threads >> shift;
  const unsigned n = (blockIdx.x * side + (threadIdx.x & (side - 1))) * N;
  if (n >= columns) return;
  const unsigned rows = step * outer_rows;  // of a block
  for (unsigned m = blockIdx.y * rows + (threadIdx.x >> shift); m < M; m += gridDim.y * rows) {
    const Pack<float, N> right = load_floats<N>(b + n);  // loaded here: nothing waits for it before a is loaded
    float left[outer_rows];
    TINYGAN_UNROLL
    for (unsigned r = 0; r < outer_rows; ++r) left[r] = m + r * step < M ? to_float(a[m + r * step]) : 0.0f;
    index_t at = index_t{m} * columns + n;
    TINYGAN_UNROLL
    for (unsigned r = 0; r < outer_rows; ++r, at += index_t{step} * columns) {
      if (m + r * step >= M) break;
      Pack<float, N> v;  // (1, N) of c
      TINYGAN_UNROLL
      for (int k = 0; k < N; ++k) v.at[k] = left[r] * right.at[k];
      if constexpr (Finish) finish_columns(e, static_cast<int>(n), v);
      store_floats(c + at, v);
    }
  }
}

template <int N, class T>
void outer(const GemmDims& d, const Epilogue<T>& e, const T* a, const T* b, T* c, Stream stream) {
  const index_t packs = d.N / N;
  const auto threads = static_cast<index_t>(map_threads);
  // A warp side by side, more where rows are too few for the rest of the block, fewer where columns are.
  const index_t side = std::min(packs, std::max<index_t>(warp_size, threads / std::min(d.M, threads)));
  const unsigned shift = static_cast<unsigned>(std::countr_zero(std::bit_ceil(static_cast<std::uint64_t>(side))));
  const index_t rows = (threads >> shift) * outer_rows;
  const unsigned x = grid_extent(ceil_div(packs, index_t{1} << shift));
  const unsigned y = grid_stride_blocks(d.M, rows, std::max<index_t>(1, outer_blocks / x));
  forms::record({forms::Way::vector, 0, 0, 1}, index_t{x} * y);
  const Launch how{.grid = {x, y}, .block = {map_threads}, .stream = stream};
  const auto M = static_cast<unsigned>(d.M), columns = static_cast<unsigned>(d.N);
  if (e.bias || e.activation.kind != Activation::Kind::none)
    launch<outer_kernel<N, true, T>>(how, M, columns, shift, e, a, b, c);
  else launch<outer_kernel<N, false, T>>(how, M, columns, shift, e, a, b, c);
}

// ---- All of them ----------------------------------------------------------------------------------------------------

/// A product that is_vector().
template <class T>
void vector_gemm(const GemmDims& d, const Epilogue<T>& e, const T* a, const T* b, T* c, Workspace& workspace,
                 Stream stream) {
  constexpr int N = pack_width<T>;
  if (d.K == 1)
    return has_aligned_rows<N>(d.N, b, c) ? outer<N>(d, e, a, b, c, stream) : outer<1>(d, e, a, b, c, stream);
  GemvPlan p = gemv_plan<T>(d);
  const T* const matrix = p.one_column ? a : b;
  const T* const v = p.one_column ? b : a;
  const bool dots = p.layout == Major::k;
  p.aligned = dots ? has_aligned_rows<N>(p.K, matrix, v) : has_aligned_rows<N>(p.length, matrix);
  float* const partial_sums = split_k_workspace("gemm", p.splits, p.length, workspace);
  forms::record({forms::Way::vector, 0, 0, p.splits}, p.blocks * p.splits);
  const std::size_t shared = sizeof(float) * (gemv_threads / warp_size) * (dots ? 1 : gemv_columns);
  const Launch how{
      .grid = {p.blocks, grid_extent(p.splits, false)}, .block = {p.threads}, .shared_bytes = shared, .stream = stream};
  if (dots) launch<gemv_dots_kernel<T>>(how, p, e, matrix, v, c, partial_sums);
  else launch<gemv_sums_kernel<T>>(how, p, e, matrix, v, c, partial_sums);
  if (partial_sums) sum_splits(p.length, p.splits, d.N, e, partial_sums, c, stream);
}

}  // namespace
}  // namespace tinygan::cuda
