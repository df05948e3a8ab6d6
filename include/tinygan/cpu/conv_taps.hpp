// Tap-list convolution: forward pass and input gradient in one kernel.
//
//   out[n, o, :] = epilogue(sum over (i, t) in taps(o) of in[n, i, :] W[t])
//
// Shapes:       in(N,H,W,C), W[t] (C,K) or (K,C), out(N,P,Q,K): ConvDims' own in the forward pass; the input gradient
//               exchanges H,W,C with P,Q,K.
// Tap groups:   output pixels whose lists are equal up to a shift; the rows of a group are (image, pixel of the group),
//               so that small batches fill the micro-kernel too. Rows of `in` are read in place; W is packed in panels.
// Ownership:    a task owns a block of rows of a tap group times one or two panels; it runs over the taps in blocks
//               that stay in L2.
// Cost:         2 N C K FLOPs per tap that touches data, no others; W is packed once per call.
// Determinism:  an output is summed in the order of its taps and channels, whatever the partition.
// Source:       indirect rows: Dukhan, "The Indirect Convolution Algorithm" (2019).
#pragma once

#include <vector>

#include <tinygan/backend/major.hpp>
#include <tinygan/backend/taps.hpp>
#include <tinygan/backend/workspace.hpp>
#include <tinygan/cpu/epilogue.hpp>
#include <tinygan/cpu/microkernel.hpp>
#include <tinygan/cpu/packing.hpp>
#include <tinygan/cpu/select.hpp>
#include <tinygan/cpu/thread_pool.hpp>

namespace tinygan::cpu::detail {

/// One axis of a tap group: output coordinates whose tap lists are equal up to a shift of the input coordinate.
struct AxisTapGroup {
  std::vector<Tap> taps;       ///< input coordinates relative to the first, in increasing order
  std::vector<index_t> outs;   ///< output coordinates
  std::vector<index_t> bases;  ///< input coordinate of the first tap of each

  bool has(const std::vector<Tap>& other) const {
    if (taps.size() != other.size()) return false;
    for (std::size_t i = 0; i < taps.size(); ++i)
      if (taps[i].in != other[i].in || taps[i].filter != other[i].filter) return false;
    return true;
  }
};

inline std::vector<AxisTapGroup> axis_tap_groups(const AxisTaps& axis) {
  std::vector<AxisTapGroup> groups;
  for (index_t out = 0; out < axis.outputs(); ++out) {
    std::vector<Tap> taps(axis.at(out).begin(), axis.at(out).end());
    if (taps.size() > 1 && taps.front().in > taps.back().in)
      std::reverse(taps.begin(), taps.end());  // descending in adjoint lists
    const int base = taps.empty() ? 0 : taps.front().in;
    for (Tap& t : taps) t.in -= base;
    std::size_t i = 0;
    while (i < groups.size() && !groups[i].has(taps)) ++i;
    if (i == groups.size()) groups.push_back({taps, {}, {}});
    groups[i].outs.push_back(out);
    groups[i].bases.push_back(base);
  }
  return groups;
}

/// One direction of a convolution: in(N,H,W,C), out(N,P,Q,K), filter (R,S).
struct TapConv {
  index_t N, H, W, C, P, Q, K, R, S;
  Major w_major;     // W[t] is (C,K), or (K,C)
  index_t stride_w;  // of the convolution itself

  static TapConv forward(const ConvDims& d) {
    return {d.N, d.H, d.W, d.C, d.P, d.Q, d.K, d.R, d.S, Major::mn, d.stride_w};
  }
  static TapConv input_grad(const ConvDims& d) {
    return {d.N, d.P, d.Q, d.K, d.H, d.W, d.C, d.R, d.S, Major::k, d.stride_w};
  }

  /// Elements of one column of a panel (R * S * C), and of all panels.
  index_t panel_k() const { return R * S * C; }
  index_t packed_size(const TileExtents& shape) const {
    return tinygan::detail::product("conv2d", {panel_k(), shape.padded(K)});
  }

