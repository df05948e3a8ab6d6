// Tap-list convolution: forward pass and input gradient in one kernel.
//
//   out[n, o, :] = epilogue(sum over (i, t) in taps(o) of in[n, i, :] W[t])
//
// Shapes:       in(N, in_h, in_w, depth), W[t](depth, width), out(N, out_h, out_w, width): depth is C and width K in the
//               forward pass; the input gradient exchanges them and transposes each W[t].
// Classes:      output pixels whose lists are equal up to a shift form a class; its rows are (image, pixel of the class), so
//               that small batches fill the micro-kernel too. Rows of `in` are read in place; W is packed in panels.
// Ownership:    a task owns a block of rows of a class times one panel; it runs over the taps in blocks that stay in L2.
// Cost:         2 N depth width FLOPs per tap that touches data, no others; W is packed once per call.
// Determinism:  an output is summed in the order of its taps and channels, whatever the partition.
// Source:       indirect rows: Dukhan, "The Indirect Convolution Algorithm" (2019).
#pragma once

#include <numeric>
#include <vector>

#include <tinygan/backend/taps.hpp>
#include <tinygan/cpu/epilogue.hpp>
#include <tinygan/cpu/microkernel.hpp>
#include <tinygan/cpu/packing.hpp>
#include <tinygan/cpu/thread_pool.hpp>

namespace tinygan::cpu::detail {

struct ConvPolicy {
  static constexpr index_t weight_bytes = 512 * 1024;  // of one panel and tap block: a quarter of L2
  static constexpr index_t row_block = 384;            // rows that share it, at most
  static constexpr index_t tap_block = 64;             // taps of one micro-kernel call, at most
};

/// Output coordinates of one axis whose tap lists are equal up to a shift of the input coordinate.
struct AxisClass {
  std::vector<Tap> taps;                  ///< input coordinates relative to the first, in increasing order
  std::vector<std::pair<int, int>> outs;  ///< output coordinate, input coordinate of its first tap
};

inline std::vector<AxisClass> axis_classes(const AxisTaps& axis) {
  std::vector<AxisClass> classes;
  for (index_t out = 0; out < axis.outputs(); ++out) {
    std::vector<Tap> taps(axis.at(out).begin(), axis.at(out).end());
    std::sort(taps.begin(), taps.end(), [](Tap a, Tap b) { return a.in < b.in; });
    const int base = taps.empty() ? 0 : taps.front().in;
    for (Tap& t : taps) t.in -= base;
    const auto equal = [](Tap a, Tap b) { return a.in == b.in && a.filter == b.filter; };
    auto it = std::find_if(classes.begin(), classes.end(), [&](const AxisClass& c) {
      return std::equal(c.taps.begin(), c.taps.end(), taps.begin(), taps.end(), equal);
    });
    if (it == classes.end()) it = classes.insert(classes.end(), {std::move(taps), {}});
    it->outs.emplace_back(static_cast<int>(out), base);
  }
  return classes;
}

/// One direction of a convolution.
struct TapConv {
  index_t N, in_h, in_w, depth, out_h, out_w, width, R, S;
  bool transpose;               // W[t] is stored (width, depth)
  index_t stride_w, dilation_w;  // of the convolution itself

  static TapConv forward(const ConvDims& d) {
    return {d.N, d.H, d.W, d.C, d.P, d.Q, d.K, d.R, d.S, false, d.stride_w, d.dilation_w};
  }
  static TapConv input_grad(const ConvDims& d) {
    return {d.N, d.P, d.Q, d.K, d.H, d.W, d.C, d.R, d.S, true, d.stride_w, d.dilation_w};
  }

  /// Elements of one panel per column, and of all panels.
  index_t panel_depth() const { return R * S * depth; }
  index_t packed_size(const TileShape& shape) const { return panel_depth() * shape.padded(width); }

