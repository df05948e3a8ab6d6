// Optimisers over all parameters in one launch: Adam, SGD, moving average, gradient norm and clipping.
//
// Elements     parameters and gradients are float or bfloat16; state and masters are float, and so is what is computed.
//              With a master that is what is updated, and the parameter is the master rounded.
// Shapes       up to 64 tensors of any sizes per launch, listed in the kernel's arguments; more take another launch.
// Owns         a block takes 4096 neighbouring elements of one tensor, a thread four packs of 4 of each array.
// Shared       Adam: its two step-dependent factors; norm: one value per warp, then 2 KB.      Requires  sm_75.
// Determinism  elements by themselves; the norm adds up blocks of 4096 in float and these in double, in a fixed order.
// Cost         Adam 28 bytes per parameter (param, grad, m, v read; param, m, v written), of bfloat16 with a master 28 too
//              (2 + 12 read and as many written); SGD 20, norm 4, clip 8.
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

/// Some tensors and the number of each one's first block: as many as fit into the 4 KB that kernel arguments may have
/// everywhere, beside a few others.
template <class Tensor>
struct TensorList {
  static constexpr int max_tensors = std::min<int>(64, 3800 / (sizeof(Tensor) + sizeof(index_t)));

  int count = 0;
  index_t first_block[max_tensors + 1] = {};
  Tensor tensor[max_tensors] = {};

  /// The tensor and the elements of it that belong to a block.
  struct Part {
    const Tensor& tensor;
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
static_assert(sizeof(TensorList<ParameterSlot<float>>) < 3900);

/// f(list, blocks before it) for the tensors in lists of at most max_tensors.
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

/// f.operator()<4>(i) for the first element i of every pack of n elements by the threads of a block, then <1>(i) for
/// every element left.
template <class F>
__device__ __forceinline__ void for_block(index_t n, bool packed, const F& f) {
  const index_t packs = packed ? n / 4 : 0;
  TINYGAN_UNROLL
  for (index_t i = threadIdx.x; i < packs; i += map_threads) f.template operator()<4>(4 * i);
  for (index_t i = 4 * packs + threadIdx.x; i < n; i += map_threads) f.template operator()<1>(i);
}

/// A block's part of a parameter: what is updated, and the parameter where that is another array.
template <class T>
struct Parameter {
  float* exact;
  T* rounded = nullptr;

  __device__ Parameter(const ParameterSlot<T>& slot, index_t begin) {
    if constexpr (std::is_same_v<T, float>) {
      if (!slot.master) {
        exact = slot.param + begin;
        return;
      }
    }
    exact = slot.master + begin;
    rounded = slot.param + begin;
  }

