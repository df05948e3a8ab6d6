// Tap lists: the one description of every convolution (docs/kernels/taps.md).
//
// An output pixel p is a sum over taps: out[p] += in[q] W[t] for each (q, t) in taps(p). A list holds only taps that
// touch data, and it is the product of a row list and a column list, so it stays tiny. Convolution and its adjoint
// (the input gradient, which is transposed convolution) differ in nothing but their lists.
#pragma once

#include <span>
#include <vector>

#include <tinygan/backend/conv_dims.hpp>

namespace tinygan {

/// Along one axis: the input coordinate read and the filter coordinate it meets.
struct Tap {
  int in;
  int filter;
};

/// The taps of every output coordinate of one axis, in increasing filter order; a coordinate may have none.
class AxisTaps {
 public:
  /// The pairs of input coordinate and filter tap that contribute to output coordinate `out`.
  std::span<const Tap> at(index_t out) const {
    const auto i = static_cast<std::size_t>(out);
    return {taps_.data() + first_[i], first_[i + 1] - first_[i]};
  }
  index_t outputs() const { return static_cast<index_t>(first_.size()) - 1; }
  /// Number of (output, tap) pairs.
  index_t pairs() const { return static_cast<index_t>(taps_.size()); }

  /// out = p in [0,P), in = p*stride + r*dilation - pad in [0,H).
  static AxisTaps forward(index_t H, index_t P, index_t R, index_t stride, index_t pad, index_t dilation) {
    AxisTaps list;
    for (index_t p = 0; p < P; ++p) {
      for (index_t r = 0; r < R; ++r) list.add(p * stride + r * dilation - pad, r, H);
      list.close();
    }
    return list;
  }

  /// The same pairs from the other side: out = h in [0,H), in = (h + pad - r*dilation) / stride in [0,P) where exact.
  static AxisTaps adjoint(index_t H, index_t P, index_t R, index_t stride, index_t pad, index_t dilation) {
    AxisTaps list;
    for (index_t h = 0; h < H; ++h) {
      for (index_t r = 0; r < R; ++r) {
        const index_t from = h + pad - r * dilation;
        if (from >= 0 && from % stride == 0) list.add(from / stride, r, P);
      }
      list.close();
    }
    return list;
  }

 private:
  void add(index_t in, index_t filter, index_t extent) {
    if (in >= 0 && in < extent) taps_.push_back({static_cast<int>(in), static_cast<int>(filter)});
  }
  void close() { first_.push_back(taps_.size()); }

  std::vector<std::size_t> first_{0};
  std::vector<Tap> taps_;
};

/// taps((row, col)) = rows.at(row) x cols.at(col).
struct TapList {
  AxisTaps rows, cols;
};

/// x -> y: taps of output pixel (p,q) read x at (h,w).
inline TapList forward_taps(const ConvDims& d) {
  return {AxisTaps::forward(d.H, d.P, d.R, d.stride_h, d.pad_top, d.dilation_h),
          AxisTaps::forward(d.W, d.Q, d.S, d.stride_w, d.pad_left, d.dilation_w)};
}

/// g -> dx: taps of input pixel (h,w) read g at (p,q).
inline TapList adjoint_taps(const ConvDims& d) {
  return {AxisTaps::adjoint(d.H, d.P, d.R, d.stride_h, d.pad_top, d.dilation_h),
          AxisTaps::adjoint(d.W, d.Q, d.S, d.stride_w, d.pad_left, d.dilation_w)};
}

/// Multiply-adds that touch data, the same for all three partials; nominal counts P*Q*R*S whether or not they do.
inline index_t exact_macs(const ConvDims& d) {
  const TapList t = forward_taps(d);
  return detail::product("exact_macs", {d.N, d.C, d.K, t.rows.pairs(), t.cols.pairs()});
}
/// Multiply-adds if every output saw the whole filter, padding included: N P Q R S C K.
inline index_t nominal_macs(const ConvDims& d) {
  return detail::product("nominal_macs", {d.N, d.C, d.K, d.P, d.Q, d.R, d.S});
}

}  // namespace tinygan
