// The three partials of a convolution <x,w,g>, each by the kernel that suits its shape.
//
//   conv_taps.cuh          forward pass and input gradient by tap lists
//   conv_weight_grad.cuh   weight gradient by pairs of pixels
//   conv_1ch.cuh, conv_1ch_weight_grad.cuh   the same where one side has a single channel
//   gemm.cuh               a filter that covers its whole input: y(N,K) = x(N,HWC) w(HWC,K)
#pragma once

#include <tinygan/backend/conv_dims.hpp>
#include <tinygan/base/stream.hpp>

#include "conv_1ch.cuh"
#include "conv_1ch_weight_grad.cuh"
#include "conv_taps.cuh"
#include "conv_weight_grad.cuh"
#include "gemm.cuh"

namespace tinygan::cuda {
namespace {

inline bool has_one_channel(const ConvDims& d) { return d.C == 1 || d.K == 1; }

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

inline std::size_t conv2d_workspace(const ConvDims& d, ConvSlot output) {
  if (is_dense(d) && !(output == ConvSlot::x && d.H * d.W > 1)) return gemm_workspace(dense_dims(d, output));
  if (output != ConvSlot::w) return 0;
  return has_one_channel(d) ? one_channel_grad_workspace(d) : weight_grad_workspace(d);
}

inline void conv2d(const ConvDims& d, const Epilogue<float>& e, const float* x, const float* w, float* y,
                   void* workspace, Stream stream) {
  if (is_dense(d)) return gemm(dense_dims(d, ConvSlot::g), e, x, w, y, workspace, stream);
  if (has_one_channel(d)) return one_channel_conv<false>(d, e, x, w, y, stream);
  tap_conv<false>(d, e, x, w, y, stream);
}

inline void conv2d_input_grad(const ConvDims& d, const Epilogue<float>& e, const float* g, const float* w, float* dx,
                              void* workspace, Stream stream) {
  // The bias is one per channel, not one per column of the product, so more than one pixel takes the general way.
  if (is_dense(d) && d.H * d.W == 1) return gemm(dense_dims(d, ConvSlot::x), e, g, w, dx, workspace, stream);
  if (has_one_channel(d)) return one_channel_conv<true>(d, e, g, w, dx, stream);
  tap_conv<true>(d, e, g, w, dx, stream);
}

inline void conv2d_weight_grad(const ConvDims& d, const float* x, const float* g, float* dw, void* workspace,
                               Stream stream) {
  if (is_dense(d)) return gemm(dense_dims(d, ConvSlot::w), {}, x, g, dw, workspace, stream);
  if (has_one_channel(d)) return one_channel_grad(d, x, g, dw, workspace, stream);
  weight_grad(d, x, g, dw, workspace, stream);
}

}  // namespace
}  // namespace tinygan::cuda
