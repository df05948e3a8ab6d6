// Images (N,H,W,C): translation by an offset and erasure of a window, per image.
//
// Work is split by image rows, which are copied in at most three stretches. What lies outside is set to zero, not
// multiplied by it, so no NaN of x remains there. Cost: x read and y written once.
#pragma once

#include <algorithm>
#include <cstdint>

#include <tinygan/backend/image_dims.hpp>
#include <tinygan/base/stream.hpp>
#include <tinygan/cpu/map.hpp>

namespace tinygan::cpu {

template <class T>
void translate(const TranslateDims& d, const std::int32_t* offset, const T* x, T* y, Stream) {
  const index_t size = d.W * d.C;  // of a row
  parallel_for(d.N * d.H, chunk_rows(size), [&](index_t begin, index_t end) {
    for (index_t row = begin; row < end; ++row) {
      const index_t n = row / d.H, from = row % d.H - d.sign * index_t{offset[2 * n]};
      const index_t shift = std::clamp(d.sign * index_t{offset[2 * n + 1]}, -d.W, d.W) * d.C;
      T* const to = y + row * size;
      if (from < 0 || from >= d.H) {
        std::fill_n(to, size, T(0));
        continue;
      }
      const index_t first = std::max<index_t>(shift, 0), last = size + std::min<index_t>(shift, 0);
      std::fill_n(to, first, T(0));
      std::copy_n(x + (n * d.H + from) * size + first - shift, last - first, to + first);
      std::fill_n(to + last, size - last, T(0));
    }
  });
}

template <class T>
void cutout(const CutoutDims& d, const std::int32_t* corner, const T* x, T* y, Stream) {
  const index_t size = d.W * d.C;
  parallel_for(d.N * d.H, chunk_rows(size), [&](index_t begin, index_t end) {
    for (index_t row = begin; row < end; ++row) {
      const index_t n = row / d.H, below = row % d.H - corner[2 * n], left = corner[2 * n + 1];
      T* const to = y + row * size;
      std::copy_n(x + row * size, size, to);
      if (below < 0 || below >= d.rows) continue;
      const index_t first = std::clamp<index_t>(left, 0, d.W), last = std::clamp<index_t>(left + d.columns, 0, d.W);
      std::fill_n(to + first * d.C, (last - first) * d.C, T(0));
    }
  });
}

}  // namespace tinygan::cpu
