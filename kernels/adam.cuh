// Adam over all parameters.
//
// Lists        optimiser.cuh.                                                                   Requires  sm_75.
// Shared       the factors that depend on the step. The step is read on the device, so a captured graph counts on, and
//              its rate follows the schedule.
// Cost         28 bytes per parameter (param, grad, m, v read; param, m, v written), of bfloat16 with a master 28 too
//              (2 + 12 read and as many written).
// Source       Kingma and Ba, "Adam", ICLR 2015; Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019.
#pragma once

#include "optimiser.cuh"

namespace tinygan::cuda {
namespace {

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
    const double correction1 = h.bias_correction ? 1 - pow(h.beta1, t) : 1;
    const double root_correction2 = h.bias_correction ? sqrt(1 - pow(h.beta2, t)) : 1;
    const double learning_rate = h.rate(t);
    s = {static_cast<float>(learning_rate * (h.epsilon_hat ? root_correction2 : 1) / correction1),
         static_cast<float>(h.epsilon_hat ? 1 : 1 / root_correction2),
         static_cast<float>(h.epsilon),
         static_cast<float>(1 - learning_rate * h.weight_decay),
         static_cast<float>(h.beta1),
         static_cast<float>(1 - h.beta1),
         static_cast<float>(h.beta2),
         static_cast<float>(1 - h.beta2)};
  }
  __syncthreads();
  const AdamFactors f = s;
  const auto chunk = list.chunk(blockIdx.x);
  const Parameter<T> param(chunk.tensor, chunk.begin);
  float *const m = chunk.tensor.m + chunk.begin, *const v = chunk.tensor.v + chunk.begin;
  const T* const grad = chunk.tensor.grad + chunk.begin;
  const auto update = [&]<int N>(index_t i) {
    Pack<float, N> p4 = load_pack<N>(param.master + i), m4 = load_pack<N>(m + i), v4 = load_pack<N>(v + i);
    const Pack<float, N> g4 = load_floats<N>(grad + i);
    TINYGAN_UNROLL
    for (int k = 0; k < N; ++k) f.update(p4.at[k], g4.at[k], m4.at[k], v4.at[k]);
    param.store(i, p4);
    store_pack(m + i, m4);
    store_pack(v + i, v4);
  };
  for_block(chunk.n, param.aligned() && is_vector_aligned<4>(grad, m, v), update);
}

template <class T>
void adam(const AdamHyper& h, int count, const ParameterSlot<T>* slots, const std::uint64_t* step, Stream stream) {
  for_slots("adam", count, slots, [&](const TensorList<ParameterSlot<T>>& list) {
    launch<adam_kernel<T>>(optimiser_launch(list, sizeof(AdamFactors), stream), h, list, step);
  });
}

}  // namespace
}  // namespace tinygan::cuda
