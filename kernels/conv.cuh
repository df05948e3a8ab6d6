// The three partials of a convolution <x,w,g>, each by the kernel that suits its shape, in the precision F. Kernels for
// a single channel compute in fp32 whatever the precision.
//
//   conv_taps.cuh          forward pass and input gradient by tap lists
//   wgmma_taps.cuh         the same on Hopper, where shapes fit
//   conv_weight_grad.cuh   weight gradient by pairs of pixels
//   conv_1ch.cuh, conv_1ch_weight_grad.cuh   the same where one side has a single channel
//   gemm.cuh               a filter that covers its whole input: y(N,K) = x(N,HWC) w(HWC,K)
#pragma once

#include <tinygan/backend/dense_conv.hpp>
#include <tinygan/base/stream.hpp>

#include "conv_1ch.cuh"
#include "conv_1ch_weight_grad.cuh"
#include "conv_taps.cuh"
#include "conv_weight_grad.cuh"
#include "gemm.cuh"

namespace tinygan::cuda {
namespace {

inline bool has_one_channel(const ConvDims& d) { return d.C == 1 || d.K == 1; }

/// Whether the partial in this slot is the matrix product dense_dims(). The bias of an input gradient is one per
/// channel, not one per column of the product, so with more than one pixel it takes the general way.
inline bool is_product(const ConvDims& d, ConvSlot output) {
  return is_dense(d) && (output != ConvSlot::x || d.H * d.W == 1);
}

/// Tap lists on Hopper's tensor cores where they fit, else on the tiles of gemm_tile.cuh.
template <Precision F, class T>
std::size_t tap_conv_workspace(const ConvDims& d, bool adjoint) {
  if constexpr (wgmma_serves<F, T>)
    if (!has_one_channel(d) && wgmma_conv_fits<F>(d, adjoint)) return wgmma_conv_workspace<F>(d, adjoint);
  return 0;
}
template <Precision F, bool Adjoint, class T>
void tap_conv(const ConvDims& d, const Epilogue<T>& e, const T* in, const T* w, T* out, void* workspace,
              Stream stream) {
  if constexpr (wgmma_serves<F, T>) {
    const bool readable = F == Precision::bf16 || aligned(16, in);  // tf32 reads the input in place, by whole packs
    if (readable && wgmma_conv_fits<F>(d, Adjoint))
      return wgmma_conv<F, Adjoint>(d, e, in, w, out, workspace, stream);
  }
  tap_conv<F, Adjoint>(d, e, in, w, out, stream);
}

template <Precision F, class T>
std::size_t conv2d_workspace(const ConvDims& d, ConvSlot output) {
  if (is_product(d, output)) return gemm_workspace<F, T>(dense_dims(d, output));
  if (output != ConvSlot::w) return tap_conv_workspace<F, T>(d, output == ConvSlot::x);
  return has_one_channel(d) ? one_channel_grad_workspace(d) : weight_grad_workspace<F, T>(d);
}

/// One piece per row of tiles; none for weight gradients and single channels.
template <Precision F, class T>
index_t conv2d_moment_pieces(const ConvDims& d, ConvSlot output) {
  if (output == ConvSlot::w) return 0;
  if (is_product(d, output)) return gemm_moment_pieces<F, T>(dense_dims(d, output));
  if (has_one_channel(d)) return 0;
  const bool adjoint = output == ConvSlot::x;
  if constexpr (wgmma_serves<F, T>)
    if (wgmma_conv_fits<F>(d, adjoint)) return 0;
  return adjoint ? tap_conv_moment_pieces<F, true, T>(d) : tap_conv_moment_pieces<F, false, T>(d);
}

template <Precision F, class T>
void conv2d(const ConvDims& d, const Epilogue<T>& e, const T* x, const T* w, T* y, void* workspace, Stream stream) {
  if (is_product(d, ConvSlot::g)) return gemm<F>(dense_dims(d, ConvSlot::g), e, x, w, y, workspace, stream);
  if (has_one_channel(d)) return one_channel_conv<false>(d, e, x, w, y, stream);
  tap_conv<F, false>(d, e, x, w, y, workspace, stream);
}

template <Precision F, class T>
void conv2d_input_grad(const ConvDims& d, const Epilogue<T>& e, const T* g, const T* w, T* dx, void* workspace,
                       Stream stream) {
  if (is_product(d, ConvSlot::x)) return gemm<F>(dense_dims(d, ConvSlot::x), e, g, w, dx, workspace, stream);
  if (has_one_channel(d)) return one_channel_conv<true>(d, e, g, w, dx, stream);
  tap_conv<F, true>(d, e, g, w, dx, workspace, stream);
}

template <Precision F, class T>
void conv2d_weight_grad(const ConvDims& d, const T* x, const T* g, T* dw, void* workspace, Stream stream) {
  if (is_product(d, ConvSlot::w))
    return gemm<F>(dense_dims(d, ConvSlot::w), Epilogue<T>{}, x, g, dw, workspace, stream);
  if (has_one_channel(d)) return one_channel_grad(d, x, g, dw, workspace, stream);
  weight_grad<F>(d, x, g, dw, workspace, stream);
}

}  // namespace
}  // namespace tinygan::cuda
