// A convolution in cuDNN's terms: its layouts and its padding.
//
// cuDNN pads both sides alike. Keras' `same` does not where the stride is 2; then the problem turned by 180 degrees,
// images and filters both, is padded alike up to rows that no output reads, and is what cuDNN gets: the same work
// exactly.
#pragma once

#include <algorithm>

#include <tinygan/backend/conv_dims.hpp>
#include <tinygan/cpu/thread_pool.hpp>

namespace tinygan::bench::gpu {

/// A size along both axes.
struct Pair {
  index_t h, w;
};

/// Padding on both sides alike that gives the same outputs, after turning if `turned`.
struct EvenPadding {
  bool turned = false;
  Pair pad{};

  explicit EvenPadding(const ConvDims& d) {
    const auto behind = [](index_t outputs, index_t stride, index_t extent, index_t size, index_t front) {
      return (outputs - 1) * stride + extent - size - front;
    };
    const Pair front{d.pad_top, d.pad_left};
    const Pair back{behind(d.P, d.stride_h, (d.R - 1) * d.dilation_h + 1, d.H, front.h),
                    behind(d.Q, d.stride_w, (d.S - 1) * d.dilation_w + 1, d.W, front.w)};
    turned = back.h > front.h || back.w > front.w;
    pad = turned ? back : front;
    const Pair other = turned ? front : back;
    check(pad.h >= other.h && pad.h - other.h < d.stride_h && pad.w >= other.w && pad.w - other.w < d.stride_w, "cuDNN",
          "padding ", front.h, ',', front.w, " and ", back.h, ',', back.w, " cannot be made even");
  }
};

/// A tensor between tinygan's layout and one of cuDNN's. Images: (outer, pixels, inner), cuDNN's NHWC or NCHW. Filters:
/// (pixels, C, K), cuDNN's (K, pixels, C) or (K, C, pixels).
struct Arrangement {
  index_t outer, pixels, inner;
  bool filter, turned, planar;

  index_t size() const { return outer * pixels * inner; }
  /// Where cuDNN has the element that tinygan has at (o, p, i) or, of a filter, at (p, c = i, k = o).
  index_t theirs(index_t o, index_t p, index_t i) const {
    const index_t q = turned ? pixels - 1 - p : p;
    return planar ? (o * inner + i) * pixels + q : (o * pixels + q) * inner + i;
  }
  index_t ours(index_t o, index_t p, index_t i) const {
    return filter ? (p * inner + i) * outer + o : (o * pixels + p) * inner + i;
  }
  /// f(ours, theirs) for every element, by all threads of the pool.
  template <class F>
  void for_each(const F& f) const {
    cpu::parallel_for(outer, std::max<index_t>(1, (1 << 14) / (pixels * inner)), [&](index_t begin, index_t end) {
      for (index_t o = begin; o < end; ++o)
        for (index_t p = 0; p < pixels; ++p)
          for (index_t i = 0; i < inner; ++i) f(ours(o, p, i), theirs(o, p, i));
    });
  }
};

}  // namespace tinygan::bench::gpu