  /// Where each filter column is packed: neighbours in a tap list become neighbours in memory, so that a row of taps
  /// that reads neighbouring pixels is one segment.
  std::vector<index_t> column_places() const {
    std::vector<index_t> place(static_cast<std::size_t>(S));
    index_t next = 0;
    if (w_major == Major::mn)
      for (index_t& p : place) p = next++;
    else  // input coordinates fall by one where the filter's rise by the stride
      for (index_t phase = 0; phase < std::min(S, stride_w); ++phase)
        for (index_t s = phase + (S - 1 - phase) / stride_w * stride_w; s >= phase; s -= stride_w)
          place[static_cast<std::size_t>(s)] = next++;
    return place;
  }
};

/// Panel j of W at packed + panel_k() * shape.width * j: (R, place of s, C, panel width).
template <class T>
void pack_weights(const TapConv& v, const TileExtents& shape, const std::vector<index_t>& place, const T* w,
                  T* packed) {
  const index_t taps = v.R * v.S;
  parallel_chunks(taps * shape.panels(v.K), [&](index_t chunk, int) {
    const index_t panel = chunk / taps, r = chunk % taps / v.S, s = chunk % taps % v.S;
    const index_t k0 = panel * shape.width, columns = std::min(shape.width, v.K - k0);
    const index_t width = shape.panel_width(columns);
    const T* src = w + (r * v.S + s) * v.C * v.K;
    T* dst = packed + v.panel_k() * k0 + (r * v.S + place[static_cast<std::size_t>(s)]) * v.C * width;
    if (v.w_major == Major::k) pack_panel_transposed(src + k0 * v.C, v.C, v.C, columns, width, dst);
    else pack_panel(src + k0, v.K, v.C, columns, width, dst);
  });
}

/// Rows [begin, end) of the tap group (rows x cols) times the panels [first, last).
struct TapTask {
  const AxisTapGroup* rows;
  const AxisTapGroup* cols;
  index_t begin, end, first, last;
};

inline std::vector<TapTask> tap_tasks(const TapConv& v, const TileExtents& shape, const std::vector<AxisTapGroup>& rows,
                                      const std::vector<AxisTapGroup>& cols) {
  // At least some 8 tasks per thread, each of enough rows to pay for streaming its panels through L2.
  const index_t panels = shape.panels(v.K), groups = (panels + ConvPolicy::panel_group - 1) / ConvPolicy::panel_group;
  const index_t group = (panels + groups - 1) / groups;
  const index_t share = v.N * v.P * v.Q * groups / (8 * threads());
  const index_t limit = std::clamp<index_t>(share, 16 * shape.rows, ConvPolicy::row_block) / shape.rows * shape.rows;
  std::vector<TapTask> tasks;
  // The longest lists first, so that the threads finish together.
  for (auto taps = static_cast<std::size_t>(v.R * v.S + 1); taps-- > 0;)
    for (index_t first = 0; first < panels; first += group)
      for (const AxisTapGroup& r : rows)
        for (const AxisTapGroup& c : cols) {
          if (r.taps.size() * c.taps.size() != taps) continue;
          const auto count = v.N * static_cast<index_t>(r.outs.size() * c.outs.size());
          const index_t blocks = (count + limit - 1) / limit;
          const index_t step = ((count + blocks - 1) / blocks + shape.rows - 1) / shape.rows * shape.rows;
          for (index_t m = 0; m < count; m += step)
            tasks.push_back({&r, &c, m, std::min(count, m + step), first, std::min(panels, first + group)});
        }
  return tasks;
}

/// The taps of a tap group as segments of the micro-kernel: neighbouring taps of a filter row are one segment if they
/// are neighbours in both `in` and the packed weights.
class TapSegments {
 public:
  TapSegments(const TapConv& v, const std::vector<index_t>& place, const AxisTapGroup& rows, const AxisTapGroup& cols)
      : v_(v), place_(place), rows_(rows), cols_(cols) {
    const std::vector<Tap>& t = cols.taps;
    bool merged = !t.empty();
    for (std::size_t i = 1; i < t.size(); ++i)
      merged &= t[i].in == t[i - 1].in + 1 && place_of(t[i]) == place_of(t[i - 1]) + 1;
    const index_t run = merged ? static_cast<index_t>(t.size()) : 1;
    per_row_ = static_cast<index_t>(t.size()) / run;
    K = run * v.C;
    count = static_cast<index_t>(rows.taps.size()) * per_row_;
  }

  index_t count, K;  // segments, and elements of each

  index_t in_offset(index_t segment) const { return (row(segment).in * v_.W + col(segment).in) * v_.C; }
  index_t weight_row(index_t segment) const { return (row(segment).filter * v_.S + place_of(col(segment))) * v_.C; }

 private:
  const Tap& row(index_t segment) const { return rows_.taps[static_cast<std::size_t>(segment / per_row_)]; }
  const Tap& col(index_t segment) const { return cols_.taps[static_cast<std::size_t>(segment % per_row_)]; }
  index_t place_of(const Tap& t) const { return place_[static_cast<std::size_t>(t.filter)]; }

