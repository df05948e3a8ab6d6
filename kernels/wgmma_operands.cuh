// Float operands of Hopper's tensor cores, converted to the format that is multiplied and K-major, as tf32 requires.
//
// Shapes       x(batch, rows, columns) to y in the format, or transposed to y(batch, columns, rows).
// Owns         converting: a thread: packs of four, a grid apart. Transposing: a block: a tile of 32 x 32.
// Shared       transposing 4 KB, rows 33 floats apart.
// Cost         each operand read once and written once.
#pragma once

#include <type_traits>

#include <tinygan/base/precision.hpp>
#include <tinygan/base/stream.hpp>

#include "device/map.cuh"
#include "device/vector.cuh"

namespace tinygan::cuda {
namespace {

/// An operand's element in memory, and x rounded to it.
template <Precision F>
using OperandElement = std::conditional_t<F == Precision::tf32, float, bfloat16>;
template <Precision F>
__device__ __forceinline__ OperandElement<F> operand_of(float x) {
  if constexpr (F == Precision::tf32) return round_tf32(x);
  else return round_bf16(x);
}

/// y[i] = x[i] in the format; `packs` fours of them by packs.
template <Precision F>
__global__ void __launch_bounds__(map_threads)
    convert_operand_kernel(index_t n, index_t packs, const float* x, OperandElement<F>* y) {
  for (index_t i = grid_thread(); i < packs; i += grid_threads()) {
    const Float4 v = load_pack<4>(x + 4 * i);
    Pack<OperandElement<F>, 4> rounded;
    TINYGAN_UNROLL
    for (int k = 0; k < 4; ++k) rounded.at[k] = operand_of<F>(v.at[k]);
    store_pack(y + 4 * i, rounded);
  }
  for (index_t i = 4 * packs + grid_thread(); i < n; i += grid_threads()) y[i] = operand_of<F>(x[i]);
}

/// y(batch, columns, rows) = x(batch, rows, columns) in the format. Block (tile of 32 x 32, matrix): 32 x 8 threads.
template <Precision F>
__global__ void __launch_bounds__(map_threads)
    transpose_operand_kernel(index_t rows, index_t columns, unsigned column_tiles, const float* x,
                             OperandElement<F>* y) {
  using Tile = float[32][33];
  auto& tile = block_shared<Tile>();  // (32 rows, 32 columns)
  const index_t row = index_t{blockIdx.x / column_tiles} * 32, column = index_t{blockIdx.x % column_tiles} * 32;
  const index_t matrix = index_t{blockIdx.y} * rows * columns;
  const unsigned lane = lane_id();
  for (unsigned i = warp_id(); i < 32; i += map_threads / 32)
    if (row + i < rows && column + lane < columns) tile[i][lane] = x[matrix + (row + i) * columns + column + lane];
  __syncthreads();
  for (unsigned i = warp_id(); i < 32; i += map_threads / 32)
    if (column + i < columns && row + lane < rows)
      y[matrix + (column + i) * rows + row + lane] = operand_of<F>(tile[lane][i]);
}

/// y = `batch` matrices x(rows, columns) in the format, transposed if `transpose`.
template <Precision F>
void write_operand(index_t batch, index_t rows, index_t columns, bool transpose, const float* x, void* y,
                   Stream stream) {
  auto* const to = static_cast<OperandElement<F>*>(y);
  if (!transpose) {
    const index_t n = batch * rows * columns, packs = is_aligned(16, x) ? n / 4 : 0;
    const unsigned blocks = grid_stride_blocks(packs > 0 ? packs : n, map_threads);
    const Launch how{.grid = {blocks}, .block = {map_threads}, .stream = stream};
    return launch<convert_operand_kernel<F>>(how, n, packs, x, to);
  }
  const auto column_tiles = grid_extent(ceil_div(columns, 32));
  const Launch how{.grid = {grid_extent(ceil_div(rows, 32) * column_tiles), grid_extent(batch, false)},
                   .block = {map_threads},
                   .shared_bytes = 32 * 33 * sizeof(float),
                   .stream = stream};
  launch<transpose_operand_kernel<F>>(how, rows, columns, column_tiles, x, to);
}

/// Bytes of n elements in the format, rounded up so that the next array is aligned for TMA.
template <Precision F>
constexpr index_t operand_bytes(index_t n) {
  return round_up(n * static_cast<index_t>(sizeof(OperandElement<F>)), 128);
}

}  // namespace
}  // namespace tinygan::cuda
