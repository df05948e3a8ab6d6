// Packing: copies of matrix blocks in the order in which the micro-kernel reads them.
//
// A panel (depth, width) holds `columns` columns of a matrix, row k at k*width, columns beyond the matrix zero.
// A row tile (depth, rows) holds `rows` rows of a matrix, k by k, rows beyond the matrix zero.
#pragma once

#include <algorithm>
#include <cstring>

#include <tinygan/base/shape.hpp>

namespace tinygan::cpu {

/// panel[k][j] = src[k*stride + j], j < columns <= width: the matrix lies row by row.
template <class T>
void pack_panel(const T* src, index_t stride, index_t depth, index_t columns, index_t width, T* panel) {
  const auto bytes = static_cast<std::size_t>(columns) * sizeof(T);
  for (index_t k = 0; k < depth; ++k, src += stride, panel += width) {
    std::memcpy(panel, src, bytes);
    std::fill(panel + columns, panel + width, T(0));
  }
}

/// panel[k][j] = src[j*stride + k], j < columns <= width: the matrix lies column by column.
template <class T>
void pack_panel_transposed(const T* src, index_t stride, index_t depth, index_t columns, index_t width, T* panel) {
  constexpr index_t block = 8;
  for (index_t k0 = 0; k0 < depth; k0 += block) {
    const index_t k1 = std::min(depth, k0 + block);
    index_t j = 0;
    for (; j + 4 <= columns; j += 4) {
      const T* s = src + j * stride;
      for (index_t k = k0; k < k1; ++k) {
        T* out = panel + k * width + j;
        out[0] = s[k], out[1] = s[stride + k], out[2] = s[2 * stride + k], out[3] = s[3 * stride + k];
      }
    }
    for (; j < width; ++j)
      for (index_t k = k0; k < k1; ++k) panel[k * width + j] = j < columns ? src[j * stride + k] : T(0);
  }
}

/// tile[k][i] = src[k*stride + i], i < valid <= Rows.
template <int Rows, class T>
void pack_row_tile(const T* src, index_t stride, index_t depth, int valid, T* tile) {
  if (valid == Rows) {
    for (index_t k = 0; k < depth; ++k, src += stride, tile += Rows) std::memcpy(tile, src, Rows * sizeof(T));
    return;
  }
  for (index_t k = 0; k < depth; ++k, src += stride, tile += Rows)
    for (int i = 0; i < Rows; ++i) tile[i] = i < valid ? src[i] : T(0);
}

/// The same for a number of rows known at run time.
template <class T>
void pack_row_tile(int rows, const T* src, index_t stride, index_t depth, int valid, T* tile) {
  if (rows == 6) return pack_row_tile<6>(src, stride, depth, valid, tile);
  return pack_row_tile<4>(src, stride, depth, valid, tile);
}

}  // namespace tinygan::cpu
