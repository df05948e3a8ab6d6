// Lists of tensors in one launch, for kernels over all parameters at once: adam.cuh, sgd.cuh, clip.cuh.
//
// Shapes       up to 64 tensors of any sizes per launch, listed in the kernel's arguments; more take another launch.
// Owns         a block: 4096 neighbouring elements of one tensor; a thread: four packs of 4 of each array.
// Elements     parameters and gradients float or bfloat16; state and master weights float. Where there is a master it
//              is updated, and the parameter is the master rounded.
#pragma once

#include <tinygan/backend/optimiser_arguments.hpp>
#include <tinygan/base/stream.hpp>

#include "device/map.cuh"
#include "launch.cuh"

namespace tinygan::cuda {
namespace {

inline constexpr index_t optimiser_chunk = 4096;  // elements of one block

/// Tensors as a kernel argument, and the number of each one's first block: as many as fit into 4 KB, the limit of
/// kernel arguments on all architectures, with room for a few others.
template <class Tensor>
struct TensorList {
  static constexpr int max_tensors = std::min<int>(64, 3800 / (sizeof(Tensor) + sizeof(index_t)));

  int count = 0;
  index_t first_block[max_tensors + 1] = {};
  Tensor tensor[max_tensors] = {};

  /// The elements of one block: [begin, begin + n) of a tensor.
  struct Chunk {
    const Tensor& tensor;
    index_t begin, n;
  };
  __device__ Chunk chunk(index_t block) const {
    int low = 0, high = count;  // first_block[low] <= block < first_block[high]
    while (high - low > 1) {
      const int middle = (low + high) / 2;
      if (first_block[middle] <= block) low = middle;
      else high = middle;
    }
    const index_t begin = (block - first_block[low]) * optimiser_chunk, left = tensor[low].n - begin;
    return {tensor[low], begin, left < optimiser_chunk ? left : optimiser_chunk};
  }
};
static_assert(sizeof(TensorList<ParameterSlot<float>>) < 3900);

/// f(list, blocks of the lists before it) for lists of at most max_tensors tensors.
template <class Tensor, class F>
void for_lists(int count, const Tensor* tensors, const F& f) {
  constexpr int max_tensors = TensorList<Tensor>::max_tensors;
  index_t before = 0;
  for (int first = 0; first < count; first += max_tensors) {
    TensorList<Tensor> list;
    list.count = std::min(max_tensors, count - first);
    for (int k = 0; k < list.count; ++k) {
      list.tensor[k] = tensors[first + k];
      list.first_block[k + 1] = list.first_block[k] + ceil_div(tensors[first + k].n, optimiser_chunk);
    }
    f(list, before);
    before += list.first_block[list.count];
  }
}

template <class Tensor>
index_t optimiser_blocks(int count, const Tensor* tensors) {
  index_t blocks = 0;
  for (int k = 0; k < count; ++k) blocks += ceil_div(tensors[k].n, optimiser_chunk);
  return blocks;
}

template <class Tensor>
Launch optimiser_launch(const TensorList<Tensor>& list, std::size_t shared, Stream stream,
                        const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  return {.grid = {grid_extent(list.first_block[list.count])},
          .block = {map_threads},
          .shared_bytes = shared,
          .stream = stream,
          .file = file,
          .line = line};
}

/// By the threads of a block: f.operator()<4>(i) for the first element i of every pack of n elements, then <1>(i) for
/// the rest.
template <class F>
__device__ __forceinline__ void for_block(index_t n, bool aligned, const F& f) {
  const index_t packs = aligned ? n / 4 : 0;
  TINYGAN_UNROLL
  for (index_t i = threadIdx.x; i < packs; i += map_threads) f.template operator()<4>(4 * i);
  for (index_t i = 4 * packs + threadIdx.x; i < n; i += map_threads) f.template operator()<1>(i);
}

/// A block's chunk of a parameter: the fp32 values that are updated, and for a bfloat16 parameter their rounded copy.
template <class T>
struct Parameter {
  float* master;
  T* rounded = nullptr;

  __device__ Parameter(const ParameterSlot<T>& slot, index_t begin) {
    if constexpr (std::is_same_v<T, float>) {
      if (!slot.master) {
        master = slot.param + begin;
        return;
      }
    }
    master = slot.master + begin;
    rounded = slot.param + begin;
  }

  __device__ bool aligned() const { return is_vector_aligned<4>(master, rounded); }  // null is aligned
  template <int N>
  __device__ __forceinline__ void store(index_t i, const Pack<float, N>& value) const {
    store_pack(master + i, value);
    if (rounded) store_floats(rounded + i, value);
  }
};

/// launch(list) for lists of parameters. Throws Error on a bfloat16 parameter without a master.
template <class T, class F>
void for_slots(const char* op, int count, const ParameterSlot<T>* slots, const F& launch) {
  if constexpr (!std::is_same_v<T, float>)  // it could not hold small updates
    for (int k = 0; k < count; ++k) check(slots[k].master != nullptr, op, "bfloat16 parameter ", k, " has no master");
  for_lists(count, slots, [&](const TensorList<ParameterSlot<T>>& list, index_t) { launch(list); });
}

}  // namespace
}  // namespace tinygan::cuda
