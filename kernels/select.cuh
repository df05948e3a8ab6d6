// Heuristics that select the form (forms.hpp) of a matrix product or convolution: the thresholds of each architecture,
// here and nowhere else.
//
// Each threshold has the GPU, date and commit of its measurement. `bench_kernels --race` measures every form
// of every shape, and scripts/select-kernels writes what it found into this file.
#pragma once

#include <tinygan/base/shape.hpp>

namespace tinygan::cuda {
namespace {

struct Limit {
  index_t value;
  const char* measured;  // GPU, date, commit

  constexpr operator index_t() const { return value; }
};

inline constexpr const char* not_measured = "not measured";

/// Tiles of any kind.
struct TileLimits {
  /// The largest tile is selected whose halves the output exceeds and whose grid, split-K included, has at least so
  /// many blocks; else the smallest.
  Limit ffma_blocks, mma_blocks;
  /// Split-K: as many splits as a grid of twice so many blocks holds, of at least split_terms of K each.
  Limit split_blocks, split_terms;
  /// Products of at most so many columns (or rows), products of at most so many terms, and layers of at most so many
  /// channels on one side run without tiles, where a kernel for their shape exists: 1, or 0 for never.
  Limit vector_columns, vector_terms, one_channel;
  /// Split-K of a product of a matrix and a vector: a grid of at most split_blocks, whose blocks each read at least so
  /// many elements of the matrix.
  Limit vector_split_elements;
};

/// Lower limits of wgmma, all of which must hold; mma otherwise.
struct WgmmaLimits {
  /// Products and tap lists: bytes of K (of the channels of one tap), columns, filled percent of the tiles' 128 rows,
  /// tiles of 128 x 64; and tiles of 128 x 128 for that size to be selected.
  Limit depth_bytes, columns, filled, tiles, wide_tiles;
  /// Products of floats, whose operands are copied first (wgmma_operands.cuh): the smaller of rows and columns.
  Limit copied_side;
  /// Rasterisation of products: rows of tiles whose blocks run column by column.
  Limit raster;
  /// Weight gradients: the smaller and the larger channel count, filled percent of the steps' 64 images, and blocks;
  /// and split-K: as many splits as a grid of so many blocks holds.
  Limit grad_fewer, grad_more, grad_filled, grad_blocks, grad_split;
};

/// Blocks of a kernel for a single channel, where it has so many images or bands: two per multiprocessor of an H100.
inline constexpr Limit one_channel_blocks{264, not_measured};

/// Blocks of sums that are split: batch norm's, about as many as an H200 runs at a time by registers, and a
/// reduction's, about four for each of its multiprocessors. A thread of batch norm takes up to norm_one_launch_rows
/// before a second launch is worth it.
inline constexpr Limit norm_forward_blocks{3 * 132, not_measured}, norm_backward_blocks{2 * 132, not_measured},
    norm_one_launch_rows{16, not_measured}, reduce_blocks{512, not_measured};

/// Blocks of an outer product, at most: about as many as the largest GPUs hold at once.
inline constexpr Limit outer_blocks{2368, not_measured};

/// Rows of at most so many channels are normalised by a warp, longer ones by a block.
inline constexpr Limit layer_norm_warp_channels{1024, not_measured};

// ---- sm_75 to sm_89, and later architectures but sm_90 --------------------------------------------------------------

inline constexpr TileLimits sm_80{
    .ffma_blocks = {132, not_measured},
    .mma_blocks = {132, not_measured},
    .split_blocks = {132, not_measured},
    .split_terms = {256, not_measured},
    .vector_columns = {1, not_measured},
    .vector_terms = {1, not_measured},
    .one_channel = {1, not_measured},
    .vector_split_elements = {65536, not_measured},
};

// ---- sm_90: H100 and H200, of 132 multiprocessors -------------------------------------------------------------------

inline constexpr TileLimits sm_90{
    .ffma_blocks = {198, "NVIDIA H200, 2026-11-27, a526382"},
    .mma_blocks = {396, "NVIDIA H200, 2026-11-27, a526382"},
    .split_blocks = {396, "NVIDIA H200, 2026-11-27, a526382"},
    .split_terms = {256, "NVIDIA H200, 2026-11-27, a526382"},
    .vector_columns = {1, "NVIDIA H200, 2026-11-27, a526382"},
    .vector_terms = {1, "NVIDIA H200, 2026-11-27, a526382"},
    .one_channel = {1, "NVIDIA H200, 2026-11-27, a526382"},
    .vector_split_elements = {65536, not_measured},
};

inline constexpr WgmmaLimits sm_90_wgmma{
    .depth_bytes = {64, "NVIDIA H200, 2026-11-27, a526382"},
    .columns = {48, "NVIDIA H200, 2026-11-27, a526382"},
    .filled = {75, not_measured},
    .tiles = {64, "NVIDIA H200, 2026-11-27, a526382"},
    .wide_tiles = {99, "NVIDIA H200, 2026-11-27, a526382"},
    .copied_side = {256, "NVIDIA H200, 2026-11-27, a526382"},
    .raster = {16, not_measured},
    .grad_fewer = {48, "NVIDIA H200, 2026-11-27, a526382"},
    .grad_more = {96, "NVIDIA H200, 2026-11-27, a526382"},
    .grad_filled = {75, not_measured},
    .grad_blocks = {64, "NVIDIA H200, 2026-11-27, a526382"},
    .grad_split = {200, "NVIDIA H200, 2026-11-27, a526382"},
};

}  // namespace
}  // namespace tinygan::cuda
