// Convolution on the CPU: the three partials of <x,w,g>, each by the kernel that suits its shape.
//
//   conv_taps.hpp          forward pass and input gradient by tap lists
//   conv_framed.hpp        the same for a few images and a large filter
//   conv_weight_grad.hpp   weight gradient by packed pairs of pixels
//   conv_1ch.hpp           the products that have one channel on a side
//   conv_winograd.hpp      all three partials in float, for stride 1 and a filter of 3x3 or 5x5
//   gemm.hpp               a filter that covers its whole input: y(N,K) = x(N,HWC) w(HWC,K)
#pragma once

#include <type_traits>

#include <tinygan/backend/dense_conv.hpp>
#include <tinygan/base/stream.hpp>
#include <tinygan/cpu/conv_1ch.hpp>
#include <tinygan/cpu/conv_framed.hpp>
#include <tinygan/cpu/conv_taps.hpp>
#include <tinygan/cpu/conv_weight_grad.hpp>
#include <tinygan/cpu/conv_winograd.hpp>
#include <tinygan/cpu/gemm.hpp>

namespace tinygan::cpu {

namespace detail {

/// Calls f with F(4, R) and returns true if Winograd's algorithm computes this convolution of elements T.
template <class T, class Body>
bool try_winograd(const ConvDims& d, const Body& f) {
  if constexpr (std::is_same_v<T, float>) {  // double is the reference of tests
    if (!winograd_pays(d) || !winograd_enabled()) return false;
    if (d.R == 3) f(Winograd<winograd_tile, 3>{});
    else f(Winograd<winograd_tile, 5>{});
    return true;
  }
  return false;
}

/// By tap lists, in a frame of zeros where that pays.
template <class T>
void tap_list_conv(const TapConv& v, const TapList& taps, FramedConv (*frame)(const ConvDims&), const ConvDims& d,
                   const Epilogue<T>& epilogue, const T* in, const T* w, T* out, Workspace& workspace) {
  if (d.R * d.S * d.C * d.K >= FramedPolicy::weights)
    if (const FramedConv framed = frame(d); framing_pays(v, taps, framed))
      return framed_conv(v, framed, epilogue, in, w, out, workspace);
  tap_conv(v, taps, epilogue, in, w, out, workspace);
}

}  // namespace detail

/// y(N,P,Q,K) = epilogue(sum over taps of x w).
template <class T>
void conv2d(const ConvDims& d, const Epilogue<T>& epilogue, const T* x, const T* w, T* y, Workspace& workspace,
            Stream stream) {
  if (is_dense(d)) return gemm(dense_dims(d, ConvSlot::g), epilogue, x, w, y, workspace, stream);
  const bool done = detail::try_winograd<T>(
      d, [&]<class F>(F) { detail::winograd_conv<F>(detail::WinogradConv::forward(d), epilogue, x, w, y, workspace); });
  if (done) return;
  const auto v = detail::TapConv::forward(d);
  if (d.K == 1) return detail::one_channel_conv(v, forward_taps(d), epilogue, x, w, y, workspace);
  detail::tap_list_conv(v, forward_taps(d), &detail::FramedConv::forward, d, epilogue, x, w, y, workspace);
}

/// dx(N,H,W,C) = epilogue(sum over adjoint taps of g w^T); also the forward pass of transposed convolution.
template <class T>
void conv2d_input_grad(const ConvDims& d, const Epilogue<T>& epilogue, const T* g, const T* w, T* dx,
                       Workspace& workspace, Stream stream) {
  if (is_dense(d)) {  // the bias is one value per channel, not per column of the product
    gemm(dense_dims(d, ConvSlot::x), Epilogue<T>{}, g, w, dx, workspace, stream);
    parallel_for(d.N * d.H * d.W, std::max<index_t>(1, 16384 / d.C), [&](index_t begin, index_t end) {
      const index_t row = 0;
      for (index_t pixel = begin; pixel < end; ++pixel) finish_rows(epilogue, 0, dx + pixel * d.C, &row, 1, d.C);
    });
    return;
  }
  const bool done = detail::try_winograd<T>(d, [&]<class F>(F) {
    detail::winograd_conv<F>(detail::WinogradConv::input_grad(d), epilogue, g, w, dx, workspace);
  });
  if (done) return;
  const auto v = detail::TapConv::input_grad(d);
  if (d.C == 1) return detail::one_channel_conv(v, adjoint_taps(d), epilogue, g, w, dx, workspace);
  detail::tap_list_conv(v, adjoint_taps(d), &detail::FramedConv::input_grad, d, epilogue, g, w, dx, workspace);
}

/// dw(R,S,C,K) = sum over images and pixel pairs of x g.
template <class T>
void conv2d_weight_grad(const ConvDims& d, const T* x, const T* g, T* dw, Workspace& workspace, Stream stream) {
  if (is_dense(d)) return gemm(dense_dims(d, ConvSlot::w), Epilogue<T>{}, x, g, dw, workspace, stream);
  const bool done =
      detail::try_winograd<T>(d, [&]<class F>(F) { detail::winograd_weight_grad<F>(d, x, g, dw, workspace); });
  if (done) return;
  const auto kernel = d.C == 1 || d.K == 1 ? detail::one_channel_weight_grad<T> : detail::weight_grad<T>;
  kernel(d, x, g, dw, workspace);
}

}  // namespace tinygan::cpu
