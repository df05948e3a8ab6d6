// Output tiles of matrix products, which gemm, the convolutions and their weight gradients have in common.
//
//   tile.cuh        where operands come from and results go
//   ffma_tile.cuh   fp32, by fused multiply-adds
//   mma_tile.cuh    tf32 and bf16, by tensor cores
#pragma once

#include "ffma_tile.cuh"
#include "mma_tile.cuh"

namespace tinygan::cuda {
namespace {

/// The tensor-core tiles. Stages are as many as leave room for two blocks of the largest on an H200, and for one on
/// GPUs with 99 KB for a block.
template <Precision F, class T>
struct TensorTiles {
  using Large = MmaTile<F, T, 128, 128, 3, 2>;
  using Narrow = MmaTile<F, T, 128, 64, 3, 2>;
  using Medium = MmaTile<F, T, 64, 64, 4, 3>;
};

/// run.operator()<Policy>() with the largest tile of the precision F for elements T that an (M,N) problem fills and
/// that leaves no multiprocessor idle; square ones only unless NarrowToo. tiles(m, n) is how many tiles of (m,n) the
/// problem has.
template <Precision F, class T, bool NarrowToo, class Tiles, class Run>
auto with_tile(index_t M, index_t N, const Tiles& tiles, const Run& run) {
  if constexpr (F == Precision::fp32) {
    static_assert(std::is_same_v<T, float>);
    const index_t narrow = std::min(M, N);
    if (narrow > 64 && tiles(128, 128) >= enough_tiles) return run.template operator()<LargeTile>();
    if (narrow > 32 && tiles(64, 64) >= enough_tiles) return run.template operator()<MediumTile>();
    return run.template operator()<SmallTile>();
  } else {
    using Tile = TensorTiles<F, T>;
    if (M > 64 && N > 64 && tiles(128, 128) >= enough_tiles) return run.template operator()<typename Tile::Large>();
    if constexpr (NarrowToo)
      if (M > 64 && tiles(128, 64) >= enough_tiles) return run.template operator()<typename Tile::Narrow>();
    return run.template operator()<typename Tile::Medium>();
  }
}

}  // namespace
}  // namespace tinygan::cuda