  __device__ bool packed() const { return packable<4>(exact, rounded); }  // null is aligned
  template <int N>
  __device__ __forceinline__ void store(index_t i, const Pack<float, N>& value) const {
    store_pack(exact + i, value);
    if (rounded) store_floats(rounded + i, value);
  }
};

/// launch(list) for parameters in lists. Throws Error on a bfloat16 parameter without a master.
template <class T, class F>
void for_slots(const char* op, int count, const ParameterSlot<T>* slots, const F& launch) {
  if constexpr (!std::is_same_v<T, float>)  // it could not hold small updates
    for (int k = 0; k < count; ++k) check(slots[k].master != nullptr, op, "bfloat16 parameter ", k, " has no master");
  for_lists(count, slots, [&](const TensorList<ParameterSlot<T>>& list, index_t) { launch(list); });
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

template <class T>
__global__ void __launch_bounds__(map_threads)
    adam_kernel(AdamHyper h, TensorList<ParameterSlot<T>> list, const std::uint64_t* step) {
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
  const Parameter<T> param(part.tensor, part.begin);
  float *const m = part.tensor.m + part.begin, *const v = part.tensor.v + part.begin;
  const T* const grad = part.tensor.grad + part.begin;
  const auto update = [&]<int N>(index_t i) {
    Pack<float, N> p4 = load_pack<N>(param.exact + i), m4 = load_pack<N>(m + i), v4 = load_pack<N>(v + i);
    const Pack<float, N> g4 = load_floats<N>(grad + i);
    TINYGAN_UNROLL
    for (int k = 0; k < N; ++k) f.update(p4.at[k], g4.at[k], m4.at[k], v4.at[k]);
    param.store(i, p4);
    store_pack(m + i, m4);
    store_pack(v + i, v4);
  };
  for_block(part.n, param.packed() && packable<4>(grad, m, v), update);
}

template <class T>
void adam(const AdamHyper& h, int count, const ParameterSlot<T>* slots, const std::uint64_t* step, Stream stream) {
  for_slots("adam", count, slots, [&](const TensorList<ParameterSlot<T>>& list) {
    launch<adam_kernel<T>>(optimiser_launch(list, sizeof(AdamFactors), stream), h, list, step);
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

template <class T>
__global__ void __launch_bounds__(map_threads) sgd_kernel(SgdFactors f, TensorList<ParameterSlot<T>> list) {
  const auto part = list.part(blockIdx.x);
  const Parameter<T> param(part.tensor, part.begin);
  float* const m = part.tensor.m + part.begin;
  const T* const grad = part.tensor.grad + part.begin;
  const auto update = [&]<int N>(index_t i) {
    Pack<float, N> p4 = load_pack<N>(param.exact + i), m4 = load_pack<N>(m + i);
    const Pack<float, N> g4 = load_floats<N>(grad + i);
    TINYGAN_UNROLL
    for (int k = 0; k < N; ++k) f.update(p4.at[k], g4.at[k], m4.at[k]);
    param.store(i, p4);
    store_pack(m + i, m4);
  };
  for_block(part.n, param.packed() && packable<4>(grad, m), update);
}

template <class T>
void sgd(const SgdHyper& h, int count, const ParameterSlot<T>* slots, Stream stream) {
  const auto momentum = static_cast<float>(h.momentum);
  const SgdFactors f{static_cast<float>(h.learning_rate), momentum, static_cast<float>(h.weight_decay),
                     h.nesterov ? 1.0f : 0.0f, h.nesterov ? momentum : 1.0f};
  for_slots("sgd", count, slots, [&](const TensorList<ParameterSlot<T>>& list) {
    launch<sgd_kernel<T>>(optimiser_launch(list, 0, stream), f, list);
  });
}

// ---- Moving average -------------------------------------------------------------------------------------------------

__global__ void __launch_bounds__(map_threads)
    ema_kernel(index_t n, index_t packs, float decay, const float* x, float* average) {
  map(n, packs, average, [=](float a, float v) { return decay * a + (1.0f - decay) * v; }, average, x);
}

inline void ema(index_t n, float decay, const float* x, float* average, Stream stream) {
  const index_t packs = map_packs(n, x, average);
  launch<ema_kernel>({.grid = map_blocks(n, packs), .block = {map_threads}, .stream = stream}, n, packs, decay, x,
                     average);
}

// ---- Norm and clipping ----------------------------------------------------------------------------------------------

/// partial[block] = sum of squares of its elements.
template <class T>
__global__ void __launch_bounds__(map_threads)
    sum_of_squares_kernel(TensorList<Segment<const T>> list, double* partial) {
  BlockReduceShared& s = block_shared<BlockReduceShared>();
  const auto part = list.part(blockIdx.x);
  const T* const x = part.tensor.data + part.begin;
  float sum = 0.0f;
  for_block(part.n, packable<4>(x), [&]<int N>(index_t i) {
    const Pack<float, N> v = load_floats<N>(x + i);
    if constexpr (N == 4)
      sum += (v.at[0] * v.at[0] + v.at[1] * v.at[1]) + (v.at[2] * v.at[2] + v.at[3] * v.at[3]);
    else
      sum += v.at[0] * v.at[0];
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
std::size_t global_norm_workspace(int count, const Segment<const T>* segments) {
  return static_cast<std::size_t>(optimiser_blocks(count, segments)) * sizeof(double);
}

template <class T>
void global_norm(int count, const Segment<const T>* segments, float* norm, void* workspace, Stream stream) {
  auto* const partial = static_cast<double*>(workspace);
  for_lists(count, segments, [&](const TensorList<Segment<const T>>& list, index_t before) {
    launch<sum_of_squares_kernel<T>>(optimiser_launch(list, sizeof(BlockReduceShared), stream), list, partial + before);
  });
  launch<finish_norm_kernel>({.block = {map_threads}, .shared_bytes = map_threads * sizeof(double), .stream = stream},
                             optimiser_blocks(count, segments), partial, norm);
}

template <class T>
__global__ void __launch_bounds__(map_threads)
    clip_kernel(TensorList<Segment<T>> list, const float* norm, float max_norm) {
  const float scale = max_norm / (*norm + 1e-6f);
  if (scale >= 1.0f) return;  // a NaN goes on, and shows in every gradient
  const auto part = list.part(blockIdx.x);
  T* const x = part.tensor.data + part.begin;
  for_block(part.n, packable<4>(x), [&]<int N>(index_t i) {
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
