// How a matrix x(rows, channels) is cut up when something is computed per channel: by the reductions and batch norm.
//
// Narrow rows are taken `fold` at a time as one wide row, so that vectors fill whatever the channel count is; a wide row's
// column j belongs to channel j % channels. Blocks of rows times tiles of columns are the tasks, some 32 Ki elements each.
// The cut depends on the extents only, which makes the kernels deterministic.
#pragma once

#include <tinygan/cpu/map.hpp>

namespace tinygan::cpu {

/// A part of a task: `rows` rows of `width` elements, `stride` apart, from element `offset` on. Its columns are the channels
/// from first_channel on, or all channels `groups` times over.
struct Panel {
  index_t offset, rows, width, stride, first_channel, groups;
};

struct ColumnPlan {
  static constexpr index_t max_width = 2048;  // of a panel: three float arrays as wide fit into L1

  index_t channels, fold, wide_rows, rest_rows, tile, tiles, block_rows, blocks;

  ColumnPlan(index_t rows, index_t channel_count) : channels(channel_count) {
    constexpr index_t enough = 64;  // elements: a multiple of every vector length
    const index_t even = std::min(enough, channels & -channels);
    fold = enough / even;
    if (fold > rows || fold * channels > max_width) fold = 1;
    wide_rows = rows / fold;
    rest_rows = rows % fold;
    const index_t width = fold * channels;
    tile = width <= max_width ? width : max_width / 2;
    tiles = (width + tile - 1) / tile;
    block_rows = std::max<index_t>(64, chunk_elements / tile);
    blocks = (wide_rows + block_rows - 1) / block_rows;
  }

  index_t tasks() const { return blocks * tiles; }
  index_t block_of(index_t task) const { return task / tiles; }
  index_t first_channel(index_t task) const { return fold == 1 ? task % tiles * tile : 0; }
  /// Rows of x in one block; the last has the rest as well.
  index_t rows_in(index_t block) const {
    const index_t wide = std::min(block_rows, wide_rows - block * block_rows);
    return wide * fold + (block == blocks - 1 ? rest_rows : 0);
  }

  /// f(panel) for the one or two panels of a task.
  template <class F>
  void panels(index_t task, const F& f) const {
    const index_t block = block_of(task), row = block * block_rows, column = task % tiles * tile;
    const index_t width = fold * channels;
    f(Panel{row * width + column, std::min(block_rows, wide_rows - row), std::min(tile, width - column), width,
            first_channel(task), fold});
    if (rest_rows > 0 && block == blocks - 1)  // only if fold > 1, hence tiles == 1
      f(Panel{wide_rows * width, rest_rows, channels, channels, 0, 1});
  }
};

/// Stands in for the rows that are missing where several are taken at a time.
template <class T>
inline constexpr T zero_row[ColumnPlan::max_width] = {};

/// A panel's columns of a per-channel array: in place, or repeated into `buffer` (max_width elements).
template <class T>
const T* panel_columns(const Panel& p, const T* values, T* buffer) {
  if (p.groups == 1) return values + p.first_channel;
  const index_t channels = p.width / p.groups;
  for (index_t i = 0; i < p.width; i += channels) std::copy_n(values, channels, buffer + i);
  return buffer;
}

}  // namespace tinygan::cpu
