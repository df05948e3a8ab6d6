// Convolutions with one channel on a side, where a panel of output channels would be nearly empty.
//
//   one_channel_conv:         out(N,P,Q,1) = epilogue(sum over taps (i,t) of <in[i,:], w[t,:]>)
//     First every input pixel times every filter tap: products(pixel, tap) = in(pixels, C) w(taps, C)^T, a matrix
//     product with the pixels' rows in place. Then an output adds the products of its tap list.
//   one_channel_weight_grad:  dw(taps, channels) = sum over pairs of u[pixel] v[pixel', :], u(N,h,w,1) and
//     v(N,h,w,channels). The taps are the rows of the micro-kernel: each reads a shifted copy of u, framed by zeros,
//     along a row of v.
//
// Ownership:    a task owns a block of output rows of an image; or one split of the rows of v and its partial sums.
// Cost:         2 FLOPs per pixel, tap and channel, those that fall outside the image included (some 10-30 % more).
// Determinism:  blocks and splits depend on the shape alone; partial sums are added in order.
#pragma once

#include <vector>

#include <tinygan/cpu/conv_taps.hpp>
#include <tinygan/cpu/select.hpp>

namespace tinygan::cpu::detail {

// ---- one channel out ------------------------------------------------------------------------------------------------

struct OneChannelPlan {
  TileExtents shape;
  index_t taps, stride;       // columns of the products: used, padded
  index_t out_rows, in_rows;  // of one task; the input rows are an upper bound

  index_t weights(const TapConv& v) const { return padded({v.C, stride}); }
  index_t products(const TapConv& v) const { return padded({in_rows, v.W, stride}); }

  static index_t padded(std::initializer_list<index_t> extents) {
    return (tinygan::detail::product("conv2d", extents) + 63) / 64 * 64;
  }
};

/// Input rows [first, last) that the output rows [begin, end) read.
inline std::pair<index_t, index_t> input_rows(const AxisTaps& rows, index_t begin, index_t end) {
  index_t first = 0, last = 0;
  for (index_t o = begin; o < end; ++o)
    for (const Tap& t : rows.at(o)) {
      first = last == 0 ? t.in : std::min<index_t>(first, t.in);
      last = std::max<index_t>(last, t.in + 1);
    }
  return {first, last};
}

template <class T>
OneChannelPlan one_channel_plan(const TapConv& v, const TapList& taps) {
  OneChannelPlan p{};
  p.shape = tile_shape<T>();
  p.taps = v.R * v.S;
  p.stride = p.shape.padded(p.taps);
  // Rows per task: as many as keep the products within their bound, at least one.
  const index_t row_bytes = v.W * p.stride * static_cast<index_t>(sizeof(T));
  p.out_rows = v.P;
  for (;;) {
    p.in_rows = 0;
    for (index_t o = 0; o < v.P; o += p.out_rows) {
      const auto [first, last] = input_rows(taps.rows, o, std::min(v.P, o + p.out_rows));
      p.in_rows = std::max(p.in_rows, last - first);
    }
    if (p.out_rows == 1 || p.in_rows * row_bytes <= OneChannelPolicy::product_bytes) return p;
    p.out_rows = (p.out_rows + 1) / 2;
  }
}

/// products(pixel, tap) for `pixels` contiguous pixels.
template <class T>
void tap_products(const TapConv& v, const OneChannelPlan& p, const T* in, index_t pixels, const T* weights,
                  T* products) {
  const index_t zero = 0;
  index_t in_rows[max_tile_rows], product_rows[max_tile_rows];
  for (int i = 0; i < max_tile_rows; ++i) in_rows[i] = i * v.C, product_rows[i] = i * p.stride;
  for (index_t m = 0; m < pixels; m += p.shape.rows) {
    for (index_t j = 0; j < p.shape.rows * v.C; j += static_cast<index_t>(64 / sizeof(T)))
      __builtin_prefetch(in + (m + p.shape.rows) * v.C + j);  // the next tile's rows
    for (index_t t0 = 0; t0 < p.taps; t0 += p.shape.width) {
      const index_t width = p.shape.panel_width(std::min(p.shape.width, p.taps - t0));
      run_tile(p.shape,
               Tile<T>{in + m * v.C, in_rows, &zero, 1, weights + t0 * v.C, &zero, width, 1, v.C,
                       products + m * p.stride + t0, product_rows, false},
               static_cast<int>(std::min<index_t>(p.shape.rows, pixels - m)), width, width);
    }
  }
}

/// Where one tap of one output column finds its product: product[in * stride + filter] of a row.
struct ColumnSource {
  index_t out, product;
};

/// Filter column by filter column: one loop of constant length, and sums of neighbours that do not wait for each other.
inline std::vector<ColumnSource> column_sources(const TapConv& v, const OneChannelPlan& p, const AxisTaps& cols) {
  std::vector<ColumnSource> sources;
  for (index_t s = 0; s < v.S; ++s)
    for (index_t out = 0; out < v.Q; ++out)
      for (const Tap& t : cols.at(out))
        if (t.filter == s) sources.push_back({out, t.in * p.stride + s});
  return sources;
}

template <class T>
void one_channel_conv(const TapConv& v, const TapList& taps, const Epilogue<T>& epilogue, const T* in, const T* w,
                      T* out, Workspace& workspace) {
  const OneChannelPlan p = one_channel_plan<T>(v, taps);
  T* const weights =
      workspace.allocate<T>("conv2d", {p.weights(v), OneChannelPlan::padded({threads(), p.products(v)})});
  T* const products = weights + p.weights(v);
  for (index_t t0 = 0; t0 < p.taps; t0 += p.shape.width) {
    const index_t columns = std::min(p.shape.width, p.taps - t0);
    pack_panel_transposed(w + t0 * v.C, v.C, v.C, columns, p.shape.panel_width(columns), weights + t0 * v.C);
  }
  const std::vector<ColumnSource> columns = column_sources(v, p, taps.cols);
  const index_t blocks = (v.P + p.out_rows - 1) / p.out_rows;
  parallel_chunks(v.N * blocks, [&](index_t task, int worker) {
    const index_t n = task / blocks, begin = task % blocks * p.out_rows, end = std::min(v.P, begin + p.out_rows);
    const auto [first, last] = input_rows(taps.rows, begin, end);
    T* mine = products + worker * p.products(v);
    tap_products(v, p, in + (n * v.H + first) * v.W * v.C, (last - first) * v.W, static_cast<const T*>(weights), mine);
    for (index_t o = begin; o < end; ++o) {
      T* row = out + (n * v.P + o) * v.Q;
      std::fill(row, row + v.Q, epilogue.bias ? epilogue.bias[0] : T(0));
      for (const Tap& r : taps.rows.at(o)) {
        const T* from = mine + (r.in - first) * v.W * p.stride + r.filter * v.S;
        for (const ColumnSource& c : columns) row[c.out] += from[c.product];
      }
    }
    const index_t start = 0;
    finish_rows(Epilogue<T>{nullptr, epilogue.activation}, 0, out + (n * v.P + begin) * v.Q, &start, 1,
                (end - begin) * v.Q);
  });
}

// ---- weight gradient with one channel on a side ---------------------------------------------------------------------

/// u, framed by zeros and spread by `spread`, against the pixel rows of v: tap (r,s) at pixel (i,j) of v meets the
/// frame at (i*step_h + tap_row(r), j*step_w + tap_col(s)).
struct OneChannelGrad {
  index_t N, u_h, u_w, v_h, v_w, channels, R, S;
  index_t step_h, step_w, frame_h, frame_w;
  index_t top, left, spread_h, spread_w;  // u[a][b] lies at frame (top + a*spread_h, left + b*spread_w)
  index_t tap_h, tap_w;                   // steps from tap to tap, negative where the taps run backwards
  index_t first_tap;                      // frame offset of tap (0,0)

