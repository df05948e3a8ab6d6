// Partition of a matrix x(rows, channels) for results per channel: reductions and batch norm.
//
// `fold` rows are taken together as one wide row, so that vectors fill and loops run long whatever the channel count
// is; column j of a wide row belongs to channel j % channels. Blocks of rows times tiles of columns are the tasks, some
// 32 Ki elements each. The cut depends on the extents only, which makes the kernels deterministic.
#pragma once

#include <tinygan/cpu/map.hpp>

namespace tinygan::cpu {

/// One task: `rows` rows of `width` elements, `stride` apart, from element `offset` on; then, where the last rows do
/// not fill a wide one, a row of `short_width`. The columns are `groups` times `channels` channels from first_channel
/// on.
struct Panel {
  index_t block, offset, rows, width, stride, short_width, first_channel, channels, groups;
};

struct ColumnPlan {
  static constexpr index_t max_width = 2048;  // of a panel: a few arrays as wide fit into L1

  index_t channels, fold = 1, wide_rows, rest_rows, tile, tiles, block_rows, blocks;

  __attribute__((noinline)) ColumnPlan(index_t rows, index_t channel_count) : channels(channel_count) {
    constexpr index_t unit = detail::tail_unit, enough = 512;
    fold = unit / std::min(unit, channels & -channels);  // the width a multiple of unit, if it can be
    if (fold * channels > max_width) fold = 1;
    while (fold * channels < enough) fold *= 2;
    while (fold > rows) fold /= 2;
    wide_rows = rows / fold;
    rest_rows = rows % fold;
    const index_t width = fold * channels;
    tile = width <= max_width ? width : max_width / 2;
    tiles = (width + tile - 1) / tile;
    block_rows = std::max<index_t>(64, chunk_elements / tile);
    blocks = (wide_rows + block_rows - 1) / block_rows;
  }

  index_t tasks() const { return blocks * tiles; }

  /// Rows of x in one block.
  index_t rows_in(index_t block) const {
    return std::min(block_rows, wide_rows - block * block_rows) * fold + (block == blocks - 1 ? rest_rows : 0);
  }

  __attribute__((noinline)) Panel panel(index_t task) const {
    const index_t block = task / tiles, row = block * block_rows, column = task % tiles * tile;
    const index_t stride = fold * channels, width = std::min(tile, stride - column);
    return {.block = block,
            .offset = row * stride + column,
            .rows = std::min(block_rows, wide_rows - row),
            .width = width,
            .stride = stride,
            .short_width = block == blocks - 1 ? rest_rows * channels : 0,
            .first_channel = column,
            .channels = width / fold,
            .groups = fold};
  }
};

/// Replaces missing rows where a loop reads several at a time.
template <class T>
inline constexpr T zero_row[ColumnPlan::max_width] = {};

/// A panel's columns of a per-channel array: in place, or repeated into `buffer` (max_width elements).
template <class T>
const T* panel_columns(const Panel& p, const T* values, T* buffer) {
  if (p.groups == 1) return values + p.first_channel;
  for (index_t i = 0; i < p.width; i += p.channels) std::copy_n(values, p.channels, buffer + i);
  return buffer;
}

}  // namespace tinygan::cpu
