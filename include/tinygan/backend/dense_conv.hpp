// Convolutions that are matrix products: a filter that covers its whole input, y(N,K) = x(N,HWC) w(HWC,K).
#pragma once

#include <tinygan/backend/conv_dims.hpp>
#include <tinygan/backend/gemm_dims.hpp>

namespace tinygan {

/// One output pixel, and every tap meets an input pixel of its own: a dense layer.
inline bool is_dense(const ConvDims& d) {
  return d.P == 1 && d.Q == 1 && d.R == d.H && d.S == d.W && d.pad_top == 0 && d.pad_left == 0 &&
         (d.R == 1 || d.dilation_h == 1) && (d.S == 1 || d.dilation_w == 1);
}

/// The matrix product that computes the partial in one slot of such a convolution.
inline GemmDims dense_dims(const ConvDims& d, ConvSlot output) {
  const index_t inputs = d.H * d.W * d.C;
  if (output == ConvSlot::g) return {.M = d.N, .N = d.K, .K = inputs};
  if (output == ConvSlot::x) return {.M = d.N, .N = inputs, .K = d.K, .trans_b = true};
  return {.M = inputs, .N = d.K, .K = d.N, .trans_a = true};
}

}  // namespace tinygan