  static OneChannelGrad of(const ConvDims& d) {
    const index_t reach_h = (d.R - 1) * d.dilation_h, reach_w = (d.S - 1) * d.dilation_w;
    OneChannelGrad o{};
    o.N = d.N, o.R = d.R, o.S = d.S;
    if (d.C == 1) {  // u = x, v = g
      o.u_h = d.H, o.u_w = d.W, o.v_h = d.P, o.v_w = d.Q, o.channels = d.K;
      o.step_h = d.stride_h, o.step_w = d.stride_w;
      o.frame_h = (d.P - 1) * d.stride_h + reach_h + 1, o.frame_w = (d.Q - 1) * d.stride_w + reach_w + 1;
      o.top = d.pad_top, o.left = d.pad_left, o.spread_h = o.spread_w = 1;
      o.tap_h = d.dilation_h, o.tap_w = d.dilation_w;
    } else {  // u = g, v = x: x at (h,w) meets g at (h + pad - r*dilation) / stride
      o.u_h = d.P, o.u_w = d.Q, o.v_h = d.H, o.v_w = d.W, o.channels = d.C;
      o.step_h = o.step_w = 1;
      o.frame_h = d.H + reach_h, o.frame_w = d.W + reach_w;
      o.top = reach_h - d.pad_top, o.left = reach_w - d.pad_left, o.spread_h = d.stride_h, o.spread_w = d.stride_w;
      o.tap_h = -d.dilation_h, o.tap_w = -d.dilation_w;
      o.first_tap = reach_h * o.frame_w + reach_w;
    }
    return o;
  }

  index_t rows() const { return N * v_h; }
  index_t splits() const {
    return std::clamp<index_t>(rows() / OneChannelPolicy::split_rows, 1, OneChannelPolicy::splits);
  }
  index_t tap_offset(index_t tap) const { return first_tap + tap / S * tap_h * frame_w + tap % S * tap_w; }

