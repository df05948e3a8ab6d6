// The CPU's kernel tables.
#pragma once

#include <type_traits>

#include <tinygan/backend/kernel_table.hpp>
#include <tinygan/backend/missing_kernels.hpp>
#include <tinygan/cpu/adam.hpp>
#include <tinygan/cpu/arg_extremum.hpp>
#include <tinygan/cpu/backend.hpp>
#include <tinygan/cpu/batch_norm.hpp>
#include <tinygan/cpu/batched_gemm.hpp>
#include <tinygan/cpu/clip.hpp>
#include <tinygan/cpu/conv.hpp>
#include <tinygan/cpu/convert.hpp>
#include <tinygan/cpu/counters.hpp>
#include <tinygan/cpu/data.hpp>
#include <tinygan/cpu/depthwise.hpp>
#include <tinygan/cpu/ema.hpp>
#include <tinygan/cpu/image.hpp>
#include <tinygan/cpu/indexing.hpp>
#include <tinygan/cpu/layer_norm.hpp>
#include <tinygan/cpu/pointwise.hpp>
#include <tinygan/cpu/pooling.hpp>
#include <tinygan/cpu/random.hpp>
#include <tinygan/cpu/reduce.hpp>
#include <tinygan/cpu/scan.hpp>
#include <tinygan/cpu/sgd.hpp>
#include <tinygan/cpu/small_gemm.hpp>

namespace tinygan::cpu {

namespace detail {

/// bfloat16: casts and fill only, for copies to and from other devices. Every other entry throws Error.
constexpr KernelTable<bfloat16> casts_only() {
  KernelTable<bfloat16> t{};
  t.fill = fill_narrow<bfloat16>;
  t.narrow = narrow<bfloat16>;
  t.widen = widen<bfloat16>;
  complete_kernels<DeviceType::cpu>(t);
  return t;
}

template <class T>
constexpr KernelTable<T> all_kernels() {
  return {
      .gemm = any_gemm<T>,
      .batched_gemm = batched_gemm<T>,
      .conv2d = conv2d<T>,
      .conv2d_input_grad = conv2d_input_grad<T>,
      .conv2d_weight_grad = conv2d_weight_grad<T>,
      .depthwise_conv2d = depthwise_conv2d<T>,
      .depthwise_conv2d_input_grad = depthwise_conv2d_input_grad<T>,
      .depthwise_conv2d_weight_grad = depthwise_conv2d_weight_grad<T>,
      .unary = unary<T>,
      .binary = binary<T>,
      .reduce = reduce<T>,
      .arg_extremum = arg_extremum<T>,
      .cumsum = cumsum<T>,
      .fill = fill<T>,
      .copy = copy<T>,
      .permute = permute<T>,
      .narrow = narrow<T>,
      .widen = widen<T>,
      .from_int32 = from_int32<T>,
      .to_int32 = to_int32<T>,
      .softmax = softmax<T>,
      .log_softmax = log_softmax<T>,
      .gather = gather<T>,
      .scatter_add = scatter_add<T>,
      .batch_norm = batch_norm<T>,
      .batch_norm_apply = batch_norm_apply<T>,
      .batch_norm_backward = batch_norm_backward<T>,
      .layer_norm = layer_norm<T>,
      .layer_norm_backward = layer_norm_backward<T>,
      .max_pool2d = max_pool2d<T>,
      .pool_gather = pool_gather<T>,
      .pool_scatter = pool_scatter<T>,
      .sum_pool2d = sum_pool2d<T>,
      .sum_pool2d_grad = sum_pool2d_grad<T>,
      .translate = translate<T>,
      .cutout = cutout<T>,
      .random_uniform = random_uniform<T>,
      .random_normal = random_normal<T>,
      .random_bernoulli = random_bernoulli<T>,
      .random_integers = random_integers,
      .dropout = dropout<T>,
      .add_noise = add_noise<T>,
      .gather_images = gather_images<T>,
      .record_values = record_values<T>,
      .adam = adam<T>,
      .sgd = sgd<T>,
      .ema = ema<T>,
      .global_norm = global_norm<T>,
      .clip_by_norm = clip_by_norm<T>,
  };
}

}  // namespace detail

template <class T>
const KernelTable<T>& kernel_table() {
  if constexpr (std::is_same_v<T, bfloat16>) {
    static constexpr KernelTable<T> table = detail::casts_only();
    return table;
  } else {
    static constexpr KernelTable<T> table = detail::all_kernels<T>();
    return table;
  }
}

}  // namespace tinygan::cpu
