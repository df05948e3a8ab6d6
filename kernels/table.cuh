// The kernel table of the cuda and emulated devices: every launcher in its place, and an Error where there is none yet.
#pragma once

#include <tinygan/backend/missing_kernels.hpp>
#include <tinygan/base/precision.hpp>

#include "batch_norm.cuh"
#include "conv.cuh"
#include "counters.cuh"
#include "data.cuh"
#include "gemm.cuh"
#include "launch.cuh"
#include "layer_norm.cuh"
#include "optimiser.cuh"
#include "pointwise.cuh"
#include "pool.cuh"
#include "random.cuh"
#include "reduce.cuh"
#include "softmax.cuh"

namespace tinygan::cuda {
namespace {

/// The kernels of a device of this type. The precision is that of products and convolutions; all others are the same.
template <DeviceType Type, Precision F>
const KernelTable<float>& kernel_table() {
  static const KernelTable<float> table = [] {
    KernelTable<float> t{};
    t.gemm_workspace = &gemm_workspace<F>;
    t.gemm = &gemm<F>;
    t.conv2d_workspace = &conv2d_workspace<F>;
    t.conv2d = &conv2d<F>;
    t.conv2d_input_grad = &conv2d_input_grad<F>;
    t.conv2d_weight_grad = &conv2d_weight_grad<F>;
    t.unary = &unary;
    t.binary = &binary;
    t.reduce_workspace = &reduce_workspace;
    t.reduce = &reduce;
    t.fill = &fill;
    t.copy = &copy;
    t.permute = &permute;
    t.softmax = &softmax;
    t.log_softmax = &log_softmax;
    t.batch_norm_workspace = &batch_norm_workspace;
    t.batch_norm_stats = &batch_norm_stats;
    t.batch_norm_apply = &batch_norm_apply;
    t.batch_norm_backward = &batch_norm_backward;
    t.layer_norm = &layer_norm;
    t.layer_norm_workspace = &layer_norm_workspace;
    t.layer_norm_backward = &layer_norm_backward;
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
    t.record_values = &record_values;
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
