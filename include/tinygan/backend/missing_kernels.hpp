// What a device's kernel table holds where the device has no kernel: a function that says so by name.
#pragma once

#include <cstddef>

#include <tinygan/backend/kernel_table.hpp>
#include <tinygan/base/device.hpp>
#include <tinygan/base/error.hpp>

namespace tinygan {

namespace detail {

/// A string literal as a template argument.
template <std::size_t Length>
struct KernelName {
  char text[Length];
  constexpr KernelName(const char (&s)[Length]) {
    for (std::size_t i = 0; i < Length; ++i) text[i] = s[i];
  }
};

/// Puts a function that throws into an entry that is null.
template <DeviceType Type, KernelName Name, class... Args>
constexpr void complete(void (*&entry)(Args...)) {
  if (!entry)
    entry = [](Args...) {
      fail(text("device ", Device{Type, 0}), "it has no kernel '", Name.text, "' yet; use another device for this");
    };
}

}  // namespace detail

/// Replaces every null entry by a function that throws Error naming the kernel and the device type.
template <DeviceType Type, class T>
constexpr void complete_kernels(KernelTable<T>& t) {
  static_assert(sizeof t == 49 * sizeof(void (*)()), "a new entry of the contract belongs into this list");
  using detail::complete;
  complete<Type, "gemm">(t.gemm);
  complete<Type, "batched_gemm">(t.batched_gemm);
  complete<Type, "conv2d">(t.conv2d);
  complete<Type, "conv2d_input_grad">(t.conv2d_input_grad);
  complete<Type, "conv2d_weight_grad">(t.conv2d_weight_grad);
  complete<Type, "depthwise_conv2d">(t.depthwise_conv2d);
  complete<Type, "depthwise_conv2d_input_grad">(t.depthwise_conv2d_input_grad);
  complete<Type, "depthwise_conv2d_weight_grad">(t.depthwise_conv2d_weight_grad);
  complete<Type, "unary">(t.unary);
  complete<Type, "binary">(t.binary);
  complete<Type, "reduce">(t.reduce);
  complete<Type, "arg_extremum">(t.arg_extremum);
  complete<Type, "cumsum">(t.cumsum);
  complete<Type, "fill">(t.fill);
  complete<Type, "copy">(t.copy);
  complete<Type, "permute">(t.permute);
  complete<Type, "narrow">(t.narrow);
  complete<Type, "widen">(t.widen);
  complete<Type, "from_int32">(t.from_int32);
  complete<Type, "to_int32">(t.to_int32);
  complete<Type, "softmax">(t.softmax);
  complete<Type, "log_softmax">(t.log_softmax);
  complete<Type, "gather">(t.gather);
  complete<Type, "scatter_add">(t.scatter_add);
  complete<Type, "batch_norm">(t.batch_norm);
  complete<Type, "batch_norm_apply">(t.batch_norm_apply);
  complete<Type, "batch_norm_backward">(t.batch_norm_backward);
  complete<Type, "layer_norm">(t.layer_norm);
  complete<Type, "layer_norm_backward">(t.layer_norm_backward);
  complete<Type, "max_pool2d">(t.max_pool2d);
  complete<Type, "pool_gather">(t.pool_gather);
  complete<Type, "pool_scatter">(t.pool_scatter);
  complete<Type, "sum_pool2d">(t.sum_pool2d);
  complete<Type, "sum_pool2d_grad">(t.sum_pool2d_grad);
  complete<Type, "translate">(t.translate);
  complete<Type, "cutout">(t.cutout);
  complete<Type, "random_uniform">(t.random_uniform);
  complete<Type, "random_normal">(t.random_normal);
  complete<Type, "random_bernoulli">(t.random_bernoulli);
  complete<Type, "random_integers">(t.random_integers);
  complete<Type, "dropout">(t.dropout);
  complete<Type, "add_noise">(t.add_noise);
  complete<Type, "gather_images">(t.gather_images);
  complete<Type, "record_values">(t.record_values);
  complete<Type, "adam">(t.adam);
  complete<Type, "sgd">(t.sgd);
  complete<Type, "ema">(t.ema);
  complete<Type, "global_norm">(t.global_norm);
  complete<Type, "clip_by_norm">(t.clip_by_norm);
}

}  // namespace tinygan
