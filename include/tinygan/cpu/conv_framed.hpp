// Forward pass and input gradient of a few images, as by tap lists (conv_taps.hpp), of images framed by zeros.
//
// Pixels at the border have tap lists of their own, each of which reads its part of the packed filter for a pixel or
// two: an image of 7x7 reads a filter of 5x5 fourteen times. In a frame of zeros all pixels of a phase share one list.
//
// Cost:         2 FLOPs per pixel, tap and pair of channels, those that meet the frame included; a copy of the images;
//               the packed filter is read once a phase.
// Determinism:  a pixel adds its taps in the order of the filter.
// Infinities:   one in the filter meets zeros of the frame, whose product is NaN.
#pragma once

#include <algorithm>
#include <vector>

#include <tinygan/backend/taps.hpp>
#include <tinygan/cpu/conv_taps.hpp>
#include <tinygan/cpu/map.hpp>
#include <tinygan/cpu/select.hpp>

namespace tinygan::cpu::detail {

/// One axis with a frame that holds the input of every tap: coordinate i of the image is before + i.
struct FramedAxis {
  index_t before, extent;
  AxisTaps taps;
};

/// Forward: out reads in = out*stride + r*dilation - pad.
inline FramedAxis framed_forward(index_t in, index_t out, index_t filter, index_t stride, index_t pad,
                                 index_t dilation) {
  const index_t last = (out - 1) * stride + (filter - 1) * dilation - pad;
  const index_t extent = pad + std::max(in, last + 1);
  return {pad, extent, AxisTaps::forward(extent, out, filter, stride, 0, dilation)};
}

/// Input gradient: out reads in = (out + pad - r*dilation) / stride where that is exact.
inline FramedAxis framed_adjoint(index_t in, index_t out, index_t filter, index_t stride, index_t pad,
                                 index_t dilation) {
  const index_t before = std::max<index_t>(0, ((filter - 1) * dilation - pad) / stride);
  const index_t extent = before + std::max(in, (out - 1 + pad) / stride + 1);
  return {before, extent, AxisTaps::adjoint(out, extent, filter, stride, pad + before * stride, dilation)};
}

struct FramedConv {
  FramedAxis rows, cols;

  static FramedConv forward(const ConvDims& d) {
    return {framed_forward(d.H, d.P, d.R, d.stride_h, d.pad_top, d.dilation_h),
            framed_forward(d.W, d.Q, d.S, d.stride_w, d.pad_left, d.dilation_w)};
  }
  static FramedConv input_grad(const ConvDims& d) {
    return {framed_adjoint(d.P, d.H, d.R, d.stride_h, d.pad_top, d.dilation_h),
            framed_adjoint(d.Q, d.W, d.S, d.stride_w, d.pad_left, d.dilation_w)};
  }
};

/// Multiply-adds by these lists, and weights read, in multiply-adds.
inline double tap_list_cost(const TapConv& v, const AxisTaps& rows, const AxisTaps& cols) {
  const auto reads = [](const AxisTaps& axis) {
    double taps = 0;
    for (const AxisTapGroup& g : axis_tap_groups(axis)) taps += static_cast<double>(g.taps.size());
    return taps;
  };
  const auto pairs = static_cast<double>(rows.pairs()) * static_cast<double>(cols.pairs());
  return static_cast<double>(v.C * v.K) *
         (static_cast<double>(v.N) * pairs + FramedPolicy::read_cost * reads(rows) * reads(cols));
}

/// Whether the frame is expected to be faster, by the shape alone; `taps` are the lists without it.
inline bool framing_pays(const TapConv& v, const TapList& taps, const FramedConv& f) {
  return FramedPolicy::min_speedup * tap_list_cost(v, f.rows.taps, f.cols.taps) <
         tap_list_cost(v, taps.rows, taps.cols);
}

/// in(N,H,W,C) in the frame.
template <class T>
void fill_frames(const TapConv& v, const FramedConv& f, const T* in, T* frames) {
  parallel_for(v.N * f.rows.extent, chunk_rows(f.cols.extent * v.C), [&](index_t begin, index_t end) {
    for (index_t row = begin; row < end; ++row) {
      T* const to = frames + row * f.cols.extent * v.C;
      std::fill(to, to + f.cols.extent * v.C, T(0));
      const index_t h = row % f.rows.extent - f.rows.before;
      if (h < 0 || h >= v.H) continue;
      const T* const from = in + (row / f.rows.extent * v.H + h) * v.W * v.C;
      std::copy(from, from + v.W * v.C, to + f.cols.before * v.C);
    }
  });
}

/// The whole convolution. A task has one panel, so that a few pixels make tasks for several threads.
template <class T>
void framed_conv(TapConv v, const FramedConv& f, const Epilogue<T>& epilogue, const T* in, const T* w, T* out,
                 Workspace& workspace) {
  const TileExtents shape = tile_shape<T>();
  const std::vector<index_t> place = v.column_places();
  const index_t size = tinygan::detail::product("conv2d", {v.N, f.rows.extent, f.cols.extent, v.C});
  T* const packed = workspace.allocate<T>("conv2d", {v.packed_size(shape), size});
  T* const frames = packed + v.packed_size(shape);
  pack_weights(v, shape, place, w, packed);
  fill_frames(v, f, in, frames);
  v.H = f.rows.extent, v.W = f.cols.extent;
  const std::vector<AxisTapGroup> rows = axis_tap_groups(f.rows.taps), cols = axis_tap_groups(f.cols.taps);
  std::vector<TapTask> tasks;
  for (index_t panel = 0; panel < shape.panels(v.K); ++panel)
    for (const AxisTapGroup& r : rows)
      for (const AxisTapGroup& c : cols) {
        const auto count = v.N * static_cast<index_t>(r.outs.size() * c.outs.size());
        for (index_t m = 0; m < count; m += ConvPolicy::row_block)
          tasks.push_back({&r, &c, m, std::min(count, m + ConvPolicy::row_block), panel, panel + 1});
      }
  parallel_chunks(static_cast<index_t>(tasks.size()), [&](index_t i, int) {
    TapTaskRun<T>(v, shape, place, tasks[static_cast<std::size_t>(i)], frames, packed, out).run(epilogue);
  });
}

}  // namespace tinygan::cpu::detail
