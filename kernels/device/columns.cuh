// A matrix x(rows, channels) worked on by columns: which threads take which of them, and how the partial results of a
// block's threads become one.
//
// A block of 256 threads stands `columns` threads wide, each with N neighbouring channels, and 256 / columns rows high;
// it takes a piece of the rows. Everything depends on the extents only, never on the device or on how operands are
// aligned.
#pragma once

#include <bit>

#include <tinygan/backend/layer_dims.hpp>

#include "../launch.cuh"
#include "vector.cuh"

namespace tinygan::cuda {
namespace {

inline constexpr unsigned column_threads = 256;

/// How the matrix is cut into blocks: `groups` of columns, `pieces` of rows, the last one shorter, none empty.
struct ColumnPlan {
  index_t rows = 0, channels = 0;
  unsigned columns = 1, shift = 0, groups = 1;  // columns: 2^shift, at most 32
  index_t piece = 1, pieces = 1;

  /// Threads of `width` channels, at most `most` side by side; about `wanted` blocks, but `least` rows for a thread where
  /// there are that many.
  ColumnPlan(const NormDims& d, int width, index_t wanted, index_t least, unsigned most = warp_size)
      : rows(d.rows), channels(d.channels) {
    const index_t units = d.channels / width;
    columns = std::bit_ceil(static_cast<unsigned>(std::min<index_t>(units, most)));
    shift = static_cast<unsigned>(std::countr_zero(columns));
    groups = grid_extent(ceil_div(units, columns));
    piece = std::max(ceil_div(rows, ceil_div(wanted, index_t{groups})), least * index_t{column_threads / columns});
    pieces = ceil_div(rows, piece);
  }

  /// A block for each group and piece. No division tells it which it has: nvcc 13.0 makes single stores of a pack's where
  /// its address depends on one.
  dim3 grid() const { return {groups, grid_extent(pieces, false), 1}; }
};

/// Channels that one thread takes: a pack where rows are made of packs.
constexpr int column_width(index_t channels) { return channels % 4 == 0 ? 4 : 1; }

/// f.operator()<N>() for the channels N that a thread takes.
template <class F>
void with_column_width(index_t channels, const F& f) {
  if (column_width(channels) == 4)
    f.template operator()<4>();
  else
    f.template operator()<1>();
}

/// Sums over rows: about four blocks for each multiprocessor of an H200; 8 rows a thread are worth a tree's barriers.
inline ColumnPlan summing_plan(const NormDims& d) { return {d, column_width(d.channels), 512, 8}; }

/// What one thread takes: N channels of every `step`-th row from `begin` to `end`.
template <int N>
struct ColumnPlace {
  unsigned row, step;
  index_t piece, channel, begin, end;
  bool inside;

  __device__ explicit ColumnPlace(const ColumnPlan& p)
      : row(threadIdx.x >> p.shift),
        step(column_threads >> p.shift),
        piece(index_t{blockIdx.y}),
        channel((index_t{blockIdx.x} * p.columns + (threadIdx.x & (p.columns - 1))) * N),
        begin(piece * p.piece + row),
        end(piece * p.piece + p.piece < p.rows ? piece * p.piece + p.piece : p.rows),
        inside(channel < p.channels) {
    if (!inside) begin = end;
  }
};

/// N neighbouring elements: one load where the array is aligned.
template <int N, class T>
__device__ __forceinline__ Pack<float, N> load_columns(const T* from, bool packed) {
  if (packed) return load_floats<N>(from);
  Pack<float, N> r;
  TINYGAN_UNROLL
  for (int k = 0; k < N; ++k) r.at[k] = to_float(from[k]);
  return r;
}
template <int N, class T>
__device__ __forceinline__ void store_columns(T* to, const Pack<float, N>& value, bool packed) {
  if (packed) return store_floats(to, value);
  TINYGAN_UNROLL
  for (int k = 0; k < N; ++k) to[k] = from_float<T>(value.at[k]);
}

/// f.operator()<packed>(): outside of loops, or the compiler makes single stores of both ways.
template <int N, class F>
__device__ __forceinline__ void with_packing(bool packed, const F& f) {
  if (N == 1 || packed)
    f.template operator()<true>();
  else
    f.template operator()<false>();
}

/// use(r, load(r)) for rows r = begin, begin + step, ... below end, in this order; `batch` of them are loaded before the
/// first is used, so that a thread has enough under way to fill the memory's pipe.
template <int batch, class Load, class Use>
__device__ __forceinline__ void for_rows(index_t begin, index_t end, index_t step, const Load& load, const Use& use) {
  index_t r = begin;
  for (; r + (batch - 1) * step < end; r += batch * step) {
    decltype(load(r)) loaded[batch];
    TINYGAN_UNROLL
    for (int b = 0; b < batch; ++b) loaded[b] = load(r + b * step);
    TINYGAN_UNROLL
    for (int b = 0; b < batch; ++b) use(r + b * step, loaded[b]);
  }
  if constexpr (batch > 1)
    for (; r < end; r += step) use(r, load(r));
}

/// Rows of N elements that a thread has under way: 32 bytes of each array. One where their results take long to compute.
template <class T, bool Smooth = false, int N = 4>
inline constexpr int rows_in_flight = Smooth ? 1 : 32 / (std::max(N, 4) * static_cast<int>(sizeof(T)));

/// A row's elements of x and of its cotangent.
template <int N>
struct WithCotangent {
  Pack<float, N> x, g;
};

/// acc[k] of the threads in row 0 becomes that of their whole column, joined by a tree over the rows. `shared` has
/// 256 N elements; every thread of the block calls this once.
template <int N, class Partial>
__device__ __forceinline__ void join_rows(const ColumnPlace<N>& at, Partial (&acc)[N], Partial* shared) {
  for (unsigned half = at.step / 2; half > 0; half /= 2) {
    if (at.row >= half && at.row < 2 * half) {
      TINYGAN_UNROLL
      for (int k = 0; k < N; ++k) shared[static_cast<unsigned>(k) * column_threads + threadIdx.x] = acc[k];
    }
    __syncthreads();
    if (at.row < half) {
      const unsigned other = threadIdx.x + half * (column_threads / at.step);
      TINYGAN_UNROLL
      for (int k = 0; k < N; ++k) acc[k].join(shared[static_cast<unsigned>(k) * column_threads + other]);
    }
  }
}

// ---- What is added up -----------------------------------------------------------------------------------------------

/// How many values, their mean and the sum of their squared deviations from it.
struct Moments {
  float count, mean, squares;