  // Elements of the partial sums of a split; of the frame and the packed last panel of a thread.
  index_t partial_size() const { return (R * S * channels + 63) / 64 * 64; }
  index_t frame() const { return (product({frame_h, frame_w}) + 63) / 64 * 64; }
  index_t last_panel(const TileExtents& shape) const {
    return OneChannelPolicy::row_block * v_w * shape.panel_width(channels % shape.width);
  }

  static index_t product(std::initializer_list<index_t> extents) {
    return tinygan::detail::product("conv2d_weight_grad", extents);
  }
};

/// The frame of image n, in the frame's own coordinates.
template <class T>
void fill_frame(const OneChannelGrad& o, const T* u, T* frame) {
  std::fill(frame, frame + o.frame_h * o.frame_w, T(0));
  for (index_t a = 0; a < o.u_h; ++a) {
    const index_t row = o.top + a * o.spread_h;
    if (row < 0 || row >= o.frame_h) continue;
    for (index_t b = 0; b < o.u_w; ++b) {
      const index_t col = o.left + b * o.spread_w;
      if (col >= 0 && col < o.frame_w) frame[row * o.frame_w + col] = u[a * o.u_w + b];
    }
  }
}

/// Rows [begin, end) of one image of v against its frame, added to dw or stored into it.
template <class T>
void one_channel_rows(const OneChannelGrad& o, const TileExtents& shape, const T* frame, const T* v, index_t begin,
                      index_t end, T* last_panel, T* dw, bool accumulate) {
  const index_t taps = o.R * o.S, count = end - begin;
  index_t frame_rows[OneChannelPolicy::row_block], v_rows[OneChannelPolicy::row_block];
  for (index_t i = 0; i < count; ++i) frame_rows[i] = (begin + i) * o.step_h * o.frame_w, v_rows[i] = i * o.v_w;
  v += begin * o.v_w * o.channels;
  for (index_t k0 = 0; k0 < o.channels; k0 += shape.width) {
    const index_t columns = std::min(shape.width, o.channels - k0), width = shape.panel_width(columns);
    const T* panel = v + k0;
    index_t step = o.channels;
    if (columns < width) {  // in place, a read past the last channel could exceed the tensor
      pack_panel(panel, o.channels, count * o.v_w, columns, width, last_panel);
      panel = last_panel;
      step = width;
    }
    for (index_t tap = 0; tap < taps; tap += shape.rows) {
      const int rows = static_cast<int>(std::min<index_t>(shape.rows, taps - tap));
      index_t tap_rows[max_tile_rows], dw_rows[max_tile_rows];
      for (int i = 0; i < rows; ++i) tap_rows[i] = o.tap_offset(tap + i), dw_rows[i] = (tap + i) * o.channels;
      run_tile(shape,
               Tile<T>{frame, tap_rows, frame_rows, o.step_w, panel, v_rows, step, count, o.v_w, dw + k0, dw_rows,
                       accumulate},
               rows, columns, width);
    }
  }
}

/// dw(R,S,C,K) where C or K is 1.
template <class T>
void one_channel_weight_grad(const ConvDims& d, const T* x, const T* g, T* dw, Workspace& workspace) {
  const OneChannelGrad o = OneChannelGrad::of(d);
  const TileExtents shape = tile_shape<T>();
  const T *u = d.C == 1 ? x : g, *v = d.C == 1 ? g : x;
  const index_t splits = o.splits(), size = o.R * o.S * o.channels;
  const index_t sums = OneChannelGrad::product({splits, o.partial_size()}),
                per_thread = o.frame() + o.last_panel(shape);
  T* const partial_sums =
      workspace.allocate<T>("conv2d_weight_grad", {sums, OneChannelGrad::product({threads(), per_thread})});
  T* const frames = partial_sums + sums;
  parallel_chunks(splits, [&](index_t split, int worker) {
    T* frame = frames + worker * per_thread;
    T* mine = partial_sums + split * o.partial_size();
    const index_t first = o.rows() * split / splits, end = o.rows() * (split + 1) / splits;
    for (index_t row = first; row < end;) {
      const index_t n = row / o.v_h, i = row % o.v_h;
      const index_t count = std::min({OneChannelPolicy::row_block, o.v_h - i, end - row});
      if (i == 0 || row == first) fill_frame(o, u + n * o.u_h * o.u_w, frame);
      one_channel_rows(o, shape, static_cast<const T*>(frame), v + n * o.v_h * o.v_w * o.channels, i, i + count,
                       frame + o.frame(), mine, row > first);
      row += count;
    }
  });
  parallel_for(size, 1024, [&](index_t begin, index_t end) {
    for (index_t i = begin; i < end; ++i) {
      T sum = partial_sums[i];
      for (index_t split = 1; split < splits; ++split) sum += partial_sums[split * o.partial_size() + i];
      dw[i] = sum;
    }
  });
}

}  // namespace tinygan::cpu::detail
