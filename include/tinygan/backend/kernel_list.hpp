// The names of the kernel contract: one list for all that must treat every entry.
#pragma once

#include <tinygan/backend/kernel_table.hpp>

/// X(name) for every entry of KernelTable, in its order.
#define TINYGAN_FOR_EACH_KERNEL(X) \
  X(gemm)                          \
  X(batched_gemm)                  \
  X(conv2d)                        \
  X(conv2d_input_grad)             \
  X(conv2d_weight_grad)            \
  X(depthwise_conv2d)              \
  X(depthwise_conv2d_input_grad)   \
  X(depthwise_conv2d_weight_grad)  \
  X(unary)                         \
  X(binary)                        \
  X(reduce)                        \
  X(arg_extremum)                  \
  X(cumsum)                        \
  X(fill)                          \
  X(copy)                          \
  X(permute)                       \
  X(narrow)                        \
  X(widen)                         \
  X(from_int32)                    \
  X(to_int32)                      \
  X(softmax)                       \
  X(log_softmax)                   \
  X(gather)                        \
  X(scatter_add)                   \
  X(batch_norm)                    \
  X(batch_norm_apply)              \
  X(batch_norm_backward)           \
  X(layer_norm)                    \
  X(layer_norm_backward)           \
  X(max_pool2d)                    \
  X(pool_gather)                   \
  X(pool_scatter)                  \
  X(sum_pool2d)                    \
  X(sum_pool2d_grad)               \
  X(translate)                     \
  X(cutout)                        \
  X(random_uniform)                \
  X(random_normal)                 \
  X(random_bernoulli)              \
  X(random_integers)               \
  X(dropout)                       \
  X(add_noise)                     \
  X(gather_images)                 \
  X(record_values)                 \
  X(adam)                          \
  X(sgd)                           \
  X(ema)                           \
  X(global_norm)                   \
  X(clip_by_norm)

namespace tinygan {

#define TINYGAN_ONE(name) +1
inline constexpr int kernel_count = 0 TINYGAN_FOR_EACH_KERNEL(TINYGAN_ONE);
#undef TINYGAN_ONE
static_assert(sizeof(KernelTable<float>) == kernel_count * sizeof(void (*)()),
              "a new entry of the contract belongs into this list");

}  // namespace tinygan
