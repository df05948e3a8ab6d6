// Convolution of every channel by itself: y(N,P,Q,C) = sum over taps of x(N,H,W,C) w(R,S,C), and the other two
// partials.
//
// Work is split by output rows for y and dx, whose pixels add their taps in the order of the tap lists, a vector of
// channels at a time. dw is summed over blocks of images, whose partial sums are added in double and in order. The cut
// depends on the extents only: same bits at any number of threads. Cost: 2 R S FLOPs for each element of y, from L1.
#pragma once

#include <algorithm>
#include <type_traits>

#include <tinygan/backend/taps.hpp>
#include <tinygan/backend/workspace.hpp>
#include <tinygan/base/stream.hpp>
#include <tinygan/cpu/map.hpp>

namespace tinygan::cpu {

namespace detail {

/// f(c, v) for all channels: v is a vector where a whole one begins at channel c, else a single element; it is 0.
template <class T, class F>
TINYGAN_INLINE void for_channels(index_t C, const F& f) {
  dispatch_for<T>([&](auto isa) TINYGAN_INLINE_LAMBDA {
    using Arch = decltype(isa);
    index_t c = 0;
    for (; c + lanes<T, Arch> <= C; c += lanes<T, Arch>) {
      Vec<T, Arch> v = {};
      f(c, v);
    }
    for (; c < C; ++c) {
      T v = 0;
      f(c, v);
    }
  });
}

/// sum += a b of the elements or vectors that begin there.
template <class V, class T>
TINYGAN_INLINE void multiply_add(const T* a, const T* b, V& sum) {
  V x, y;
  __builtin_memcpy(&x, a, sizeof(V));
  __builtin_memcpy(&y, b, sizeof(V));
  sum += x * y;
}

/// out(N, rows, columns, C) = sum over taps of in(N, in_rows, in_columns, C) w(R,S,C).
template <class T>
void depthwise_pixels(const TapList& taps, index_t N, index_t in_rows, index_t in_columns, index_t S, index_t C,
                      const T* in, const T* w, T* out) {
  const index_t rows = taps.rows.outputs(), columns = taps.cols.outputs();
  parallel_for(N * rows, chunk_rows(columns * C), [&](index_t begin, index_t end) {
    for (index_t line = begin; line < end; ++line) {
      const std::span<const Tap> down = taps.rows.at(line % rows);
      const T* const image = in + line / rows * in_rows * in_columns * C;
      T* const to = out + line * columns * C;
      for_channels<T>(C, [&](index_t c, auto& sum) TINYGAN_INLINE_LAMBDA {
        for (index_t q = 0; q < columns; ++q) {
          sum = std::remove_reference_t<decltype(sum)>{};
          for (const Tap& row : down)
            for (const Tap& column : taps.cols.at(q))
              multiply_add(image + (row.in * in_columns + column.in) * C + c,
                           w + (row.filter * S + column.filter) * C + c, sum);
          __builtin_memcpy(to + q * C + c, &sum, sizeof(sum));
        }
      });
    }
  });
}

}  // namespace detail

template <class T>
void depthwise_conv2d(const ConvDims& d, const T* x, const T* w, T* y, Stream) {
  detail::depthwise_pixels(forward_taps(d), d.N, d.H, d.W, d.S, d.C, x, w, y);
}

template <class T>
void depthwise_conv2d_input_grad(const ConvDims& d, const T* g, const T* w, T* dx, Stream) {
  detail::depthwise_pixels(adjoint_taps(d), d.N, d.P, d.Q, d.S, d.C, g, w, dx);
}

template <class T>
void depthwise_conv2d_weight_grad(const ConvDims& d, const T* x, const T* g, T* dw, Workspace& workspace, Stream) {
  constexpr index_t most_blocks = 32;
  const TapList taps = forward_taps(d);
  const index_t images = (d.N + most_blocks - 1) / most_blocks, blocks = (d.N + images - 1) / images;
  const index_t size = d.R * d.S * d.C;
  T* const partial = workspace.allocate<T>("depthwise_conv2d_weight_grad", {blocks * size});  // (blocks, R, S, C)
  parallel_for(blocks, 1, [&](index_t begin, index_t end) {
    for (index_t block = begin; block < end; ++block) {
      T* const sums = std::fill_n(partial + block * size, size, T(0)) - size;
      for (index_t n = block * images; n < std::min(d.N, (block + 1) * images); ++n)
        for (index_t p = 0; p < d.P; ++p)
          detail::for_channels<T>(d.C, [&](index_t c, auto& sum) TINYGAN_INLINE_LAMBDA {
            for (const Tap& row : taps.rows.at(p))
              for (index_t q = 0; q < d.Q; ++q)
                for (const Tap& column : taps.cols.at(q)) {
                  T* const at = sums + (row.filter * d.S + column.filter) * d.C + c;
                  __builtin_memcpy(&sum, at, sizeof(sum));
                  detail::multiply_add(x + ((n * d.H + row.in) * d.W + column.in) * d.C + c,
                                       g + ((n * d.P + p) * d.Q + q) * d.C + c, sum);
                  __builtin_memcpy(at, &sum, sizeof(sum));
                }
          });
    }
  });
  for (index_t i = 0; i < size; ++i) {
    double sum = 0;
    for (index_t block = 0; block < blocks; ++block) sum += static_cast<double>(partial[block * size + i]);
    dw[i] = static_cast<T>(sum);
  }
}

}  // namespace tinygan::cpu
