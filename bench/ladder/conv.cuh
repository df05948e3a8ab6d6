// What the rungs of the ladder share: the problem, its taps and the way through them. docs/kernels/ladder.md tells the
// story.
//
//   y[n,p,q,k] = sum over r, s, c of x[n, p*stride + r - pad, q*stride + s - pad, c] w[r,s,c,k]      taps inside x only
#pragma once

#include <tinygan/backend/conv_dims.hpp>
#include <tinygan/base/stream.hpp>

#include "../../kernels/launch.cuh"

namespace tinygan::cuda {
namespace {

/// ConvDims in the width the kernels compute with; one stride, no dilation.
struct LadderConv {
  int N, H, W, C, R, S, K, P, Q, stride, pad_top, pad_left;

  LadderConv(const ConvDims& d, bool vectorised)
      : N(narrow(d.N)), H(narrow(d.H)), W(narrow(d.W)), C(narrow(d.C)), R(narrow(d.R)), S(narrow(d.S)), K(narrow(d.K)),
        P(narrow(d.P)), Q(narrow(d.Q)), stride(narrow(d.stride_h)), pad_top(narrow(d.pad_top)),
        pad_left(narrow(d.pad_left)) {
    check(d.stride_h == d.stride_w && d.dilation_h == 1 && d.dilation_w == 1, "ladder", "one stride and no dilation");
    check(!vectorised || (C % 4 == 0 && K % 4 == 0), "ladder", C, " and ", K, " channels, expected multiples of 4");
  }

 private:
  static int narrow(index_t i) { return static_cast<int>(i); }
};

/// The filter coordinates [first, end) with which an output coordinate meets data.
struct TapRange {
  int first, end;

  __device__ TapRange(int out, int stride, int pad, int extent, int filter) {
    const int offset = out * stride - pad;  // what coordinate 0 meets
    first = offset < 0 ? -offset : 0;
    end = extent - offset < filter ? extent - offset : filter;
    if (end < first) end = first;
  }
  __device__ int count() const { return end - first; }
};

/// The sum of one output pixel in steps: all its taps, of each tap all channels, `depth` at a time.
struct TapWalk {
  TapRange rows, columns;
  int chunks, depth, top, left, S;

  __device__ TapWalk(const LadderConv& d, int pixel, int step_depth)
      : rows(pixel / d.Q, d.stride, d.pad_top, d.H, d.R), columns(pixel % d.Q, d.stride, d.pad_left, d.W, d.S),
        chunks((d.C + step_depth - 1) / step_depth), depth(step_depth), top(pixel / d.Q * d.stride - d.pad_top),
        left(pixel % d.Q * d.stride - d.pad_left), S(d.S) {}

  __device__ int steps() const { return rows.count() * columns.count() * chunks; }

  struct Step {
    int h, w, tap, channel;  // the input pixel, the filter's r * S + s, and the first channel
  };
  __device__ Step at(int step) const {
    const int tap = step / chunks, r = rows.first + tap / columns.count(), s = columns.first + tap % columns.count();
    return {top + r, left + s, r * S + s, step % chunks * depth};
  }
};

/// Where x[n,h,w,c], w[tap,c,k] and y[n,pixel,k] lie.
__device__ inline index_t x_at(const LadderConv& d, int n, int h, int w, int c) {
  return ((index_t{n} * d.H + h) * d.W + w) * d.C + c;
}
__device__ inline index_t w_at(const LadderConv& d, int tap, int c, int k) {
  return (index_t{tap} * d.C + c) * d.K + k;
}
__device__ inline index_t y_at(const LadderConv& d, int n, int pixel, int k) {
  return (index_t{n} * d.P * d.Q + pixel) * d.K + k;
}

/// A block for each output pixel, tile of images and tile of output channels.
inline dim3 ladder_grid(const LadderConv& d, int images, int channels) {
  return {grid_extent(index_t{d.P} * d.Q), grid_extent(ceil_div(d.N, images), false),
          grid_extent(ceil_div(d.K, channels), false)};
}

}  // namespace
}  // namespace tinygan::cuda
