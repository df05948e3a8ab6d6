// A matrix x(rows, channels) reduced or mapped by columns: partition into blocks and threads, and the sums over a
// block's threads and over the splits of a column.
//
// A block of 256 threads is `columns` threads wide, each with N contiguous channels, and 256 / columns rows high; it
// owns one split of the rows. The partition depends on the extents only, not on the device or on alignment.
#pragma once

#include <bit>

#include <tinygan/backend/norm_dims.hpp>
#include <tinygan/backend/workspace.hpp>

#include "../launch.cuh"
#include "vector.cuh"

namespace tinygan::cuda {
namespace {

inline constexpr unsigned column_bits = 8, column_threads = 1u << column_bits;

/// Partition of the matrix into blocks: `groups` of columns, `splits` of the rows, the last one shorter, none empty.
struct ColumnPlan {
  index_t rows = 0, channels = 0;
  unsigned shift = 0, groups = 1;  // 2^shift threads side by side, at most 32
  index_t split_rows = 1, splits = 1;

  ColumnPlan() = default;

  /// Threads of `width` channels; about `wanted` blocks where there are enough rows. A block is 16 channels wide: the
  /// partial sums of 16 channels are few enough for every block to add them up itself. It is wider only where a thread
  /// would have fewer than 4 rows. Up to `alone` rows per thread: one split.
  ColumnPlan(const NormDims& d, int width, index_t wanted, index_t alone = least_rows)
      : rows(d.rows), channels(d.channels) {
    const index_t units = d.channels / width;
    const unsigned widest = std::bit_ceil(static_cast<unsigned>(std::min<index_t>(units, warp_size)));
    unsigned columns = std::min(widest, 16 / static_cast<unsigned>(width));
    while (columns < widest && rows < least_rows * (column_threads / columns)) columns *= 2;
    shift = static_cast<unsigned>(std::countr_zero(columns));
    groups = grid_extent(ceil_div(units, columns));
    const index_t height = column_threads / columns;
    split_rows = rows <= alone * height
                     ? rows
                     : std::max(ceil_div(rows, ceil_div(wanted, index_t{groups})), least_rows * height);
    splits = ceil_div(rows, split_rows);
  }
  static constexpr index_t least_rows = 4;

  /// A block for each group and split.
  dim3 grid() const { return {groups, grid_extent(splits, false), 1}; }
};

/// The plan of a kernel that only combines the splits: the same groups, one channel per thread.
inline ColumnPlan combining_plan(ColumnPlan p, int width) {
  p.shift += static_cast<unsigned>(std::countr_zero(static_cast<unsigned>(width)));
  return p;
}

/// N = 2^column_width_bits<N>.
template <int N>
inline constexpr unsigned column_width_bits = N == 8   ? 3
                                              : N == 4 ? 2
                                                       : 0;

/// Channels of a thread: 16 bytes where rows are made of such packs.
template <class T>
constexpr int column_width(index_t channels) {
  return channels % pack_width<T> == 0 ? pack_width<T> : channels % 4 == 0 ? 4 : 1;
}

/// f.operator()<N>() for N channels per thread.
template <class T, class F>
void with_column_width(index_t channels, const F& f) {
  const int width = column_width<T>(channels);
  if (width == pack_width<T>) return f.template operator()<pack_width<T>>();
  if constexpr (4 < pack_width<T>)
    if (width == 4) return f.template operator()<4>();
  f.template operator()<1>();
}

/// Rows of a thread: their elements at, at + stride, ....
struct RowWalk {
  index_t at, stride;
  int count;

  /// The same rows in reverse order: L2 still has the end of an earlier pass.
  __device__ RowWalk back() const { return {at + (count - 1) * stride, -stride, count}; }
};

/// Steps of 2^bits that cover `left`, if any is left.
__device__ __forceinline__ int steps(index_t left, unsigned bits) {
  return left > 0 ? static_cast<int>((left - 1) >> bits) + 1 : 0;
}

/// Elements of one thread: N channels of every k-th row of its block's split.
template <int N>
struct ColumnPlace {
  index_t channel, first;  // the first of N channels; its element in the split's first row
  index_t split_rows;
  RowWalk rows;
  int local;  // the channel counted from the block's first
  bool inside;

