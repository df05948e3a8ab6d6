// Output tiles of matrix products, shared by gemm, the convolutions and their weight gradients.
//
//   tile.cuh        operand sources, epilogue, split-K
//   ffma_tile.cuh   fp32, by fused multiply-adds
//   mma_tile.cuh    tf32 and bf16, by tensor cores
#pragma once

#include "ffma_tile.cuh"
#include "mma_tile.cuh"

namespace tinygan::cuda {
namespace {

/// The tensor-core tiles. Stages: as many as let two blocks of the largest run on a multiprocessor of an H200, and one
/// on GPUs with 99 KB for a block.
template <Precision F, class T>
struct TensorTiles {
  using Large = MmaTile<F, T, 128, 128, 3, 2>;
  using Narrow = MmaTile<F, T, 128, 64, 3, 2>;
  using Medium = MmaTile<F, T, 64, 64, 4, 3>;
};

/// run.operator()<Policy>() with the tile selected for an (M,N) problem in precision F (select.cuh); square ones only
/// unless NarrowToo. blocks(m, n): blocks of the problem in tiles of (m,n).
template <Precision F, class T, bool NarrowToo, class Blocks, class Run>
auto with_tile(index_t M, index_t N, const Blocks& blocks, const Run& run) {
  const auto suits = [&]<class P>(index_t enough) {
    return forms::selects(P::way, P::tile_m, P::tile_n,
                          M > P::tile_m / 2 && N > P::tile_n / 2 && blocks(P::tile_m, P::tile_n) >= enough);
  };
  if constexpr (F == Precision::fp32) {
    static_assert(std::is_same_v<T, float>);
    const index_t enough = tile_limits().ffma_blocks;
    if (suits.template operator()<LargeTile>(enough)) return run.template operator()<LargeTile>();
    if (suits.template operator()<MediumTile>(enough)) return run.template operator()<MediumTile>();
    if (!suits.template operator()<SmallTile>(0)) forms::check_not_forced();
    return run.template operator()<SmallTile>();
  } else {
    using Tile = TensorTiles<F, T>;
    const index_t enough = tile_limits().mma_blocks;
    if (suits.template operator()<typename Tile::Large>(enough)) return run.template operator()<typename Tile::Large>();
    if constexpr (NarrowToo)
      if (suits.template operator()<typename Tile::Narrow>(enough))
        return run.template operator()<typename Tile::Narrow>();
    if (!suits.template operator()<typename Tile::Medium>(0)) forms::check_not_forced();
    return run.template operator()<typename Tile::Medium>();
  }
}

/// Records the form of a launch (forms.hpp): tiles P, in so many blocks.
template <class P>
void record_tiles(index_t blocks, index_t splits = 1) {
  forms::record({P::way, P::tile_m, P::tile_n, splits}, blocks);
}

}  // namespace
}  // namespace tinygan::cuda
