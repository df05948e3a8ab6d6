// The problem of one 2-D convolution, shared by its three partials and by transposed convolution.
#pragma once

#include <algorithm>
#include <limits>

#include <tinygan/base/shape.hpp>

namespace tinygan {

/// Alphabet: x(N,H,W,C), w(R,S,C,K), y and g(N,P,Q,K);
///   y[n,p,q,k] = sum_{r,s,c} x[n, p*stride_h + r*dilation_h - pad_top, q*stride_w + s*dilation_w - pad_left, c] w[r,s,c,k]
/// with x = 0 outside. Bottom and right padding are whatever P and Q imply.
struct ConvDims {
  index_t N = 0, H = 0, W = 0, C = 0;
  index_t R = 0, S = 0, K = 0;
  index_t P = 0, Q = 0;
  index_t stride_h = 1, stride_w = 1;
  index_t pad_top = 0, pad_left = 0;
  index_t dilation_h = 1, dilation_w = 1;

  Shape x_shape() const { return {N, H, W, C}; }
  Shape w_shape() const { return {R, S, C, K}; }
  Shape y_shape() const { return {N, P, Q, K}; }

  friend bool operator==(const ConvDims&, const ConvDims&) = default;
};

/// The three slots of the trilinear form <x,w,g>; a convolution kernel computes the partial in one of them.
enum class ConvSlot { x, w, g };

/// Padding of the convolution: Keras' "same" and "valid", or an explicit amount per side.
struct Padding {
  /// How the amounts are chosen.
  enum class Kind { same, valid, explicit_ } kind = Kind::valid;
  index_t top = 0, bottom = 0, left = 0, right = 0;

  /// As much as makes the output ceil(input / stride) pixels, the odd one at the end, as Keras does.
  static constexpr Padding same() { return {Kind::same}; }
  /// None: windows stay inside the input.
  static constexpr Padding valid() { return {Kind::valid}; }
  /// p pixels on every side.
  static constexpr Padding all(index_t p) { return {Kind::explicit_, p, p, p, p}; }
  /// An amount for each side.
  static constexpr Padding sides(index_t top, index_t bottom, index_t left, index_t right) {
    return {Kind::explicit_, top, bottom, left, right};
  }
};

/// Rows and columns that a transposed convolution adds to its output, at the bottom and on the right: PyTorch's
/// output_padding. A single number stands for both axes, less one of stride 1 and dilation 1, where only 0 is possible.
struct OutputPadding {
  constexpr OutputPadding(index_t both = 0) : h(both), w(both), single(true) {}  // NOLINT: implicit
  constexpr OutputPadding(index_t rows, index_t columns) : h(rows), w(columns) {}

