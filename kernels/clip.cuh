// Gradient norm over all parameters, and clipping by it.
//
// Lists        optimiser.cuh.                                                                   Requires  sm_75.
// Shared       one value per warp, then 2 KB.
// Determinism  blocks of 4096 elements are summed in float, the blocks in double, both in a fixed order.
// Cost         norm 4 bytes per element, clipping 8 (nothing where the norm is below the limit).
#pragma once

#include <tinygan/backend/workspace.hpp>

#include "device/reduce.cuh"
#include "optimiser.cuh"

namespace tinygan::cuda {
namespace {

/// partial[block] = sum of squares of its elements.
template <class T>
__global__ void __launch_bounds__(map_threads)
    sum_of_squares_kernel(TensorList<Segment<const T>> list, double* partial) {
  BlockReduceShared& s = block_shared<BlockReduceShared>();
  const auto chunk = list.chunk(blockIdx.x);
  const T* const x = chunk.tensor.data + chunk.begin;
  float sum = 0.0f;
  for_block(chunk.n, is_vector_aligned<4>(x), [&]<int N>(index_t i) {
    const Pack<float, N> v = load_floats<N>(x + i);
    if constexpr (N == 4) sum += (v.at[0] * v.at[0] + v.at[1] * v.at[1]) + (v.at[2] * v.at[2] + v.at[3] * v.at[3]);
    else sum += v.at[0] * v.at[0];
  });
  sum = block_reduce<Sum>(sum, s);
  if (threadIdx.x == 0) partial[blockIdx.x] = static_cast<double>(sum);
}

/// *norm = sqrt of the sum of n partial sums, by one block.
__global__ void __launch_bounds__(map_threads) finish_norm_kernel(index_t n, const double* partial, float* norm) {
  double* const s = block_shared<double>(map_threads);
  double sum = 0;
  for (index_t i = threadIdx.x; i < n; i += map_threads) sum += partial[i];
  s[threadIdx.x] = sum;
  for (unsigned half = map_threads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) s[threadIdx.x] += s[threadIdx.x + half];
  }
  if (threadIdx.x == 0) *norm = static_cast<float>(sqrt(s[0]));
}

template <class T>
void global_norm(int count, const Segment<const T>* segments, float* norm, Workspace& workspace, Stream stream) {
  const index_t blocks = optimiser_blocks(count, segments);
  auto* const partial = workspace.allocate<double>("global_norm", {blocks});
  for_lists(count, segments, [&](const TensorList<Segment<const T>>& list, index_t before) {
    launch<sum_of_squares_kernel<T>>(optimiser_launch(list, sizeof(BlockReduceShared), stream), list, partial + before);
  });
  launch<finish_norm_kernel>({.block = {map_threads}, .shared_bytes = map_threads * sizeof(double), .stream = stream},
                             blocks, partial, norm);
}

template <class T>
__global__ void __launch_bounds__(map_threads)
    clip_kernel(TensorList<Segment<T>> list, const float* norm, float max_norm) {
  const float scale = max_norm / (*norm + 1e-6f);
  if (scale >= 1.0f) return;  // a NaN scales every gradient
  const auto chunk = list.chunk(blockIdx.x);
  T* const x = chunk.tensor.data + chunk.begin;
  for_block(chunk.n, is_vector_aligned<4>(x), [&]<int N>(index_t i) {
    Pack<float, N> v = load_floats<N>(x + i);
    TINYGAN_UNROLL
    for (int k = 0; k < N; ++k) v.at[k] *= scale;
    store_floats(x + i, v);
  });
}

template <class T>
void clip_by_norm(int count, const Segment<T>* segments, const float* norm, float max_norm, Stream stream) {
  for_lists(count, segments, [&](const TensorList<Segment<T>>& list, index_t) {
    launch<clip_kernel<T>>(optimiser_launch(list, 0, stream), list, norm, max_norm);
  });
}

}  // namespace
}  // namespace tinygan::cuda