  /// Filter columns in the order in which they are packed: neighbours in a list are neighbours in memory, so that a row of
  /// taps that reads neighbouring pixels is one segment.
  std::vector<index_t> column_order() const {
    std::vector<index_t> order(static_cast<std::size_t>(S)), place(order.size());
    std::iota(order.begin(), order.end(), index_t{0});
    if (transpose)  // input coordinates fall by one where the filter's rise by the stride
      std::sort(order.begin(), order.end(), [&](index_t a, index_t b) {
        return a % stride_w != b % stride_w ? a % stride_w < b % stride_w : a > b;
      });
    for (std::size_t i = 0; i < order.size(); ++i) place[static_cast<std::size_t>(order[i])] = static_cast<index_t>(i);
    return place;
  }
};

/// Panel j of W at packed + panel_depth() * shape.width * j: (R, S in column order, depth, panel width).
template <class T>
void pack_weights(const TapConv& v, const TileShape& shape, const std::vector<index_t>& place, const T* w, T* packed) {
  const index_t taps = v.R * v.S;
  parallel_chunks(taps * shape.panels(v.width), [&](index_t chunk, int) {
    const index_t panel = chunk / taps, r = chunk % taps / v.S, s = chunk % taps % v.S;
    const index_t k0 = panel * shape.width, columns = std::min(shape.width, v.width - k0);
    const index_t width = shape.panel_width(columns);
    const T* src = w + (r * v.S + s) * v.depth * v.width;
    T* dst = packed + v.panel_depth() * k0 + (r * v.S + place[static_cast<std::size_t>(s)]) * v.depth * width;
    if (v.transpose)
      pack_panel_transposed(src + k0 * v.depth, v.depth, v.depth, columns, width, dst);
    else
      pack_panel(src + k0, v.width, v.depth, columns, width, dst);
  });
}

/// Rows [begin, end) of the pixel class (rows x cols) times one panel.
struct TapTask {
  const AxisClass* rows;
  const AxisClass* cols;
  index_t begin, end, panel;

