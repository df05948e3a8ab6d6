// Packing: copies of matrix blocks in the order in which the micro-kernel reads them.
//
// A panel (K, width) holds `columns` columns of a matrix, row k at k*width, columns beyond the matrix zero.
// A row tile (K, rows) holds `rows` rows of a matrix, k by k, rows beyond the matrix zero.
#pragma once

#include <algorithm>
#include <cstring>
#include <utility>

#include <tinygan/base/shape.hpp>
#include <tinygan/cpu/simd.hpp>

namespace tinygan::cpu {

namespace detail {

/// dst[j][i] = src[i][j] for a square of one vector's lanes: log2(W) rounds of perfect shuffles, all in registers.
template <class T, class Arch>
TINYGAN_INLINE void transpose_square(const T* src, index_t src_stride, T* dst, index_t dst_stride) {
  constexpr int W = lanes<T, Arch>;
  Vec<T, Arch> v[W], shuffled[W];
#pragma GCC unroll 16
  for (int i = 0; i < W; ++i) v[i] = *vec<T, Arch>(src + i * src_stride);
#pragma GCC unroll 4
  for (int round = 1; round < W; round *= 2) {
#pragma GCC unroll 8
    for (int i = 0; i < W / 2; ++i)
      interleave(v[i], v[i + W / 2], shuffled[2 * i], shuffled[2 * i + 1], std::make_index_sequence<W>{});
#pragma GCC unroll 16
    for (int i = 0; i < W; ++i) v[i] = shuffled[i];
  }
#pragma GCC unroll 16
  for (int i = 0; i < W; ++i) *vec<T, Arch>(dst + i * dst_stride) = v[i];
}

}  // namespace detail

/// dst(columns, rows) = src(rows, columns)^T, rows of each `stride` apart.
template <class T>
__attribute__((noinline)) void transpose(const T* src, index_t src_stride, index_t rows, index_t columns, T* dst,
                                         index_t dst_stride) {
  dispatch([&]<class Arch>(Arch) TINYGAN_INLINE_LAMBDA {
    constexpr index_t W = lanes<T, Arch>;
    index_t i = 0;
    for (; i + W <= rows; i += W) {
      index_t j = 0;
      for (; j + W <= columns; j += W)
        detail::transpose_square<T, Arch>(src + i * src_stride + j, src_stride, dst + j * dst_stride + i, dst_stride);
      for (; j < columns; ++j)
        for (index_t k = i; k < i + W; ++k) dst[j * dst_stride + k] = src[k * src_stride + j];
    }
    for (; i < rows; ++i)
      for (index_t j = 0; j < columns; ++j) dst[j * dst_stride + i] = src[i * src_stride + j];
  });
}

/// panel[k][j] = src[k*stride + j], j < columns <= width: a row-major matrix.
template <class T>
void pack_panel(const T* src, index_t stride, index_t K, index_t columns, index_t width, T* panel) {
  const auto bytes = static_cast<std::size_t>(columns) * sizeof(T);
  for (index_t k = 0; k < K; ++k, src += stride, panel += width) {
    std::memcpy(panel, src, bytes);
    if (columns < width) std::fill(panel + columns, panel + width, T(0));
  }
}

/// panel[k][j] = src[j*stride + k], j < columns <= width: a column-major matrix.
template <class T>
void pack_panel_transposed(const T* src, index_t stride, index_t K, index_t columns, index_t width, T* panel) {
  transpose(src, stride, columns, K, panel, width);
  for (index_t k = 0; columns < width && k < K; ++k)
    std::fill(panel + k * width + columns, panel + (k + 1) * width, T(0));
}

namespace detail {

template <int Rows, class T>
void pack_tiles_of(const T* src, index_t stride, index_t K, index_t rows, T* tiles, index_t tile_stride) {
  for (index_t k = 0; k < K; ++k, src += stride, tiles += Rows) {
    T* tile = tiles;
    index_t m = 0;
    for (; m + Rows <= rows; m += Rows, tile += tile_stride) std::memcpy(tile, src + m, Rows * sizeof(T));
    if (m < rows)
      for (index_t i = 0; i < Rows; ++i) tile[i] = m + i < rows ? src[m + i] : T(0);
  }
}

}  // namespace detail

/// tile[k][i] = src[k*stride + i], i < rows: `rows` rows cut into tiles of `tile_rows`, `tile_stride` apart.
template <class T>
void pack_row_tiles(int tile_rows, const T* src, index_t stride, index_t K, index_t rows, T* tiles,
                    index_t tile_stride) {
  if (tile_rows == 6) return detail::pack_tiles_of<6>(src, stride, K, rows, tiles, tile_stride);
  return detail::pack_tiles_of<4>(src, stride, K, rows, tiles, tile_stride);
}

}  // namespace tinygan::cpu
