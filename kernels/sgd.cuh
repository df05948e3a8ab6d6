// SGD with momentum over all parameters.
//
// Lists        optimiser.cuh.                                                                   Requires  sm_75.
// Shared       the factors. The step is read on the device, so that a captured graph follows the rate's schedule.
// Cost         20 bytes per parameter (param, grad, m read; param, m written).
#pragma once

#include "optimiser.cuh"

namespace tinygan::cuda {
namespace {

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
__global__ void __launch_bounds__(map_threads)
    sgd_kernel(SgdHyper h, TensorList<ParameterSlot<T>> list, const std::uint64_t* step) {
  SgdFactors& s = block_shared<SgdFactors>();
  if (threadIdx.x == 0) {
    const auto momentum = static_cast<float>(h.momentum);
    s = {static_cast<float>(h.rate(static_cast<double>(*step))), momentum, static_cast<float>(h.weight_decay),
         h.nesterov ? 1.0f : 0.0f, h.nesterov ? momentum : 1.0f};
  }
  __syncthreads();
  const SgdFactors f = s;
  const auto chunk = list.chunk(blockIdx.x);
  const Parameter<T> param(chunk.tensor, chunk.begin);
  float* const m = chunk.tensor.m + chunk.begin;
  const T* const grad = chunk.tensor.grad + chunk.begin;
  const auto update = [&]<int N>(index_t i) {
    Pack<float, N> p4 = load_pack<N>(param.master + i), m4 = load_pack<N>(m + i);
    const Pack<float, N> g4 = load_floats<N>(grad + i);
    TINYGAN_UNROLL
    for (int k = 0; k < N; ++k) f.update(p4.at[k], g4.at[k], m4.at[k]);
    param.store(i, p4);
    store_pack(m + i, m4);
  };
  for_block(chunk.n, param.aligned() && is_vector_aligned<4>(grad, m), update);
}

template <class T>
void sgd(const SgdHyper& h, int count, const ParameterSlot<T>* slots, const std::uint64_t* step, Stream stream) {
  for_slots("sgd", count, slots, [&](const TensorList<ParameterSlot<T>>& list) {
    launch<sgd_kernel<T>>(optimiser_launch(list, sizeof(SgdFactors), stream), h, list, step);
  });
}

}  // namespace
}  // namespace tinygan::cuda