  /// Source: Chan, Golub, LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances", 1979.
  __device__ void join(const Moments& other) {
    const float share = other.count > 0.0f ? other.count / (count + other.count) : 0.0f;
    const float delta = other.mean - mean;
    mean += delta * share;
    squares += other.squares + delta * delta * (count * share);
    count += other.count;
  }
};

/// Moments of the columns of a matrix, by pieces of its rows: for each piece the means and the sums of squared deviations
/// of all channels, (pieces, 2, channels), and behind all of them the number of rows of each piece, (pieces).
struct MomentDims {
  index_t pieces = 0, channels = 0;

  index_t size() const { return pieces * (2 * channels + 1); }
};

/// Two sums that a backward pass needs for each column: of the cotangent and of its product with xhat.
struct ColumnSums {
  float sum, product;

  __device__ void join(const ColumnSums& other) {
    sum += other.sum;
    product += other.product;
  }
};

// Sums go through a workspace, in float whatever the elements are: partial(pieces, 2, channels), of each piece its sums
// and its products, and behind them (2, channels), those of all rows. Where there is but one piece, its partial is they.

inline std::size_t column_workspace(const ColumnPlan& p) {
  return static_cast<std::size_t>((p.pieces == 1 ? 1 : p.pieces + 1) * 2 * p.channels) * sizeof(float);
}

/// Where the sums and products of all rows are, (2, channels).
inline float* column_sums(const ColumnPlan& p, float* workspace) {
  return p.pieces == 1 ? workspace : workspace + 2 * p.pieces * p.channels;
}

/// What row 0 of a block ends up with into its partial; from the only piece also to where it belongs.
template <int N, class T>
__device__ __forceinline__ void store_sums(const ColumnPlan& p, const ColumnPlace<N>& at, const ColumnSums (&acc)[N],
                                           float* partial, T* sums, T* products) {
  if (at.row > 0 || !at.inside) return;
  float* const to = partial + 2 * at.piece * p.channels + at.channel;
  TINYGAN_UNROLL
  for (int k = 0; k < N; ++k) {
    to[k] = acc[k].sum;
    to[p.channels + k] = acc[k].product;
    if (p.pieces > 1) continue;
    sums[at.channel + k] = from_float<T>(acc[k].sum);
    products[at.channel + k] = from_float<T>(acc[k].product);
  }
}

/// all(2, channels), sums and products from partial(pieces, 2, channels), in a fixed order. Block: 32 channels.
template <class T>
__global__ void __launch_bounds__(column_threads)
    finish_sums_kernel(ColumnPlan p, const float* partial, float* all, T* sums, T* products) {
  grid_begin();
  ColumnSums* const s = block_shared<ColumnSums>(column_threads);
  const ColumnPlace<1> at(p);
  ColumnSums acc[1] = {};
  for (index_t r = at.begin; r < at.end; r += at.step) {
    const float* const from = partial + 2 * r * p.channels + at.channel;
    acc[0].join({from[0], from[p.channels]});
  }
  join_rows(at, acc, s);
  if (at.row > 0 || !at.inside) return;
  all[at.channel] = acc[0].sum;
  all[p.channels + at.channel] = acc[0].product;
  sums[at.channel] = from_float<T>(acc[0].sum);
  products[at.channel] = from_float<T>(acc[0].product);
}

/// The plan by which what `pieces` pieces left is put together: all of it in one block per 32 channels; where pieces are
/// so many that 8 threads would take long over a column, in one per 8.
inline ColumnPlan finishing_plan(index_t pieces, index_t channels) {
  return {{pieces, channels}, 1, 1, 1, pieces <= 512 ? warp_size : 8};
}

template <class T>
void finish_sums(const ColumnPlan& p, float* workspace, T* sums, T* products, Stream stream) {
  if (p.pieces == 1) return;
  const ColumnPlan finish = finishing_plan(p.pieces, p.channels);
  launch<finish_sums_kernel<T>>({.grid = finish.grid(),
                                 .block = {column_threads},
                                 .shared_bytes = column_threads * sizeof(ColumnSums),
                                 .stream = stream},
                                finish, static_cast<const float*>(workspace), column_sums(p, workspace), sums,
                                products);
}

}  // namespace
}  // namespace tinygan::cuda
