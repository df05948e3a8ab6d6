// Matrix product: c(M,N) = epilogue(op(a)(M,K) op(b)(K,N)), all row-major.
//
// Every case becomes "rows times panels" for the micro-kernel: the rows of one operand, read in place or as packed tiles,
// times packed panels of the other. Where op(b) is stored column by column the roles may be swapped: the rows of b times
// panels of op(a)^T, and the result stored transposed, so that a large weight matrix is streamed as it lies.
// Work:         a thread takes a group of panels, packs it depth block by depth block (blocks stay in L2) and runs over all
//               rows; few outputs and much depth: the depth is cut into fixed pieces whose results are added in order.
// Cost:         2 MNK FLOPs; the panel operand is read once, the other once per panel group.
// Determinism:  the cuts of the depth depend on the shape alone, not on the threads.
// Source:       GotoBLAS (Goto, van de Geijn 2008), with the row operand left in place.
#pragma once

#include <tinygan/backend/gemm_dims.hpp>
#include <tinygan/base/stream.hpp>
#include <tinygan/cpu/gemv.hpp>
#include <tinygan/cpu/microkernel.hpp>
#include <tinygan/cpu/packing.hpp>

namespace tinygan::cpu {

struct GemmPolicy {
  static constexpr index_t group_bytes = 512 * 1024;  // packed panels of one thread: a quarter of L2
  static constexpr index_t depth_block = 512;         // a row tile (6, 512) is a quarter of L1
  static constexpr index_t row_block = 96;            // least rows per packed panel group
  static constexpr index_t split_depth = 1024;        // least depth of a piece when the depth is cut
  static constexpr index_t tasks_per_thread = 4;
};

namespace detail {

/// The product as the kernel sees it: rows(M,K) times panels(K,N), after a possible swap of roles.
struct GemmPlan {
  index_t M, N, K;
  bool pack_rows;         // the row operand is stored (K,M)
  bool transpose_panels;  // the panel operand is stored (N,K)
  bool swapped;           // roles swapped: the result is stored (N,M)
  index_t splits, split_depth;
  index_t depth_block;
  index_t group;      // panels packed together
  index_t row_block;  // rows of one task
  TileShape shape;

  index_t groups() const { return (shape.panels(N) + group - 1) / group; }
  index_t row_blocks() const { return (M + row_block - 1) / row_block; }
  index_t tile_count() const { return (M + shape.rows - 1) / shape.rows; }

  // Workspace, in elements: packed rows | partial results | packed panels of each thread.
  index_t packed_rows() const { return pack_rows ? align(tile_count() * shape.rows * K) : 0; }
  index_t partials() const { return splits > 1 ? align(splits * M * N) : 0; }
  index_t panel_block() const { return align(group * shape.width * depth_block); }

