// Weight gradient of a convolution: dw[r,s,c,k] = sum over images and output pixels of x[n,h,w,c] g[n,p,q,k],
// (h,w) = (p,q)*stride + (r,s)*dilation - pad, over the pairs with (h,w) inside x.
//
// Shapes:       x(N,H,W,C), g(N,P,Q,K), dw(R,S,C,K). Per tap a product (C, pairs) times (pairs, K).
// Packing:      a chunk of images and output rows at a time: g in panels (p, q, image, column), x in row tiles
//               (h, w, image, channel of the tile) with w ordered by its remainder modulo the stride. So the pairs of a
//               tap and an output row are contiguous in both, whatever the stride: one segment of the micro-kernel.
// Ownership:    a task owns some row tiles of one tap and one panel; it adds to dw chunk by chunk.
// Cost:         2 FLOPs per pair, channel c and k; x and g are packed once, dw is read and written once per chunk.
// Determinism:  chunks depend on the shape alone; an element is summed in the order of chunks, p, q, image.
#pragma once

#include <vector>

#include <tinygan/backend/taps.hpp>
#include <tinygan/backend/workspace.hpp>
#include <tinygan/cpu/microkernel.hpp>
#include <tinygan/cpu/packing.hpp>
#include <tinygan/cpu/select.hpp>
#include <tinygan/cpu/thread_pool.hpp>

namespace tinygan::cpu::detail {

struct WeightGradPlan {
  TileExtents shape;
  index_t images, rows;     // of g in one chunk
  index_t x_rows;           // rows of x that a chunk touches, at most
  index_t phase_w, x_cols;  // columns of x of one remainder modulo the stride; all of them, padded
  index_t tiles, panels;

