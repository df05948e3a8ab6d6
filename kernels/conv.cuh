// The three partials of a convolution <x,w,g>, each by the kernel that suits its shape, in the precision F. Kernels for
// a single channel compute in fp32 whatever the precision.
//
//   conv_taps.cuh          forward pass and input gradient by tap lists
//   wgmma_taps.cuh         the same on Hopper, where shapes fit
//   conv_weight_grad.cuh   weight gradient by pairs of pixels
//   wgmma_weight_grad.cuh  the same of bfloat16 on Hopper, where shapes fit
//   conv_1ch_*.cuh         all three where one side has a single channel and the filter is small and square
//   gemm.cuh               a filter that covers its whole input: y(N,K) = x(N,HWC) w(HWC,K)
#pragma once

#include <tinygan/backend/dense_conv.hpp>
#include <tinygan/base/stream.hpp>

#include "conv_1ch_in.cuh"
#include "conv_1ch_out.cuh"
#include "conv_1ch_weight_grad.cuh"
#include "conv_taps.cuh"
#include "conv_weight_grad.cuh"
#include "gemm.cuh"
#include "wgmma_weight_grad.cuh"

namespace tinygan::cuda {
namespace {

/// Whether a convolution runs on the kernels for a single channel.
inline bool is_one_channel(const ConvDims& d) {
  return one_channel_fits(d) && forms::selects(forms::Way::one_channel, tile_limits().one_channel >= 1);
}

/// Whether the partial in this slot is the matrix product dense_dims(). The bias of an input gradient is one per
/// channel, not one per column of the product, so with more than one pixel it is not one.
inline bool is_product(const ConvDims& d, ConvSlot output) {
  return is_dense(d) && (output != ConvSlot::x || d.H * d.W == 1);
}

/// Tap lists on Hopper's tensor cores where they fit, else on the tiles of gemm_tile.cuh.
template <Precision F, bool Adjoint, class T>
void tap_conv(const ConvDims& d, const Epilogue<T>& e, const T* in, const T* w, T* out, Workspace& workspace,
              Stream stream) {
  if constexpr (F != Precision::fp32)
    if (wgmma_conv_fits<F, T>(d, Adjoint) && wgmma_conv_reads<F, T>(in, w))
      return wgmma_conv<F, T, Adjoint>(d, e, in, w, out, workspace, stream);
  tap_conv<F, Adjoint>(d, e, in, w, out, stream);
}

template <Precision F, class T>
void conv2d(const ConvDims& d, const Epilogue<T>& e, const T* x, const T* w, T* y, Workspace& workspace,
            Stream stream) {
  if (is_product(d, ConvSlot::g)) return gemm<F>(dense_dims(d, ConvSlot::g), e, x, w, y, workspace, stream);
  if (is_one_channel(d)) return (d.C == 1 ? &one_channel_in<T> : &one_channel_out<T>)(d, e, x, w, y, stream);
  tap_conv<F, false>(d, e, x, w, y, workspace, stream);
}

template <Precision F, class T>
void conv2d_input_grad(const ConvDims& d, const Epilogue<T>& e, const T* g, const T* w, T* dx, Workspace& workspace,
                       Stream stream) {
  if (is_product(d, ConvSlot::x)) return gemm<F>(dense_dims(d, ConvSlot::x), e, g, w, dx, workspace, stream);
  if (is_one_channel(d)) return (d.C == 1 ? &one_channel_out<T> : &one_channel_in<T>)(d, e, g, w, dx, stream);
  tap_conv<F, true>(d, e, g, w, dx, workspace, stream);
}

template <Precision F, class T>
void conv2d_weight_grad(const ConvDims& d, const T* x, const T* g, T* dw, Workspace& workspace, Stream stream) {
  if (is_product(d, ConvSlot::w))
    return gemm<F>(dense_dims(d, ConvSlot::w), Epilogue<T>{}, x, g, dw, workspace, stream);
  const auto run = [&](index_t splits, const auto& kernel) {  // kernel(partial sums), null for one split
    float* const partial_sums = split_k_workspace("conv2d_weight_grad", splits, d.w_shape().size(), workspace);
    kernel(partial_sums);
    if (partial_sums) sum_splits(d.w_shape().size(), splits, d.K, Epilogue<T>{}, partial_sums, dw, stream);
  };
  if (is_one_channel(d))
    return run(one_channel_grad_splits(d), [&](float* sums) { one_channel_grad(d, x, g, dw, sums, stream); });
  if constexpr (std::is_same_v<T, bfloat16>)
    if (wgmma_weight_grad_fits<F, T>(d) && is_aligned(16, x, g))
      return run(wgmma_weight_grad_splits(d), [&](float* sums) { wgmma_weight_grad(d, x, g, dw, sums, stream); });
  const index_t splits = weight_grad_splits<F, T>(d);
  run(splits, [&](float* sums) { weight_grad<F>(d, splits, x, g, dw, sums, stream); });
}

}  // namespace
}  // namespace tinygan::cuda
