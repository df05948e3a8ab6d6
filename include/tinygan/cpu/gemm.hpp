// Matrix product: c(M,N) = epilogue(op(a)(M,K) op(b)(K,N)), all row-major.
//
// Every case becomes "rows times panels" for the micro-kernel: the rows of one operand, read in place or as packed
// tiles, times packed panels of the other. Where op(b) is column-major the roles may be swapped: the rows of b times
// panels of op(a)^T, and the result stored transposed, so that a large weight matrix is streamed in place.
// Work:         a thread packs a group of panels, block by block of K (blocks stay in L2), and runs over all rows. Few
//               outputs and a large K: split-K, whose partial sums are added in order.
// Cost:         2 MNK FLOPs; the panel operand is read once, the other once per panel group.
// Determinism:  the splits depend on the shape alone, not on the threads.
// Source:       GotoBLAS (Goto, van de Geijn 2008), with the row operand left in place.
#pragma once

#include <tinygan/backend/gemm_dims.hpp>
#include <tinygan/backend/major.hpp>
#include <tinygan/backend/workspace.hpp>
#include <tinygan/base/stream.hpp>
#include <tinygan/cpu/gemv.hpp>
#include <tinygan/cpu/microkernel.hpp>
#include <tinygan/cpu/packing.hpp>
#include <tinygan/cpu/select.hpp>

namespace tinygan::cpu {

namespace detail {

inline index_t round_up(index_t n, index_t step) { return (n + step - 1) / step * step; }

/// The product as the kernel sees it: rows(M,K) times panels(K,N), after a possible swap of roles.
struct GemmPlan {
  index_t M, N, K;
  Major rows_major;    // (M,K), or (K,M), which is packed
  Major panels_major;  // (N,K), or (K,N)
  bool swapped;        // roles swapped: the result is stored (N,M)
  index_t splits, split_k;
  index_t k_block;
  index_t group;       // panels packed together
  index_t task_width;  // panels of one task, whole groups
  index_t row_block;   // rows of one task
  TileExtents shape;

  index_t panels() const { return shape.panels(N); }
  index_t column_blocks() const { return (panels() + task_width - 1) / task_width; }
  index_t row_blocks() const { return (M + row_block - 1) / row_block; }

  bool pack_rows() const { return rows_major == Major::mn; }

  // Workspace, in elements: packed rows | split-K partial sums (splits, M, N) | packed panels of each thread.
  index_t packed_rows() const { return pack_rows() ? round_up(product({round_up(M, shape.rows), K}), 64) : 0; }
  index_t partial_sums() const { return splits > 1 ? round_up(product({splits, M, N}), 64) : 0; }
  index_t panel_block() const { return round_up(group * shape.width * k_block, 64); }