  index_t tile_size() const { return x_rows * x_cols * images * shape.rows; }
  index_t panel_size(const ConvDims& d, index_t width) const { return rows * d.Q * images * width; }
  index_t x_size() const {
    return (tinygan::detail::product("conv2d_weight_grad", {tiles, x_rows, x_cols, images, shape.rows}) + 63) / 64 * 64;
  }
  index_t g_size(const ConvDims& d) const {
    return tinygan::detail::product("conv2d_weight_grad", {rows, d.Q, images, shape.padded(d.K)});
  }
  index_t x_column(const ConvDims& d, index_t w) const { return w % d.stride_w * phase_w + w / d.stride_w; }
};

template <class T>
WeightGradPlan weight_grad_plan(const ConvDims& d) {
  WeightGradPlan p{};
  p.shape = tile_shape<T>();
  // Columns count as on AVX-512, so that instruction sets agree on the chunks.
  const index_t row_bytes = d.Q * std::min<index_t>(d.K, 64) * static_cast<index_t>(sizeof(T));
  p.rows = std::clamp<index_t>(WeightGradPolicy::panel_bytes / row_bytes, 1, d.P);
  p.images = std::clamp<index_t>(WeightGradPolicy::panel_bytes / (row_bytes * p.rows), 1, d.N);
  p.images = (d.N + (d.N + p.images - 1) / p.images - 1) / ((d.N + p.images - 1) / p.images);
  p.x_rows = std::min(d.H, (p.rows - 1) * d.stride_h + (d.R - 1) * d.dilation_h + 1);
  p.phase_w = (d.W + d.stride_w - 1) / d.stride_w;
  p.x_cols = std::min(d.stride_w, d.W) * p.phase_w;
  p.tiles = (d.C + p.shape.rows - 1) / p.shape.rows;
  p.panels = p.shape.panels(d.K);
  return p;
}

/// Images [n0, n0 + images) and rows [p0, p0 + rows) of g with rows [h0, h0 + x_rows) of x.
struct WeightGradChunk {
  index_t n0, images, p0, rows, h0, x_rows;
};

/// Output columns [first, first + count) of filter column s; the first reads column w of x.
struct ColumnPairs {
  index_t first = 0, count = 0, w = 0;
};

inline std::vector<ColumnPairs> column_pairs(const ConvDims& d, const AxisTaps& cols) {
  std::vector<ColumnPairs> pairs(static_cast<std::size_t>(d.S));
  for (index_t q = 0; q < d.Q; ++q)
    for (const Tap& t : cols.at(q)) {
      ColumnPairs& p = pairs[static_cast<std::size_t>(t.filter)];
      if (p.count++ == 0) p.first = q, p.w = t.in;
    }
  return pairs;
}

template <class T>
void pack_x(const ConvDims& d, const WeightGradPlan& p, const WeightGradChunk& chunk, index_t row, const T* x,
            T* packed) {
  const int rows = p.shape.rows;
  const index_t image = d.H * d.W * d.C;
  for (index_t w = 0; w < d.W; ++w) {
    const T* src = x + chunk.n0 * image + ((chunk.h0 + row) * d.W + w) * d.C;
    T* dst = packed + (row * p.x_cols + p.x_column(d, w)) * chunk.images * rows;
    pack_row_tiles(rows, src, image, chunk.images, d.C, dst, p.tile_size());
  }
}

template <class T>
void pack_g(const ConvDims& d, const WeightGradPlan& p, const WeightGradChunk& chunk, index_t row, const T* g,
            T* packed) {
  const index_t image = d.P * d.Q * d.K;
  for (index_t panel = 0; panel < p.panels; ++panel) {
    const index_t k0 = panel * p.shape.width, columns = std::min(p.shape.width, d.K - k0);
    const index_t width = p.shape.panel_width(columns);
    for (index_t q = 0; q < d.Q; ++q)
      pack_panel(g + chunk.n0 * image + ((chunk.p0 + row) * d.Q + q) * d.K + k0, image, chunk.images, columns, width,
                 packed + p.panel_size(d, k0) + (row * d.Q + q) * chunk.images * width);
  }
}

/// Channels [c0, c1) of tap (r, s) times one panel, added to dw or stored into it.
template <class T>
void weight_grad_task(const ConvDims& d, const WeightGradPlan& p, const WeightGradChunk& chunk, index_t r, index_t s,
                      const ColumnPairs& pairs, index_t c0, index_t c1, index_t panel, const T* x, const T* g, T* dw,
                      bool accumulate) {
  const index_t k0 = panel * p.shape.width, columns = std::min(p.shape.width, d.K - k0);
  const index_t width = p.shape.panel_width(columns), rows = p.shape.rows;

  index_t x_rows[max_tile_rows], dw_rows[max_tile_rows], x_pairs[WeightGradPolicy::tap_block],
      g_pairs[WeightGradPolicy::tap_block];
  for (int i = 0; i < max_tile_rows; ++i) x_rows[i] = i, dw_rows[i] = i * d.K;
  Tile<T> tile{
      nullptr, x_rows,  x_pairs,   rows, g + p.panel_size(d, k0), g_pairs, width, 0, pairs.count * chunk.images,
      nullptr, dw_rows, accumulate};
  const auto run = [&] {
    for (index_t c = c0; c < c1; c += rows) {
      tile.a = x + c / rows * p.tile_size();
      tile.c = dw + ((r * d.S + s) * d.C + c) * d.K + k0;
      run_tile(p.shape, tile, static_cast<int>(std::min(rows, c1 - c)), columns, width);
    }
    tile.segments = 0;
    tile.accumulate = true;
  };
  for (index_t row = 0; row < chunk.rows; ++row) {
    const index_t h = (chunk.p0 + row) * d.stride_h + r * d.dilation_h - d.pad_top;
    if (h < 0 || h >= d.H) continue;
    x_pairs[tile.segments] = ((h - chunk.h0) * p.x_cols + p.x_column(d, pairs.w)) * chunk.images * rows;
    g_pairs[tile.segments++] = (row * d.Q + pairs.first) * chunk.images;
    if (tile.segments == WeightGradPolicy::tap_block) run();
  }
  if (tile.segments || !tile.accumulate) run();
}

/// dw(R,S,C,K).
template <class T>
void weight_grad(const ConvDims& d, const T* x, const T* g, T* dw, Workspace& workspace) {
  const WeightGradPlan p = weight_grad_plan<T>(d);
  const std::vector<ColumnPairs> pairs = column_pairs(d, forward_taps(d).cols);
  T* packed_x = workspace.allocate<T>("conv2d_weight_grad", {p.x_size(), p.g_size(d)});
  T* packed_g = packed_x + p.x_size();
  const index_t c_step = (WeightGradPolicy::row_block + p.shape.rows - 1) / p.shape.rows * p.shape.rows;
  const index_t c_blocks = (d.C + c_step - 1) / c_step;
  for (index_t n0 = 0; n0 < d.N; n0 += p.images)
    for (index_t p0 = 0; p0 < d.P; p0 += p.rows) {
      WeightGradChunk chunk{n0, std::min(p.images, d.N - n0), p0, std::min(p.rows, d.P - p0), 0, 0};
      chunk.h0 = std::clamp<index_t>(p0 * d.stride_h - d.pad_top, 0, d.H - 1);
      const index_t end = (p0 + chunk.rows - 1) * d.stride_h + (d.R - 1) * d.dilation_h - d.pad_top + 1;
      chunk.x_rows = std::clamp<index_t>(end - chunk.h0, 0, d.H - chunk.h0);
      parallel_chunks(chunk.x_rows + chunk.rows, [&](index_t row, int) {
        if (row < chunk.x_rows) pack_x(d, p, chunk, row, x, packed_x);
        else pack_g(d, p, chunk, row - chunk.x_rows, g, packed_g);
      });
      parallel_chunks(p.panels * c_blocks * d.R * d.S, [&](index_t task, int) {
        const index_t tap = task % (d.R * d.S), c0 = task / (d.R * d.S) % c_blocks * c_step;
        const index_t r = tap / d.S, s = tap % d.S;
        weight_grad_task(d, p, chunk, r, s, pairs[static_cast<std::size_t>(s)], c0, std::min(d.C, c0 + c_step),
                         task / (d.R * d.S * c_blocks), packed_x, static_cast<const T*>(packed_g), dw,
                         n0 > 0 || p0 > 0);
      });
    }
}

}  // namespace tinygan::cpu::detail
