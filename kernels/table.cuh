// The kernel table of the cuda and emulated devices: every launcher in its place, and an Error where there is none yet.
#pragma once

#include <type_traits>

#include <tinygan/backend/missing_kernels.hpp>
#include <tinygan/base/precision.hpp>

#include "adam.cuh"
#include "batch_norm.cuh"
#include "batched_gemm.cuh"
#include "clip.cuh"
#include "conv.cuh"
#include "counters.cuh"
#include "data.cuh"
#include "depthwise.cuh"
#include "ema.cuh"
#include "gemm.cuh"
#include "image.cuh"
#include "indexing.cuh"
#include "launch.cuh"
#include "layer_norm.cuh"
#include "pointwise.cuh"
#include "pooling.cuh"
#include "random.cuh"
#include "reduce.cuh"
#include "scan.cuh"
#include "sgd.cuh"
#include "softmax.cuh"

namespace tinygan::cuda {
namespace {

/// The kernels of a device of this type for elements T. The precision is that of products and convolutions: bf16 for
/// bfloat16, any for float; all others are the same.
template <DeviceType Type, class T, Precision F>
const KernelTable<T>& kernel_table() {
  static const KernelTable<T> table = [] {
    KernelTable<T> t{};
    t.gemm = &gemm<F, T>;
    t.batched_gemm = &batched_gemm<F, T>;
    t.conv2d = &conv2d<F, T>;
    t.conv2d_input_grad = &conv2d_input_grad<F, T>;
    t.conv2d_weight_grad = &conv2d_weight_grad<F, T>;
    t.depthwise_conv2d = &depthwise_conv2d<T>;
    t.depthwise_conv2d_input_grad = &depthwise_conv2d_input_grad<T>;
    t.depthwise_conv2d_weight_grad = &depthwise_conv2d_weight_grad<T>;
    t.unary = &unary<T>;
    t.binary = &binary<T>;
    t.reduce = &reduce<T>;
    t.arg_extremum = &arg_extremum<T>;
    t.cumsum = &cumsum<T>;
    t.fill = &fill<T>;
    t.copy = &copy<T>;
    t.permute = &permute<T>;
    t.narrow = &narrow<T>;
    t.widen = &widen<T>;
    t.from_int32 = &from_int32<T>;
    t.to_int32 = &to_int32<T>;
    t.softmax = &softmax<T>;
    t.log_softmax = &log_softmax<T>;
    t.gather = &gather<T>;
    t.scatter_add = &scatter_add<T>;
    t.batch_norm = &batch_norm<T>;
    t.batch_norm_apply = &batch_norm_apply<T>;
    t.batch_norm_backward = &batch_norm_backward<T>;
    t.layer_norm = &layer_norm<T>;
    t.layer_norm_backward = &layer_norm_backward<T>;
    t.max_pool2d = &max_pool2d<T>;
    t.pool_gather = &pool_gather<T>;
    t.pool_scatter = &pool_scatter<T>;
    t.sum_pool2d = &sum_pool2d<T>;
    t.sum_pool2d_grad = &sum_pool2d_grad<T>;
    t.translate = &translate<T>;
    t.cutout = &cutout<T>;
    t.random_uniform = &random_uniform<T>;
    t.random_normal = &random_normal<T>;
    t.random_bernoulli = &random_bernoulli<T>;
    t.dropout = &dropout<T>;
    t.add_noise = &add_noise<T>;
    t.gather_images = &gather_images<T>;
    t.adam = &adam<T>;
    t.sgd = &sgd<T>;
    t.global_norm = &global_norm<T>;
    t.clip_by_norm = &clip_by_norm<T>;
    if constexpr (std::is_same_v<T, float>) {  // metrics and averages are float, integers any
      t.random_integers = &random_integers;
      t.record_values = &record_values;
      t.ema = &ema;
    }
    complete_kernels<Type>(t);
    return t;
  }();
  return table;
}

}  // namespace
}  // namespace tinygan::cuda