  __device__ explicit ColumnPlace(const ColumnPlan& p) {
    const unsigned row = threadIdx.x >> p.shift;
    const index_t top = index_t{blockIdx.y} * p.split_rows;
    const unsigned column = threadIdx.x & ((1u << p.shift) - 1);
    local = static_cast<int>(column) * N;
    channel = block_channel(p, column * N);
    inside = channel < p.channels;
    split_rows = p.rows - top < p.split_rows ? p.rows - top : p.split_rows;
    first = top * p.channels + channel;
    rows = {first + row * p.channels, (column_threads >> p.shift) * p.channels,
            inside ? steps(split_rows - row, column_bits - p.shift) : 0};
  }

  /// The channel of the matrix that is number `local` of the block.
  __device__ static index_t block_channel(const ColumnPlan& p, unsigned local) {
    return (index_t{blockIdx.x} << p.shift) * N + local;
  }
};

// ---- Rows -----------------------------------------------------------------------------------------------------------

/// N contiguous elements as stored: bfloat16 in flight takes half the registers of its floats.
template <int N, class T>
struct StoredColumns {
  static constexpr bool pairs = sizeof(T) < sizeof(float) && N > 1;
  using Word = std::conditional_t<pairs, Bf16x2, T>;
  Pack<Word, pairs ? N / 2 : N> words;

  __device__ __forceinline__ float operator[](int k) const {
    if constexpr (pairs) return k % 2 == 0 ? low_bf16(words.at[k / 2]) : high_bf16(words.at[k / 2]);
    else return to_float(words.at[k]);
  }
};

/// One load if Aligned.
template <int N, bool Aligned, class T>
__device__ __forceinline__ StoredColumns<N, T> load_columns(const T* from) {
  using Stored = StoredColumns<N, T>;
  Stored r;
  if constexpr (N == 1) {
    r.words.at[0] = *from;
  } else if constexpr (Aligned) {
    r.words = load_pack < Stored::pairs ? N / 2 : N > (reinterpret_cast<const typename Stored::Word*>(from));
  } else if constexpr (Stored::pairs) {
    TINYGAN_UNROLL
    for (int k = 0; k < N; k += 2) r.words.at[k / 2] = from[k].bits | static_cast<Bf16x2>(from[k + 1].bits) << 16;
  } else {
    TINYGAN_UNROLL
    for (int k = 0; k < N; ++k) r.words.at[k] = from[k];
  }
  return r;
}
template <int N, bool Aligned, class T>
__device__ __forceinline__ void store_columns(T* to, const Pack<float, N>& value) {
  if constexpr (Aligned) {
    store_floats<true>(to, value);
  } else {
    TINYGAN_UNROLL
    for (int k = 0; k < N; ++k) to[k] = from_float<T>(value.at[k]);
  }
}

/// f.operator()<Aligned>(), to be called around loops, not inside them.
template <int N, class F>
__device__ __forceinline__ void with_alignment(bool aligned, const F& f) {
  if (N == 1 || aligned) f.template operator()<true>();
  else f.template operator()<false>();
}

/// Rows of a thread in flight; one where their results take long to compute.
template <bool Smooth = false>
inline constexpr int rows_in_flight = Smooth ? 1 : 4;

/// The next rows of a thread, all loaded before the first is used: a thread with few rows waits only once, and loads in
/// flight hide the latency. A row is load(its element).
template <int Rows, class Row>
struct RowBatch {
  Row row[Rows] = {};