  static index_t align(index_t elements) { return (elements + 63) / 64 * 64; }
};

inline index_t round_up(index_t n, index_t step) { return (n + step - 1) / step * step; }

template <class T>
GemmPlan gemm_plan(const GemmDims& d) {
  GemmPlan p{};
  p.shape = tile_shape<T>();
  p.swapped = d.trans_b && (d.trans_a || d.M < d.N);
  p.M = p.swapped ? d.N : d.M;
  p.N = p.swapped ? d.M : d.N;
  p.K = d.K;
  p.pack_rows = !p.swapped && d.trans_a;
  p.transpose_panels = p.swapped ? !d.trans_a : d.trans_b;

  // Pieces of the depth: by shape alone. Panels count as on AVX-512, so that instruction sets agree on the cut.
  p.splits = 1;
  if ((p.M + 95) / 96 * ((p.N + 63) / 64) < 8) p.splits = std::clamp<index_t>(d.K / GemmPolicy::split_depth, 1, 8);
  p.split_depth = round_up((d.K + p.splits - 1) / p.splits, 8);
  p.splits = (d.K + p.split_depth - 1) / p.split_depth;

  p.depth_block = std::min(GemmPolicy::depth_block, p.split_depth);
  const index_t panels = p.shape.panels(p.N);
  const index_t wanted = GemmPolicy::tasks_per_thread * threads();
  const index_t panel_bytes = p.depth_block * p.shape.width * static_cast<index_t>(sizeof(T));
  p.group = std::clamp<index_t>(panels / wanted, 1, std::max<index_t>(1, GemmPolicy::group_bytes / panel_bytes));
  const index_t blocks = std::max<index_t>(1, wanted / (p.groups() * p.splits));
  p.row_block = round_up(std::max(GemmPolicy::row_block, (p.M + blocks - 1) / blocks), p.shape.rows);
  return p;
}

/// The operands of a plan and where its results go.
template <class T>
struct GemmOperands {
  const T* rows;    // (M,K), or packed tiles
  const T* panels;  // (K,N) or (N,K)
  T* c;             // (M,N), or (N,M) if swapped, row-major
};

/// Rows [m0, m1) times one packed panel (depth, width) of `columns` columns from n0; k0 is where the depth block begins.
template <class T>
void gemm_panel(const GemmPlan& p, const GemmOperands<T>& o, index_t m0, index_t m1, index_t k0, index_t depth,
                const T* panel, index_t n0, index_t columns, index_t width, bool accumulate) {
  const index_t zero = 0;
  index_t a_rows[max_tile_rows], c_rows[max_tile_rows];
  for (int i = 0; i < max_tile_rows; ++i) {
    a_rows[i] = p.pack_rows ? i : i * p.K;
    c_rows[i] = i * (p.swapped ? width : p.N);
  }
  alignas(64) T buffer[max_tile_rows * max_tile_bytes / sizeof(T)];
  Tile<T> tile{nullptr, a_rows, &zero, p.pack_rows ? p.shape.rows : 1, panel, &zero, width, 1, depth, nullptr, c_rows,
               accumulate};
  for (index_t m = m0; m < m1; m += p.shape.rows) {
    const int rows = static_cast<int>(std::min<index_t>(p.shape.rows, m1 - m));
    tile.a = o.rows + m * p.K + (p.pack_rows ? k0 * p.shape.rows : k0);
    if (!p.swapped) {
      tile.c = o.c + m * p.N + n0;
      run_tile(p.shape, tile, rows, columns, width);
      continue;
    }
    tile.c = buffer;  // (rows, width), stored as (columns, rows)
    T* c = o.c + n0 * p.M + m;
    if (accumulate)
      for (index_t j = 0; j < columns; ++j)
        for (int i = 0; i < rows; ++i) buffer[i * width + j] = c[j * p.M + i];
    run_tile(p.shape, tile, rows, width, width);
    for (index_t j = 0; j < columns; ++j)
      for (int i = 0; i < rows; ++i) c[j * p.M + i] = buffer[i * width + j];
  }
}

/// Rows [m0, m1) times the panels [first, last) over the depth [k_begin, k_end).
template <class T>
void gemm_task(const GemmPlan& p, const GemmOperands<T>& o, index_t m0, index_t m1, index_t first, index_t last,
               index_t k_begin, index_t k_end, T* packed) {
  for (index_t k0 = k_begin; k0 < k_end; k0 += p.depth_block) {
    const index_t depth = std::min(p.depth_block, k_end - k0);
    for (index_t j = first; j < last; ++j) {
      const index_t n0 = j * p.shape.width, columns = std::min(p.shape.width, p.N - n0);
      const index_t width = p.shape.panel_width(columns);
      T* panel = packed + (j - first) * p.shape.width * depth;
      if (p.transpose_panels)
        pack_panel_transposed(o.panels + n0 * p.K + k0, p.K, depth, columns, width, panel);
      else
        pack_panel(o.panels + k0 * p.N + n0, p.N, depth, columns, width, panel);
    }
    // Some tiles at a time run past all panels, so that they are read from memory once.
    const index_t stripe = 2 * p.shape.rows;
    for (index_t m = m0; m < m1; m += stripe)
      for (index_t j = first; j < last; ++j) {
        const index_t n0 = j * p.shape.width, columns = std::min(p.shape.width, p.N - n0);
        gemm_panel(p, o, m, std::min(m + stripe, m1), k0, depth, packed + (j - first) * p.shape.width * depth, n0,
                   columns, p.shape.panel_width(columns), k0 > k_begin);
      }
  }
}

/// Bias and activation for the part of the result that belongs to rows [m0, m1) and panels [first, last).
template <class T>
void gemm_finish(const GemmPlan& p, const Epilogue<T>& e, T* c, index_t m0, index_t m1, index_t first, index_t last) {
  const index_t n0 = first * p.shape.width, n1 = std::min(p.N, last * p.shape.width), row = 0;
  if (p.swapped)
    for (index_t n = n0; n < n1; ++n) finish_rows(e, m0, c + n * p.M + m0, &row, 1, m1 - m0);
  else
    for (index_t m = m0; m < m1; ++m) finish_rows(e, n0, c + m * p.N + n0, &row, 1, n1 - n0);
}

}  // namespace detail

/// Bytes of scratch that gemm() needs with the present number of threads and instruction set.
template <class T>
std::size_t gemm_workspace(const GemmDims& d) {
  if (d.M == 1 || d.N == 1 || d.K == 1) return 0;
  const auto p = detail::gemm_plan<T>(d);
  return static_cast<std::size_t>(p.packed_rows() + p.partials() + threads() * p.panel_block()) * sizeof(T);
}

/// c(M,N) = epilogue(op(a)(M,K) op(b)(K,N)); bias per column.
template <class T>
void gemm(const GemmDims& d, const Epilogue<T>& epilogue, const T* a, const T* b, T* c, void* workspace, Stream) {
  if (d.K == 1) return outer(d.M, d.N, epilogue, a, b, c);
  if (d.N == 1 || d.M == 1) {  // the other operand is a vector, contiguous either way
    const bool column = d.N == 1;
    const index_t length = column ? d.M : d.N;
    const bool sums = length > 1 && (column ? d.trans_a : !d.trans_b);
    if (sums)
      gemv_sums(length, d.K, column ? a : b, column ? b : a, c);
    else
      gemv_dots(length, d.K, column ? a : b, column ? b : a, c);
    const index_t row = 0;
    for (index_t m = 0; m < d.M; ++m) finish_rows(epilogue, 0, c + m * d.N, &row, 1, d.N);
    return;
  }

  const auto p = detail::gemm_plan<T>(d);
  T* packed_rows = static_cast<T*>(workspace);
  T* partials = packed_rows + p.packed_rows();
  T* packed_panels = partials + p.partials();
  detail::GemmOperands<T> operands{p.swapped ? b : a, p.swapped ? a : b, p.splits > 1 ? partials : c};
  if (p.pack_rows) {
    parallel_chunks(p.tile_count(), [&](index_t t, int) {
      const index_t m = t * p.shape.rows;
      const int valid = static_cast<int>(std::min<index_t>(p.shape.rows, p.M - m));
      pack_row_tile(p.shape.rows, a + m, p.M, p.K, valid, packed_rows + m * p.K);
    });
    operands.rows = packed_rows;
  }

  const index_t row_blocks = p.row_blocks(), groups = p.groups();
  parallel_chunks(row_blocks * groups * p.splits, [&](index_t task, int worker) {
    const index_t m0 = task % row_blocks * p.row_block, m1 = std::min(p.M, m0 + p.row_block);
    const index_t first = task / row_blocks % groups * p.group, last = std::min(p.shape.panels(p.N), first + p.group);
    const index_t split = task / (row_blocks * groups), k0 = split * p.split_depth;
    detail::GemmOperands<T> mine = operands;
    if (p.splits > 1) mine.c += split * p.M * p.N;
    detail::gemm_task(p, mine, m0, m1, first, last, k0, std::min(p.K, k0 + p.split_depth),
                      packed_panels + worker * p.panel_block());
    if (p.splits == 1) detail::gemm_finish(p, epilogue, c, m0, m1, first, last);
  });
  if (p.splits == 1) return;
  parallel_for(d.M, std::max<index_t>(1, 16384 / d.N), [&](index_t begin, index_t end) {
    const index_t row = 0;
    for (index_t m = begin; m < end; ++m) {
      T* out = c + m * d.N;
      const T* in = partials + m * d.N;
      std::copy(in, in + d.N, out);
      for (index_t s = 1; s < p.splits; ++s)
        for (index_t n = 0; n < d.N; ++n) out[n] += in[s * d.M * d.N + n];
      finish_rows(epilogue, 0, out, &row, 1, d.N);
    }
  });
}

}  // namespace tinygan::cpu
