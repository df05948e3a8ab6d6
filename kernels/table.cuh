// The kernel table of the cuda and emulated devices: every launcher in its place, and an Error where there is none yet.
#pragma once

#include <tinygan/backend/missing_kernels.hpp>

#include "data.cuh"
#include "launch.cuh"
#include "optimiser.cuh"
#include "pointwise.cuh"
#include "pool.cuh"
#include "random.cuh"
#include "reduce.cuh"
#include "softmax.cuh"

namespace tinygan::cuda {
namespace {

/// The kernels of a device of this type.
template <DeviceType Type>
const KernelTable<float>& kernel_table() {
  static const KernelTable<float> table = [] {
    KernelTable<float> t{};
    t.unary = &unary;
    t.binary = &binary;
    t.reduce_workspace = &reduce_workspace;
    t.reduce = &reduce;
    t.fill = &fill;
    t.copy = &copy;
    t.permute = &permute;
    t.softmax = &softmax;
    t.log_softmax = &log_softmax;
    t.max_pool2d = &max_pool2d;
    t.pool_gather = &pool_gather;
    t.pool_scatter = &pool_scatter;
    t.sum_pool2d = &sum_pool2d;
    t.sum_pool2d_grad = &sum_pool2d_grad;
    t.random_uniform = &random_uniform;
    t.random_normal = &random_normal;
    t.random_bernoulli = &random_bernoulli;
    t.dropout = &dropout;
    t.gather_images = &gather_images;
    t.adam = &adam;
    t.sgd = &sgd;
    t.ema = &ema;
    t.global_norm_workspace = &global_norm_workspace;
    t.global_norm = &global_norm;
    t.clip_by_norm = &clip_by_norm;
    complete_kernels<Type>(t);
    return t;
  }();
  return table;
}

}  // namespace
}  // namespace tinygan::cuda