  index_t cost() const { return (end - begin) * static_cast<index_t>(rows->taps.size() * cols->taps.size()); }
};

inline std::vector<TapTask> tap_tasks(const TapConv& v, const TileShape& shape, const std::vector<AxisClass>& rows,
                                      const std::vector<AxisClass>& cols) {
  // At least some 8 tasks per thread, each of enough rows to pay for streaming its panel through L2.
  const index_t share = v.N * v.out_h * v.out_w * shape.panels(v.width) / (8 * threads());
  const index_t limit = std::clamp<index_t>(share, 16 * shape.rows, ConvPolicy::row_block) / shape.rows * shape.rows;
  std::vector<TapTask> tasks;
  for (index_t panel = 0; panel < shape.panels(v.width); ++panel)
    for (const AxisClass& r : rows)
      for (const AxisClass& c : cols) {
        const index_t count = v.N * static_cast<index_t>(r.outs.size() * c.outs.size());
        const index_t blocks = (count + limit - 1) / limit;
        const index_t step = ((count + blocks - 1) / blocks + shape.rows - 1) / shape.rows * shape.rows;
        for (index_t m = 0; m < count; m += step) tasks.push_back({&r, &c, m, std::min(count, m + step), panel});
      }
  std::stable_sort(tasks.begin(), tasks.end(), [](const TapTask& a, const TapTask& b) { return a.cost() > b.cost(); });
  return tasks;
}

template <class T>
void run_tap_task(const TapConv& v, const TileShape& shape, const std::vector<index_t>& place, const TapTask& task,
                  const Epilogue<T>& epilogue, const T* in, const T* packed, T* out) {
  const AxisClass &rows = *task.rows, &cols = *task.cols;
  const index_t k0 = task.panel * shape.width, columns = std::min(shape.width, v.width - k0);
  const index_t width = shape.panel_width(columns);
  const T* panel = packed + v.panel_depth() * k0;

  // Where each row lies in `in` and `out`.
  index_t in_rows[ConvPolicy::row_block], out_rows[ConvPolicy::row_block];
  const index_t count = task.end - task.begin, across = static_cast<index_t>(cols.outs.size());
  const index_t pixels = across * static_cast<index_t>(rows.outs.size());
  for (index_t m = 0; m < count; ++m) {
    const index_t n = (task.begin + m) / pixels, pixel = (task.begin + m) % pixels;
    const auto& row = rows.outs[static_cast<std::size_t>(pixel / across)];
    const auto& col = cols.outs[static_cast<std::size_t>(pixel % across)];
    in_rows[m] = ((n * v.in_h + row.second) * v.in_w + col.second) * v.depth;
    out_rows[m] = ((n * v.out_h + row.first) * v.out_w + col.first) * v.width + k0;
  }

  // A row of taps is one segment if its taps are neighbours in both `in` and the packed weights.
  const auto tap_place = [&](const Tap& t) { return place[static_cast<std::size_t>(t.filter)]; };
  bool merged = !cols.taps.empty();
  for (std::size_t i = 1; i < cols.taps.size(); ++i)
    merged &= cols.taps[i].in == cols.taps[i - 1].in + 1 && tap_place(cols.taps[i]) == tap_place(cols.taps[i - 1]) + 1;
  const index_t run = merged ? static_cast<index_t>(cols.taps.size()) : 1;
  const index_t per_row = static_cast<index_t>(cols.taps.size()) / run;
  const index_t segments = static_cast<index_t>(rows.taps.size()) * per_row;
  const index_t depth = run * v.depth;

  const index_t row_bytes = width * static_cast<index_t>(sizeof(T));
  const index_t depth_block = std::min(depth, std::max<index_t>(1, ConvPolicy::weight_bytes / row_bytes));
  const index_t tap_block =
      std::clamp<index_t>(ConvPolicy::weight_bytes / (row_bytes * std::max<index_t>(depth_block, 1)), 1, ConvPolicy::tap_block);

  index_t in_taps[ConvPolicy::tap_block], w_taps[ConvPolicy::tap_block];
  Tile<T> tile{in, nullptr, in_taps, 1, panel, w_taps, width, 0, 0, out, nullptr, false};
  const auto run_rows = [&](bool last) {
    for (index_t m = 0; m < count; m += shape.rows) {
      const int n = static_cast<int>(std::min<index_t>(shape.rows, count - m));
      tile.a_rows = in_rows + m;
      tile.c_rows = out_rows + m;
      run_tile(shape, tile, n, columns, width);
      if (last) finish_rows(epilogue, k0, out, out_rows + m, n, columns);
    }
  };
  if (segments == 0) return run_rows(true);
  for (index_t d0 = 0; d0 < depth; d0 += depth_block)
    for (index_t s0 = 0; s0 < segments; s0 += tap_block) {
      tile.depth = std::min(depth_block, depth - d0);
      tile.segments = std::min(tap_block, segments - s0);
      for (index_t i = 0; i < tile.segments; ++i) {
        const Tap row = rows.taps[static_cast<std::size_t>((s0 + i) / per_row)];
        const Tap col = cols.taps[static_cast<std::size_t>((s0 + i) % per_row)];
        in_taps[i] = (row.in * v.in_w + col.in) * v.depth + d0;
        w_taps[i] = ((row.filter * v.S + tap_place(col)) * v.depth + d0) * width;
      }
      run_rows(d0 + depth_block >= depth && s0 + tap_block >= segments);
      tile.accumulate = true;
    }
}

/// The whole convolution; `workspace` holds packed_size() elements.
template <class T>
void tap_conv(const TapConv& v, const TapList& taps, const Epilogue<T>& epilogue, const T* in, const T* w, T* out,
              T* workspace) {
  const TileShape shape = tile_shape<T>();
  const std::vector<index_t> place = v.column_order();
  pack_weights(v, shape, place, w, workspace);
  const std::vector<AxisClass> rows = axis_classes(taps.rows), cols = axis_classes(taps.cols);
  const std::vector<TapTask> tasks = tap_tasks(v, shape, rows, cols);
  parallel_chunks(static_cast<index_t>(tasks.size()), [&](index_t i, int) {
    run_tap_task(v, shape, place, tasks[static_cast<std::size_t>(i)], epilogue, in, static_cast<const T*>(workspace), out);
  });
}

}  // namespace tinygan::cpu::detail