  index_t h, w;
  bool single = false;
};

/// Stride, dilation and padding of a convolution.
struct ConvOptions {
  index_t stride_h = 1, stride_w = 1;
  Padding padding = Padding::valid();
  index_t dilation_h = 1, dilation_w = 1;
};

namespace detail {

/// Limit of image and filter extents, strides, dilations and padding: taps count in 32 bits, and two factors never
/// overflow.
inline constexpr index_t max_conv_extent = std::numeric_limits<std::int32_t>::max();

inline void check_conv_extent(const char* op, const char* what, index_t extent) {
  check(extent >= 1 && extent <= max_conv_extent, op, what, " ", extent, ", expected 1 to ", max_conv_extent);
}

/// Throws Error on an extent out of range and on an operand of more than max_elements.
inline void check_dims(const char* op, const ConvDims& d) {
  for (index_t extent : {d.H, d.W}) check_conv_extent(op, "input extent", extent);
  for (index_t extent : {d.R, d.S}) check_conv_extent(op, "filter extent", extent);
  for (index_t extent : {d.P, d.Q}) check_conv_extent(op, "output extent", extent);
  for (index_t extent : {d.stride_h, d.stride_w}) check_conv_extent(op, "stride", extent);
  for (index_t extent : {d.dilation_h, d.dilation_w}) check_conv_extent(op, "dilation", extent);
  check_conv_extent(op, "dilated filter extent", (d.R - 1) * d.dilation_h + 1);
  check_conv_extent(op, "dilated filter extent", (d.S - 1) * d.dilation_w + 1);
  check(d.N >= 1 && d.C >= 1 && d.K >= 1, op, "N ", d.N, ", C ", d.C, ", K ", d.K, ", expected at least 1");
  product(op, {d.N, d.H, d.W, d.C});
  product(op, {d.R, d.S, d.C, d.K});
  product(op, {d.N, d.P, d.Q, d.K});
}

/// One axis of a convolution: the output extent and the padding before.
struct ConvAxis {
  index_t out, pad;
};

inline void check_conv_options(const char* op, const ConvOptions& o) {
  check(o.stride_h >= 1 && o.stride_w >= 1, op, "stride ", o.stride_h, "x", o.stride_w, ", expected at least 1x1");
  check(o.dilation_h >= 1 && o.dilation_w >= 1, op, "dilation ", o.dilation_h, "x", o.dilation_w,
        ", expected at least 1x1");
  for (index_t stride : {o.stride_h, o.stride_w}) check_conv_extent(op, "stride", stride);
  for (index_t dilation : {o.dilation_h, o.dilation_w}) check_conv_extent(op, "dilation", dilation);
  const Padding& p = o.padding;
  check(p.top >= 0 && p.bottom >= 0 && p.left >= 0 && p.right >= 0, op, "negative padding (top ", p.top, ", bottom ",
        p.bottom, ", left ", p.left, ", right ", p.right, ")");
  for (index_t side : {p.top, p.bottom, p.left, p.right})
    check(side <= max_conv_extent, op, "padding ", side, ", expected at most ", max_conv_extent);
}

/// The extent of a filter with gaps. Throws Error where an extent is out of range.
inline index_t dilated_extent(const char* op, index_t image, index_t kernel, index_t dilation) {
  check_conv_extent(op, "input extent", image);
  check_conv_extent(op, "filter extent", kernel);
  const index_t extent = (kernel - 1) * dilation + 1;
  check_conv_extent(op, "dilated filter extent", extent);
  return extent;
}

inline ConvAxis conv_axis(const char* op, index_t in, index_t kernel, index_t stride, index_t dilation,
                          Padding::Kind kind, index_t before, index_t after) {
  const index_t extent = dilated_extent(op, in, kernel, dilation);
  if (kind == Padding::Kind::same) {
    const index_t out = (in + stride - 1) / stride;
    return {out, std::max<index_t>((out - 1) * stride + extent - in, 0) / 2};
  }
  const index_t room = in + before + after - extent;
  check(room >= 0, op, "kernel extent ", extent, " is larger than the padded input extent ", in + before + after);
  return {room / stride + 1, before};
}

/// The output padding of both axes. Throws Error unless each is less than the axis' stride or dilation, and on one
/// under `same`, whose extents are fixed.
inline OutputPadding check_output_padding(const char* op, OutputPadding p, const ConvOptions& o) {
  const OutputPadding given = p;
  const index_t limit_h = std::max(o.stride_h, o.dilation_h), limit_w = std::max(o.stride_w, o.dilation_w);
  if (p.single && std::max(limit_h, limit_w) > 1) p = {limit_h > 1 ? p.h : 0, limit_w > 1 ? p.w : 0};
  const auto shown = [&] { return given.single ? text(given.h) : text(given.h, "x", given.w); };
  if (p.h < 0 || p.h >= limit_h || p.w < 0 || p.w >= limit_w)
    fail(op, "output padding ", shown(), ", expected 0 or less than the stride ", o.stride_h, "x", o.stride_w);
  if (o.padding.kind == Padding::Kind::same && (p.h > 0 || p.w > 0))
    fail(op, "output padding ", shown(),
         " under `same` padding, whose output is the input times the stride; use explicit padding");
  return p;
}

/// The hint for an image whose channels seem to come first, or nothing.
inline std::string channels_first_hint(const Shape& x, index_t channels) {
  if (x.rank() != 4 || x[1] != channels || x[3] == channels) return {};
  return "; channels come last, (N,H,W,C), and this looks like (N,C,H,W): ops::permute(x, {0, 2, 3, 1})";
}

/// Input extent whose convolution has the output extent `out`, as Keras' and PyTorch's transposed layers define it.
inline ConvAxis conv_transpose_axis(const char* op, index_t out, index_t kernel, index_t stride, index_t dilation,
                                    Padding::Kind kind, index_t before, index_t after, index_t output_padding) {
  const index_t extent = dilated_extent(op, out, kernel, dilation);
  check_conv_extent(op, "output extent", out * stride);
  if (kind == Padding::Kind::same) {
    const index_t in = out * stride;
    return {in, std::max<index_t>((out - 1) * stride + extent - in, 0) / 2};
  }
  if (kind == Padding::Kind::valid) return {out * stride + std::max<index_t>(extent - stride, 0) + output_padding, 0};
  const index_t in = (out - 1) * stride + extent - before - after + output_padding;
  check(in >= 1, op, "output extent ", in, " of an input extent ", out, " with padding ", before, "+", after,
        ", expected at least 1");
  return {in, before};
}

}  // namespace detail

/// The convolution of x(N,H,W,C) with w(R,S,C,K). Throws Error on a wrong rank, channel mismatch or bad option.
inline ConvDims conv_dims(const Shape& x, const Shape& w, const ConvOptions& o, const char* op = "conv2d") {
  check(x.rank() == 4, op, "input ", x, " has rank ", x.rank(), ", expected 4 (N,H,W,C)");
  check(w.rank() == 4, op, "filter ", w, " has rank ", w.rank(), ", expected 4 (R,S,C,K)");
  check(x[3] == w[2], op, "input ", x, " has ", x[3], " channels, filter ", w, " expects ", w[2],
        detail::channels_first_hint(x, w[2]));
  detail::check_conv_options(op, o);
  const Padding& p = o.padding;
  const auto rows = detail::conv_axis(op, x[1], w[0], o.stride_h, o.dilation_h, p.kind, p.top, p.bottom);
  const auto cols = detail::conv_axis(op, x[2], w[1], o.stride_w, o.dilation_w, p.kind, p.left, p.right);
  // clang-format off
  const ConvDims d{.N = x[0], .H = x[1], .W = x[2], .C = x[3], .R = w[0], .S = w[1], .K = w[3], .P = rows.out, .Q = cols.out,
          .stride_h = o.stride_h, .stride_w = o.stride_w, .pad_top = rows.pad, .pad_left = cols.pad,
          .dilation_h = o.dilation_h, .dilation_w = o.dilation_w};
  // clang-format on
  detail::check_dims(op, d);
  return d;
}

/// The convolution whose adjoint maps g(N,P,Q,K) to x(N,H,W,C): transposed convolution with filter w(R,S,C,K), C being
/// the channels it puts out. Output extents: `same` H = P*stride; `valid` H = P*stride + max(extent - stride, 0)
/// (Keras); explicit H = (P-1)*stride + extent - before - after (PyTorch); plus output_padding in the last two. Throws
/// Error like conv_dims, on an output padding that is not below the axis' stride or dilation, and on one under `same`.
inline ConvDims conv_transpose_dims(const Shape& g, const Shape& w, const ConvOptions& o,
                                    OutputPadding output_padding = 0, const char* op = "conv2d_transpose") {
  check(g.rank() == 4, op, "input ", g, " has rank ", g.rank(), ", expected 4 (N,P,Q,K)");
  check(w.rank() == 4, op, "filter ", w, " has rank ", w.rank(), ", expected 4 (R,S,C,K)");
  check(g[3] == w[3], op, "input ", g, " has ", g[3], " channels, filter ", w, " expects ", w[3],
        detail::channels_first_hint(g, w[3]));
  detail::check_conv_options(op, o);
  const OutputPadding more = detail::check_output_padding(op, output_padding, o);
  const Padding& p = o.padding;
  const auto rows =
      detail::conv_transpose_axis(op, g[1], w[0], o.stride_h, o.dilation_h, p.kind, p.top, p.bottom, more.h);
  const auto cols =
      detail::conv_transpose_axis(op, g[2], w[1], o.stride_w, o.dilation_w, p.kind, p.left, p.right, more.w);
  // clang-format off
  const ConvDims d{.N = g[0], .H = rows.out, .W = cols.out, .C = w[2], .R = w[0], .S = w[1], .K = w[3], .P = g[1], .Q = g[2],
          .stride_h = o.stride_h, .stride_w = o.stride_w, .pad_top = rows.pad, .pad_left = cols.pad,
          .dilation_h = o.dilation_h, .dilation_w = o.dilation_w};
  // clang-format on
  detail::check_dims(op, d);
  return d;
}

}  // namespace tinygan