  static index_t product(std::initializer_list<index_t> extents) { return tinygan::detail::product("gemm", extents); }
};

/// Whether the rows of b times panels of op(a)^T, stored transposed, cost less than the rows of a times panels of b^T.
inline bool swap_pays(const GemmDims& d, const TileExtents& shape) {
  const auto cost = [&](index_t rows, index_t columns) {
    return (round_up(rows, shape.rows) * shape.padded(columns) + GemmPolicy::pack_cost * columns) * d.K;
  };
  return cost(d.N, d.M) + GemmPolicy::store_cost * d.M * d.N < cost(d.M, d.N);
}

template <class T>
GemmPlan gemm_plan(const GemmDims& d) {
  GemmPlan p{};
  p.shape = tile_shape<T>();
  p.swapped = d.trans_b && (d.trans_a || swap_pays(d, p.shape));
  p.M = p.swapped ? d.N : d.M;
  p.N = p.swapped ? d.M : d.N;
  p.K = d.K;
  p.rows_major = !p.swapped && d.trans_a ? Major::mn : Major::k;
  p.panels_major = (p.swapped ? !d.trans_a : d.trans_b) ? Major::k : Major::mn;

  // Split-K: by shape alone.
  const index_t panels = p.panels();
  p.splits = 1;
  if (round_up(p.M, GemmPolicy::row_block) / GemmPolicy::row_block * panels < GemmPolicy::split_k_blocks)
    p.splits = std::clamp<index_t>(d.K / GemmPolicy::split_k, 1, GemmPolicy::max_splits);
  p.split_k = round_up((d.K + p.splits - 1) / p.splits, 8);
  p.splits = (d.K + p.split_k - 1) / p.split_k;

  // Tasks: columns first, so that a panel is packed once; rows where there are too few columns.
  p.k_block = std::min(p.split_k, p.swapped                    ? GemmPolicy::swapped_k_block
                                  : p.panels_major == Major::k ? GemmPolicy::transposed_k_block
                                                               : GemmPolicy::k_block);
  const index_t wanted = std::max<index_t>(1, GemmPolicy::tasks_per_thread * threads() / p.splits);
  const index_t panel_bytes = p.k_block * p.shape.width * static_cast<index_t>(sizeof(T));
  p.group = std::min(
      {std::max<index_t>(1, GemmPolicy::group_bytes / panel_bytes), GemmPolicy::group, (panels + wanted - 1) / wanted});
  p.task_width = round_up((panels + wanted - 1) / wanted, p.group);
  const index_t blocks = std::max<index_t>(1, wanted / p.column_blocks());
  p.row_block = round_up(std::max(GemmPolicy::row_block, (p.M + blocks - 1) / blocks), p.shape.rows);
  return p;
}

/// Operands and result of a plan.
template <class T>
struct GemmOperands {
  const T* rows;    // (M,K), or packed tiles
  const T* panels;  // (K,N) or (N,K)
  T* c;             // (M,N), or (N,M) if swapped, row-major
};

/// Panels [first, last) and K in [k0, k0 + K), packed together.
struct GemmBlock {
  index_t first, last, k0, K;
};

/// One row tile times the packed panels of a block.
template <class T>
void gemm_tile(const GemmPlan& p, const GemmOperands<T>& o, index_t m, int rows, const GemmBlock& b, const T* packed,
               bool accumulate) {
  const index_t zero = 0;
  index_t a_rows[max_tile_rows], c_rows[max_tile_rows], buffer_rows[max_tile_rows];
  for (int i = 0; i < max_tile_rows; ++i) a_rows[i] = p.pack_rows() ? i : i * p.K, c_rows[i] = i * p.N;
  const index_t a_step = p.pack_rows() ? p.shape.rows : 1;
  const T* a = o.rows + m * p.K + b.k0 * a_step;
  alignas(64) T buffer[max_tile_rows * max_tile_bytes / sizeof(T)];
  for (index_t j = b.first; j < b.last; ++j) {
    const index_t n0 = j * p.shape.width, columns = std::min(p.shape.width, p.N - n0);
    const index_t width = p.shape.panel_width(columns);
    const T* panel = packed + (j - b.first) * p.shape.width * b.K;
    if (!p.swapped) {
      run_tile(p.shape,
               Tile<T>{a, a_rows, &zero, a_step, panel, &zero, width, 1, b.K, o.c + m * p.N + n0, c_rows, accumulate},
               rows, columns, width);
      continue;
    }
    for (int i = 0; i < max_tile_rows; ++i) buffer_rows[i] = i * width;  // (rows, width), stored as (columns, rows)
    T* c = o.c + n0 * p.M + m;
    run_tile(p.shape, Tile<T>{a, a_rows, &zero, a_step, panel, &zero, width, 1, b.K, buffer, buffer_rows, false}, rows,
             width, width);
    for (index_t n = 0; n < columns; ++n)
      for (int i = 0; i < rows; ++i) {
        const T sum = buffer[i * width + n];
        c[n * p.M + i] = accumulate ? c[n * p.M + i] + sum : sum;
      }
  }
}

/// Bias and activation of rows [m0, m1) and panels [first, last) of the result.
template <class T>
void gemm_finish(const GemmPlan& p, const Epilogue<T>& e, T* c, index_t m0, index_t m1, index_t first, index_t last) {
  const index_t n0 = first * p.shape.width, n1 = std::min(p.N, last * p.shape.width), row = 0;
  if (p.swapped)
    for (index_t n = n0; n < n1; ++n) finish_rows(e, m0, c + n * p.M + m0, &row, 1, m1 - m0);
  else
    for (index_t m = m0; m < m1; ++m) finish_rows(e, n0, c + m * p.N + n0, &row, 1, n1 - n0);
}

/// Rows [m0, m1), panels [first, last) and K in [k_begin, k_end): by group of panels, block of K and row tile.
template <class T>
void gemm_task(const GemmPlan& p, const Epilogue<T>& epilogue, const GemmOperands<T>& o, index_t m0, index_t m1,
               index_t first, index_t last, index_t k_begin, index_t k_end, T* packed) {
  for (index_t panel = first; panel < last; panel += p.group)
    for (index_t k0 = k_begin; k0 < k_end; k0 += p.k_block) {
      const GemmBlock b{panel, std::min(panel + p.group, last), k0, std::min(p.k_block, k_end - k0)};
      for (index_t j = b.first; j < b.last; ++j) {
        const index_t n0 = j * p.shape.width, columns = std::min(p.shape.width, p.N - n0);
        const index_t width = p.shape.panel_width(columns);
        T* to = packed + (j - b.first) * p.shape.width * b.K;
        if (p.panels_major == Major::k) pack_panel_transposed(o.panels + n0 * p.K + k0, p.K, b.K, columns, width, to);
        else pack_panel(o.panels + k0 * p.N + n0, p.N, b.K, columns, width, to);
      }
      for (index_t m = m0; m < m1; m += p.shape.rows)
        gemm_tile(p, o, m, static_cast<int>(std::min<index_t>(p.shape.rows, m1 - m)), b, static_cast<const T*>(packed),
                  k0 > k_begin);
      if (k0 + b.K == k_end && p.splits == 1) gemm_finish(p, epilogue, o.c, m0, m1, b.first, b.last);
    }
}

}  // namespace detail

/// c(M,N) = epilogue(op(a)(M,K) op(b)(K,N)); bias per column.
template <class T>
void gemm(const GemmDims& d, const Epilogue<T>& epilogue, const T* a, const T* b, T* c, Workspace& workspace, Stream) {
  if (d.K == 1) return outer(d.M, d.N, epilogue, a, b, c);
  if (d.N == 1 || d.M == 1) {  // the other operand is a vector, contiguous either way
    const bool column = d.N == 1;
    const index_t length = column ? d.M : d.N;
    const bool sums = length > 1 && (column ? d.trans_a : !d.trans_b);
    if (sums) gemv_sums(length, d.K, column ? a : b, column ? b : a, c);
    else gemv_dots(length, d.K, column ? a : b, column ? b : a, c);
    const index_t row = 0;
    for (index_t m = 0; m < d.M; ++m) finish_rows(epilogue, 0, c + m * d.N, &row, 1, d.N);
    return;
  }

  const auto p = detail::gemm_plan<T>(d);
  T* packed_rows = workspace.allocate<T>("gemm", {p.packed_rows(), p.partial_sums(), threads() * p.panel_block()});
  T* partial_sums = packed_rows + p.packed_rows();
  T* packed_panels = partial_sums + p.partial_sums();
  detail::GemmOperands<T> operands{p.swapped ? b : a, p.swapped ? a : b, p.splits > 1 ? partial_sums : c};
  if (p.pack_rows()) {
    parallel_for(p.M, 32 * p.shape.rows, [&](index_t begin, index_t end) {
      pack_row_tiles(p.shape.rows, a + begin, p.M, p.K, end - begin, packed_rows + begin * p.K, p.shape.rows * p.K);
    });
    operands.rows = packed_rows;
  }

  const index_t row_blocks = p.row_blocks(), column_blocks = p.column_blocks();
  parallel_chunks(row_blocks * column_blocks * p.splits, [&](index_t task, int worker) {
    const index_t m0 = task % row_blocks * p.row_block, m1 = std::min(p.M, m0 + p.row_block);
    const index_t first = task / row_blocks % column_blocks * p.task_width;
    const index_t split = task / (row_blocks * column_blocks), k0 = split * p.split_k;
    detail::GemmOperands<T> mine = operands;
    if (p.splits > 1) mine.c += split * p.M * p.N;
    detail::gemm_task(p, epilogue, mine, m0, m1, first, std::min(p.panels(), first + p.task_width), k0,
                      std::min(p.K, k0 + p.split_k), packed_panels + worker * p.panel_block());
  });
  if (p.splits == 1) return;
  parallel_for(d.M, std::max<index_t>(1, 16384 / d.N), [&](index_t begin, index_t end) {
    const index_t row = 0;
    for (index_t m = begin; m < end; ++m) {
      T* out = c + m * d.N;
      const T* in = partial_sums + m * d.N;
      std::copy(in, in + d.N, out);
      for (index_t s = 1; s < p.splits; ++s)
        for (index_t n = 0; n < d.N; ++n) out[n] += in[s * d.M * d.N + n];
      finish_rows(epilogue, 0, out, &row, 1, d.N);
    }
  });
}

}  // namespace tinygan::cpu