  const TapConv& v_;
  const std::vector<index_t>& place_;
  const AxisTapGroup &rows_, &cols_;
  index_t per_row_ = 0;
};

/// Weights of one pass over the rows: K rows from `begin` on, of `segments` segments from `first` on.
struct WeightBlock {
  index_t first = 0, segments = 0, begin = 0, K = 0;
  index_t in_taps[ConvPolicy::tap_block] = {}, w_taps[ConvPolicy::tap_block] = {};
};

template <class T>
class TapTaskRun {
 public:
  TapTaskRun(const TapConv& v, const TileExtents& shape, const std::vector<index_t>& place, const TapTask& task,
             const T* in, const T* weights, T* out)
      : v_(v), shape_(shape), task_(task), segments_(v, place, *task.rows, *task.cols), in_(in), weights_(weights),
        out_(out), count_(task.end - task.begin) {
    const AxisTapGroup &rows = *task.rows, &cols = *task.cols;
    const std::size_t across = cols.outs.size(), pixels = across * rows.outs.size();
    const auto first_pixel = static_cast<std::size_t>(task.begin) % pixels;
    index_t n = task.begin / static_cast<index_t>(pixels);
    std::size_t row = first_pixel / across, col = first_pixel % across;
    for (index_t m = 0; m < count_; ++m) {
      in_rows_[m] = ((n * v.H + rows.bases[row]) * v.W + cols.bases[col]) * v.C;
      out_rows_[m] = ((n * v.P + rows.outs[row]) * v.Q + cols.outs[col]) * v.K;
      if (++col == across) col = 0, ++row;
      if (row == rows.outs.size()) row = 0, ++n;
    }
    const index_t bytes = (task.last - task.first) * shape.width * static_cast<index_t>(sizeof(T));
    k_block_ = std::clamp<index_t>(ConvPolicy::weight_bytes / bytes, 1, segments_.K);
    tap_block_ = std::clamp<index_t>(ConvPolicy::weight_bytes / (bytes * k_block_), 1, ConvPolicy::tap_block);
  }

  void run(const Epilogue<T>& epilogue) {
    bool accumulate = false;
    for (index_t begin = 0; begin == 0 || begin < segments_.K; begin += k_block_)
      for (index_t first = 0; first == 0 || first < segments_.count; first += tap_block_) {
        const bool last = begin + k_block_ >= segments_.K && first + tap_block_ >= segments_.count;
        pass(block_at(first, begin), accumulate, last ? &epilogue : nullptr);
        accumulate = true;
      }
  }

 private:
  WeightBlock block_at(index_t first, index_t begin) const {
    WeightBlock b;
    b.first = first, b.begin = begin;
    b.segments = std::min(tap_block_, segments_.count - first);
    b.K = std::min(k_block_, segments_.K - begin);
    for (index_t i = 0; i < b.segments; ++i) {
      b.in_taps[i] = segments_.in_offset(first + i) + begin;
      b.w_taps[i] = segments_.weight_row(first + i) + begin;
    }
    return b;
  }

  /// All rows times one block of weights.
  void pass(const WeightBlock& block, bool accumulate, const Epilogue<T>* epilogue) const {
    for (index_t m = 0; m < count_; m += shape_.rows) {
      const int rows = static_cast<int>(std::min<index_t>(shape_.rows, count_ - m));
      for (index_t i = m + shape_.rows; i < std::min(count_, m + 2 * shape_.rows); ++i)
        __builtin_prefetch(in_ + in_rows_[i] + block.in_taps[0]);
      for (index_t panel = task_.first; panel < task_.last; ++panel) {
        const index_t k0 = panel * shape_.width, columns = std::min(shape_.width, v_.K - k0);
        const index_t width = shape_.panel_width(columns);
        const T* weights = weights_ + v_.panel_k() * k0;
        run_tile(shape_,
                 Tile<T>{in_, in_rows_ + m, block.in_taps, 1, weights, block.w_taps, width, block.segments, block.K,
                         out_ + k0, out_rows_ + m, accumulate},
                 rows, columns, width);
        if (epilogue) finish_rows(*epilogue, k0, out_ + k0, out_rows_ + m, rows, columns);
      }
    }
  }

  const TapConv& v_;
  const TileExtents& shape_;
  const TapTask& task_;
  TapSegments segments_;
  const T* in_;
  const T* weights_;
  T* out_;
  index_t count_, k_block_, tap_block_;
  index_t in_rows_[ConvPolicy::row_block], out_rows_[ConvPolicy::row_block];
};

/// The whole convolution.
template <class T>
void tap_conv(const TapConv& v, const TapList& taps, const Epilogue<T>& epilogue, const T* in, const T* w, T* out,
              Workspace& workspace) {
  const TileExtents shape = tile_shape<T>();
  const std::vector<index_t> place = v.column_places();
  T* const packed = workspace.allocate<T>("conv2d", {v.packed_size(shape)});
  pack_weights(v, shape, place, w, packed);
  const std::vector<AxisTapGroup> rows = axis_tap_groups(taps.rows), cols = axis_tap_groups(taps.cols);
  const std::vector<TapTask> tasks = tap_tasks(v, shape, rows, cols);
  parallel_chunks(static_cast<index_t>(tasks.size()), [&](index_t i, int) {
    TapTaskRun<T>(v, shape, place, tasks[static_cast<std::size_t>(i)], in, packed, out).run(epilogue);
  });
}

}  // namespace tinygan::cpu::detail
