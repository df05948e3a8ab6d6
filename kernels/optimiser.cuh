// Optimisers over all parameters in one launch: Adam, SGD, moving average, gradient norm and clipping.
//
// Shapes       up to 64 tensors of any sizes per launch, listed in the kernel's arguments; more take another launch.
// Owns         a block takes 4096 neighbouring elements of one tensor, a thread four packs of 4 of each array.
// Shared       Adam: its two step-dependent factors; norm: one value per warp, then 2 KB.      Requires  sm_75.
// Determinism  elements by themselves; the norm adds up blocks of 4096 in float and these in double, in a fixed order.
// Cost         Adam 28 bytes per parameter (param, grad, m, v read; param, m, v written), SGD 20, norm 4, clip 8.
//              The step count is read on the device, so a captured graph counts on.
// Source       Kingma and Ba, "Adam", ICLR 2015; Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019.
#pragma once

#include <tinygan/backend/layer_dims.hpp>
#include <tinygan/base/stream.hpp>

#include "device/map.cuh"
#include "device/reduce.cuh"
#include "launch.cuh"

namespace tinygan::cuda {
namespace {

inline constexpr index_t optimiser_chunk = 4096;  // elements of one block
inline constexpr int max_tensors = 64;  // the list stays below the 4 KB that kernel arguments may have everywhere

/// Some tensors and the number of each one's first block.
template <class Tensor>
struct TensorList {
  int count = 0;
  index_t first_block[max_tensors + 1] = {};
  Tensor tensor[max_tensors] = {};