  template <class Load>
  __device__ __forceinline__ RowBatch(const RowWalk& rows, const Load& load) {
    TINYGAN_UNROLL
    for (int b = 0; b < Rows; ++b)
      if (b < rows.count) row[b] = load(rows.at + b * rows.stride);
  }
  template <class Use>
  __device__ __forceinline__ void use(const RowWalk& rows, const Use& f) const {
    TINYGAN_UNROLL
    for (int b = 0; b < Rows; ++b)
      if (b < rows.count) f(rows.at + b * rows.stride, row[b]);
  }
};

/// use(at, load(at), ready) for rows in their order. The first loads are in flight during ready = prepare(),
/// which may hold barriers.
template <int Rows, class Load, class Prepare, class Use>
__device__ __forceinline__ void for_rows_after(RowWalk rows, const Load& load, const Prepare& prepare, const Use& use) {
  using Batch = RowBatch<Rows, decltype(load(rows.at))>;
  Batch batch(rows, load);
  const auto ready = prepare();
  while (rows.count > 0) {
    batch.use(rows, [&](index_t at, const auto& row) { use(at, row, ready); });
    rows.count -= Rows;
    rows.at += Rows * rows.stride;
    if (rows.count > 0) batch = Batch(rows, load);
  }
}

/// use(at, load(at)) for rows in their order.
template <int Rows, class Load, class Use>
__device__ __forceinline__ void for_rows(const RowWalk& rows, const Load& load, const Use& use) {
  for_rows_after<Rows>(
      rows, load, [] { return 0; }, [&](index_t at, const auto& row, int) { use(at, row); });
}

// ---- Sums -----------------------------------------------------------------------------------------------------------

/// Floats of shared memory that reduce_columns() needs, N channels to a thread.
template <int N>
inline constexpr index_t reduction_floats = index_t{2} * N* column_threads;

/// Two sums for each of N channels of a thread over the rows of its block, 2^shift threads wide: finish(local, sum,
/// product) once for each of the block's channels, by threads of different warps. All threads of the block call this.
template <int N, class F>
__device__ __forceinline__ void reduce_columns(unsigned shift, const float (&sum)[N], const float (&product)[N],
                                               float* shared, const F& finish) {
  TINYGAN_UNROLL
  for (unsigned k = 0; k < N; ++k) {
    shared[k * column_threads + threadIdx.x] = sum[k];
    shared[(N + k) * column_threads + threadIdx.x] = product[k];
  }
  __syncthreads();
  for (unsigned k = warp_id(); k < N; k += column_threads / warp_size) {
    float s = 0.0f, q = 0.0f;
    TINYGAN_UNROLL
    for (unsigned t = 0; t < column_threads; t += warp_size) {
      s += shared[k * column_threads + t + lane_id()];
      q += shared[(N + k) * column_threads + t + lane_id()];
    }
    for (unsigned bits = warp_size / 2; bits >> shift > 0; bits /= 2) {  // lanes of the same column
      s += __shfl_xor_sync(all_lanes, s, bits);
      q += __shfl_xor_sync(all_lanes, q, bits);
    }
    if (lane_id() >> shift == 0) finish(lane_id() * N + k, s, q);
  }
}

/// Partial sums, (splits, 2, channels): sums and products of each split; null for one split.
inline float* column_workspace(const char* op, const ColumnPlan& p, Workspace& workspace) {
  return p.splits == 1 ? nullptr : workspace.allocate<float>(op, {p.splits * 2 * p.channels});
}

struct ColumnSums {
  float sum, product;
};

/// Sums over all splits in a fixed order, by each block for its 2^bits channels (at most 32): finish() as in
/// reduce_columns(). add(channel) returns a function of (split, its partial sums): the summand of that split.
template <class Add, class F>
__device__ __forceinline__ void combine_splits(const ColumnPlan& p, unsigned bits, const float* partial, float* shared,
                                               const Add& add, const F& finish) {
  const index_t channel = (index_t{blockIdx.x} << bits) + (threadIdx.x & ((1u << bits) - 1));
  const unsigned row = threadIdx.x >> bits, step = column_threads >> bits;
  float sum[1] = {}, product[1] = {};
  if (channel < p.channels) {
    const auto summand = add(channel);
    unsigned split = row;
    for_rows<rows_in_flight<>>(
        RowWalk{2 * row * p.channels + channel, 2 * step * p.channels, steps(p.splits - row, column_bits - bits)},
        [&](index_t at) -> ColumnSums {
          return {partial[at], partial[at + p.channels]};
        },
        [&](index_t, const ColumnSums& s) {
          const ColumnSums more = summand(split, s);
          sum[0] += more.sum;
          product[0] += more.product;
          split += step;
        });
  }
  reduce_columns<1>(bits, sum, product, shared, finish);
}

/// For combine_splits(): the partial sums themselves.
struct PlainSums {
  __device__ auto operator()(index_t /*channel*/) const {
    return [](index_t, const ColumnSums& s) { return s; };
  }
};

}  // namespace
}  // namespace tinygan::cuda