  /// The tensor and the elements of it that belong to a block.
  struct Part {
    Tensor tensor;
    index_t begin, n;
  };
  __device__ Part part(index_t block) const {
    int low = 0, high = count;  // first_block[low] <= block < first_block[high]
    while (high - low > 1) {
      const int middle = (low + high) / 2;
      if (first_block[middle] <= block)
        low = middle;
      else
        high = middle;
    }
    const index_t begin = (block - first_block[low]) * optimiser_chunk, left = tensor[low].n - begin;
    return {tensor[low], begin, left < optimiser_chunk ? left : optimiser_chunk};
  }
};
static_assert(sizeof(TensorList<ParameterSlot<float>>) < 4000);

/// f(list, blocks before it) for the tensors in lists of at most max_tensors.
template <class Tensor, class F>
void for_lists(int count, const Tensor* tensors, const F& f) {
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

template <class... T>
__device__ __forceinline__ bool all_aligned(const T*... p) {
  return ((reinterpret_cast<std::uintptr_t>(p) % 16 == 0) && ...);
}

/// one(i) for every pack i of n elements by the threads of a block, then rest(i) for every element left.
template <class One, class Rest>
__device__ __forceinline__ void for_block(index_t n, bool packed, const One& one, const Rest& rest) {
  const index_t packs = packed ? n / 4 : 0;
  TINYGAN_UNROLL
  for (index_t i = threadIdx.x; i < packs; i += map_threads) one(i);
  for (index_t i = 4 * packs + threadIdx.x; i < n; i += map_threads) rest(i);
}

// ---- Adam -----------------------------------------------------------------------------------------------------------

/// p = keep p - rate m / (sqrt(v) root + epsilon): both forms of AdamHyper.
struct AdamFactors {
  float rate, root, epsilon, keep, b1, a1, b2, a2;

  __device__ void update(float& p, float g, float& m, float& v) const {
    m = b1 * m + a1 * g;
    v = b2 * v + a2 * (g * g);
    p = keep * p - rate * m / (sqrtf(v) * root + epsilon);
  }
};

__global__ void __launch_bounds__(map_threads)
    adam_kernel(AdamHyper h, TensorList<ParameterSlot<float>> list, const std::uint64_t* step) {
  AdamFactors& s = block_shared<AdamFactors>();
  if (threadIdx.x == 0) {
    const auto t = static_cast<double>(*step);
    const double correction1 = 1 - pow(h.beta1, t), root_correction2 = sqrt(1 - pow(h.beta2, t));
    s = {static_cast<float>(h.learning_rate * (h.epsilon_hat ? root_correction2 : 1) / correction1),
         static_cast<float>(h.epsilon_hat ? 1 : 1 / root_correction2),
         static_cast<float>(h.epsilon),
         static_cast<float>(1 - h.learning_rate * h.weight_decay),
         static_cast<float>(h.beta1),
         static_cast<float>(1 - h.beta1),
         static_cast<float>(h.beta2),
         static_cast<float>(1 - h.beta2)};
  }
  __syncthreads();
  const AdamFactors f = s;
  const auto part = list.part(blockIdx.x);
  float *const param = part.tensor.param + part.begin, *const m = part.tensor.m + part.begin,
               *const v = part.tensor.v + part.begin;
  const float* const grad = part.tensor.grad + part.begin;
  for_block(
      part.n, all_aligned(param, grad, m, v),
      [&](index_t i) {
        Float4 p4 = load_pack<4>(param + 4 * i), m4 = load_pack<4>(m + 4 * i), v4 = load_pack<4>(v + 4 * i);
        const Float4 g4 = load_pack<4>(grad + 4 * i);
        TINYGAN_UNROLL
        for (int k = 0; k < 4; ++k) f.update(p4.at[k], g4.at[k], m4.at[k], v4.at[k]);
        store_pack(param + 4 * i, p4);
        store_pack(m + 4 * i, m4);
        store_pack(v + 4 * i, v4);
      },
      [&](index_t i) { f.update(param[i], grad[i], m[i], v[i]); });
}

inline void adam(const AdamHyper& h, int count, const ParameterSlot<float>* slots, const std::uint64_t* step,
                 Stream stream) {
  for_lists(count, slots, [&](const TensorList<ParameterSlot<float>>& list, index_t) {
    launch<adam_kernel>(optimiser_launch(list, sizeof(AdamFactors), stream), h, list, step);
  });
}

// ---- SGD ------------------------------------------------------------------------------------------------------------

/// g += decay p; m = momentum m + g; p -= rate (along_g g + along_m m).
struct SgdFactors {
  float rate, momentum, decay, along_g, along_m;

  __device__ void update(float& p, float grad, float& m) const {
    const float g = grad + decay * p;
    m = momentum * m + g;
    p -= rate * (along_g * g + along_m * m);
  }
};

__global__ void __launch_bounds__(map_threads) sgd_kernel(SgdFactors f, TensorList<ParameterSlot<float>> list) {
  const auto part = list.part(blockIdx.x);
  float *const param = part.tensor.param + part.begin, *const m = part.tensor.m + part.begin;
  const float* const grad = part.tensor.grad + part.begin;
  for_block(
      part.n, all_aligned(param, grad, m),
      [&](index_t i) {
        Float4 p4 = load_pack<4>(param + 4 * i), m4 = load_pack<4>(m + 4 * i);
        const Float4 g4 = load_pack<4>(grad + 4 * i);
        TINYGAN_UNROLL
        for (int k = 0; k < 4; ++k) f.update(p4.at[k], g4.at[k], m4.at[k]);
        store_pack(param + 4 * i, p4);
        store_pack(m + 4 * i, m4);
      },
      [&](index_t i) { f.update(param[i], grad[i], m[i]); });
}

inline void sgd(const SgdHyper& h, int count, const ParameterSlot<float>* slots, Stream stream) {
  const auto momentum = static_cast<float>(h.momentum);
  const SgdFactors f{static_cast<float>(h.learning_rate), momentum, static_cast<float>(h.weight_decay),
                     h.nesterov ? 1.0f : 0.0f, h.nesterov ? momentum : 1.0f};
  for_lists(count, slots, [&](const TensorList<ParameterSlot<float>>& list, index_t) {
    launch<sgd_kernel>(optimiser_launch(list, 0, stream), f, list);
  });
}

// ---- Moving average -------------------------------------------------------------------------------------------------

__global__ void __launch_bounds__(map_threads)
    ema_kernel(index_t n, index_t packs, float decay, const float* x, float* average) {
  map(n, packs, average, [=](float a, float v) { return decay * a + (1.0f - decay) * v; }, average, x);
}

inline void ema(index_t n, float decay, const float* x, float* average, Stream stream) {
  const index_t packs = packs_of(n, x, average);
  launch<ema_kernel>({.grid = map_blocks(n, packs), .block = {map_threads}, .stream = stream}, n, packs, decay, x,
                     average);
}

// ---- Norm and clipping ----------------------------------------------------------------------------------------------

/// partial[block] = sum of squares of its elements.
__global__ void __launch_bounds__(map_threads)
    sum_of_squares_kernel(TensorList<Segment<const float>> list, double* partial) {
  BlockReduceShared& s = block_shared<BlockReduceShared>();
  const auto part = list.part(blockIdx.x);
  const float* const x = part.tensor.data + part.begin;
  float sum = 0.0f;
  for_block(
      part.n, all_aligned(x),
      [&](index_t i) {
        const Float4 v = load_pack<4>(x + 4 * i);
        sum += (v.at[0] * v.at[0] + v.at[1] * v.at[1]) + (v.at[2] * v.at[2] + v.at[3] * v.at[3]);
      },
      [&](index_t i) { sum += x[i] * x[i]; });
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

inline std::size_t global_norm_workspace(int count, const Segment<const float>* segments) {
  return static_cast<std::size_t>(optimiser_blocks(count, segments)) * sizeof(double);
}

inline void global_norm(int count, const Segment<const float>* segments, float* norm, void* workspace, Stream stream) {
  auto* const partial = static_cast<double*>(workspace);
  for_lists(count, segments, [&](const TensorList<Segment<const float>>& list, index_t before) {
    launch<sum_of_squares_kernel>(optimiser_launch(list, sizeof(BlockReduceShared), stream), list, partial + before);
  });
  launch<finish_norm_kernel>({.block = {map_threads}, .shared_bytes = map_threads * sizeof(double), .stream = stream},
                             optimiser_blocks(count, segments), partial, norm);
}

__global__ void __launch_bounds__(map_threads)
    clip_kernel(TensorList<Segment<float>> list, const float* norm, float max_norm) {
  const float scale = max_norm / (*norm + 1e-6f);
  if (scale >= 1.0f) return;  // a NaN goes on, and shows in every gradient
  const auto part = list.part(blockIdx.x);
  float* const x = part.tensor.data + part.begin;
  for_block(
      part.n, all_aligned(x),
      [&](index_t i) {
        Float4 v = load_pack<4>(x + 4 * i);
        TINYGAN_UNROLL
        for (int k = 0; k < 4; ++k) v.at[k] *= scale;
        store_pack(x + 4 * i, v);
      },
      [&](index_t i) { x[i] *= scale; });
}

inline void clip_by_norm(int count, const Segment<float>* segments, const float* norm, float max_norm, Stream stream) {
  for_lists(count, segments, [&](const TensorList<Segment<float>>& list, index_t) {
    launch<clip_kernel>(optimiser_launch(list, 0, stream), list, norm, max_norm);
  });
}

}  // namespace
}  // namespace tinygan::cuda
