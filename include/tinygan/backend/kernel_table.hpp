// The kernel contract: one function pointer per kernel, filled once per device and element type.
//
// Rules for every entry: operands are raw pointers into the device's memory, contiguous and row-major; outputs come
// after inputs and are overwritten (what is updated in place says so); nothing is allocated but scratch from the
// workspace; sizes were validated by the op; results do not depend on the number of threads or blocks scheduled. Sums
// are taken, and scalars and statistics given, in wide_t<T>; what is stored is rounded to T once. A device that lacks a
// kernel leaves null, and the op says so by name.
#pragma once

#include <cstddef>
#include <cstdint>

#include <tinygan/backend/activation.hpp>
#include <tinygan/backend/bfloat16.hpp>
#include <tinygan/backend/conv_dims.hpp>
#include <tinygan/backend/data_dims.hpp>
#include <tinygan/backend/gemm_dims.hpp>
#include <tinygan/backend/image_dims.hpp>
#include <tinygan/backend/index_dims.hpp>
#include <tinygan/backend/norm_dims.hpp>
#include <tinygan/backend/optimiser_arguments.hpp>
#include <tinygan/backend/philox.hpp>
#include <tinygan/backend/pointwise_dims.hpp>
#include <tinygan/backend/pool_dims.hpp>
#include <tinygan/backend/rate_schedule.hpp>
#include <tinygan/backend/workspace.hpp>
#include <tinygan/base/stream.hpp>

namespace tinygan {

template <class T>
struct KernelTable {
  // ---- matrix product ------------------------------------------------------------------------------------------
  /// c(M,N) = epilogue(op(a)(M,K) op(b)(K,N)); bias per column.
  void (*gemm)(const GemmDims&, const Epilogue<T>&, const T* a, const T* b, T* c, Workspace&, Stream);

  /// c[b] = op(a[b]) op(b[b]) for `batch` products of one size, stored one after the other.
  void (*batched_gemm)(const GemmDims&, index_t batch, const T* a, const T* b, T* c, Workspace&, Stream);

  // ---- convolution: the three partials of <x,w,g> ---------------------------------------------------------------
  /// y(N,P,Q,K) = epilogue(sum over taps of x w).
  void (*conv2d)(const ConvDims&, const Epilogue<T>&, const T* x, const T* w, T* y, Workspace&, Stream);
  /// dx(N,H,W,C) = epilogue(sum over adjoint taps of g w^T); also the forward pass of transposed convolution.
  void (*conv2d_input_grad)(const ConvDims&, const Epilogue<T>&, const T* g, const T* w, T* dx, Workspace&, Stream);
  /// dw(R,S,C,K) = sum over images and pixel pairs of x g.
  void (*conv2d_weight_grad)(const ConvDims&, const T* x, const T* g, T* dw, Workspace&, Stream);

  /// Of every channel by itself, K = C and w(R,S,C): y(N,P,Q,C) = sum over taps of x w, and the other two partials.
  void (*depthwise_conv2d)(const ConvDims&, const T* x, const T* w, T* y, Stream);
  void (*depthwise_conv2d_input_grad)(const ConvDims&, const T* g, const T* w, T* dx, Stream);
  void (*depthwise_conv2d_weight_grad)(const ConvDims&, const T* x, const T* g, T* dw, Workspace&, Stream);

  // ---- pointwise, reductions, copies ----------------------------------------------------------------------------
  void (*unary)(UnaryOp, index_t n, wide_t<T> alpha, wide_t<T> beta, const T* x, T* y, Stream);
  void (*binary)(BinaryOp, const BroadcastDims&, wide_t<T> alpha, const T* a, const T* b, T* y, Stream);
  /// y(outer, inner) from x(outer, reduced, inner).
  void (*reduce)(ReduceOp, const ReduceDims&, const T* x, T* y, Workspace&, Stream);
  /// index(outer, inner) of the first maximum or minimum of x(outer, reduced, inner); a NaN is one.
  void (*arg_extremum)(ReduceOp, const ReduceDims&, const T* x, std::int32_t* index, Stream);
  void (*cumsum)(const ScanDims&, const T* x, T* y, Stream);
  void (*fill)(index_t n, wide_t<T> value, T* y, Stream);
  void (*copy)(const CopyDims&, const T* src, T* dst, Stream);
  void (*permute)(const PermuteDims&, const T* x, T* y, Stream);
  /// y = x, rounded to nearest even where T is narrower.
  void (*narrow)(index_t n, const wide_t<T>* x, T* y, Stream);
  void (*widen)(index_t n, const T* x, wide_t<T>* y, Stream);
  /// y = x, rounded to nearest even where T has not enough digits; and x without its fraction, within int32's range.
  void (*from_int32)(index_t n, const std::int32_t* x, T* y, Stream);
  void (*to_int32)(index_t n, const T* x, std::int32_t* y, Stream);
  /// Softmax and its logarithm along the columns of x(rows, channels).
  void (*softmax)(const NormDims&, const T* x, T* y, Stream);
  void (*log_softmax)(const NormDims&, const T* x, T* y, Stream);

  // ---- indices --------------------------------------------------------------------------------------------------
  /// y(outer, count, inner) = x(outer, extent, inner) at the indices; NaN where one is outside [0, extent).
  void (*gather)(const IndexDims&, const std::int32_t* index, const T* x, T* y, Stream);
  /// dx(outer, extent, inner) = sum of g(outer, count, inner) over what has that index, in order; others are ignored.
  void (*scatter_add)(const IndexDims&, const std::int32_t* index, const T* g, T* dx, Stream);

  // ---- normalisation --------------------------------------------------------------------------------------------
  /// Per channel mean and biased variance over rows, by shifted or Welford sums, and
  ///   y = activation(gamma (x - mean) / sqrt(variance + eps) + beta).
  void (*batch_norm)(const NormDims&, const NormOptions<T>&, const T* x, const T* gamma, const T* beta, T* y,
                     wide_t<T>* mean, wide_t<T>* variance, Workspace&, Stream);
  /// The same y with given statistics.
  void (*batch_norm_apply)(const NormDims&, const NormOptions<T>&, const T* x, const wide_t<T>* mean,
                           const wide_t<T>* variance, const T* gamma, const T* beta, T* y, Stream);
  /// Gradients through batch_norm, g being the cotangent of y:
  ///   h = g * activation'(.), dbeta = sum h, dgamma = sum h xhat, dx = gamma rstd (h - dbeta/rows - xhat dgamma/rows).
  void (*batch_norm_backward)(const NormDims&, const NormOptions<T>&, const T* x, const wide_t<T>* mean,
                              const wide_t<T>* variance, const T* gamma, const T* beta, const T* g, T* dx, T* dgamma,
                              T* dbeta, Workspace&, Stream);
  /// Per row: y = activation(gamma (x - mean) / sqrt(variance + eps) + beta), mean(rows) and rstd(rows) kept for
  /// backward.
  void (*layer_norm)(const NormDims&, const NormOptions<T>&, const T* x, const T* gamma, const T* beta, T* y,
                     wide_t<T>* mean, wide_t<T>* rstd, Stream);
  void (*layer_norm_backward)(const NormDims&, const NormOptions<T>&, const T* x, const wide_t<T>* mean,
                              const wide_t<T>* rstd, const T* gamma, const T* beta, const T* g, T* dx, T* dgamma,
                              T* dbeta, Workspace&, Stream);

  // ---- pooling --------------------------------------------------------------------------------------------------
  /// y = max of each window; index(N,P,Q,C) = h*W + w of the first maximum.
  void (*max_pool2d)(const PoolDims&, const T* x, T* y, std::int32_t* index, Stream);
  /// y[n,p,q,c] = x[n, index[n,p,q,c], c], and its adjoint dx(N,H,W,C).
  void (*pool_gather)(const PoolDims&, const T* x, const std::int32_t* index, T* y, Stream);
  void (*pool_scatter)(const PoolDims&, const T* g, const std::int32_t* index, T* dx, Stream);
  /// y = scale * sum of each window, and its adjoint dx(N,H,W,C): average pooling and nearest upsampling.
  void (*sum_pool2d)(const PoolDims&, wide_t<T> scale, const T* x, T* y, Stream);
  void (*sum_pool2d_grad)(const PoolDims&, wide_t<T> scale, const T* g, T* dx, Stream);

  // ---- images ---------------------------------------------------------------------------------------------------
  /// y[n,h,w,c] = x[n, h - sign offset[n,0], w - sign offset[n,1], c], 0 outside x.
  void (*translate)(const TranslateDims&, const std::int32_t* offset, const T* x, T* y, Stream);
  /// y = 0 in image n's window, whose first pixel is corner[n] (row, column), and x elsewhere. Its own adjoint.
  void (*cutout)(const CutoutDims&, const std::int32_t* corner, const T* x, T* y, Stream);

  // ---- random numbers -------------------------------------------------------------------------------------------
  /// y = low + (high - low) * u.
  void (*random_uniform)(index_t n, const RandomKey&, wide_t<T> low, wide_t<T> high, T* y, Stream);
  /// y = mean + stddev * z, z by Box-Muller from words (0,1) and (2,3) of a block.
  void (*random_normal)(index_t n, const RandomKey&, wide_t<T> mean, wide_t<T> stddev, T* y, Stream);
  /// y = 1 with probability p, else 0.
  void (*random_bernoulli)(index_t n, const RandomKey&, wide_t<T> p, T* y, Stream);
  /// y = low + floor(w (high - low + 1) / 2^32), w the element's word: low to high, both included.
  void (*random_integers)(index_t n, const RandomKey&, std::int32_t low, std::int32_t high, std::int32_t* y, Stream);
  /// y = u < rate ? 0 : x / (1 - rate): linear in x, its own adjoint under the same key.
  void (*dropout)(index_t n, const RandomKey&, wide_t<T> rate, const T* x, T* y, Stream);
  /// y = x + stddev schedule(*key.step - 1) z, z as random_normal's: training steps count from 1 on the device.
  void (*add_noise)(index_t n, const RandomKey&, wide_t<T> stddev, const RateSchedule&, const T* x, T* y, Stream);

  // ---- data -----------------------------------------------------------------------------------------------------
  /// out(count, pixels) = images[index[b count + i]] scale + shift, b = *step mod batches, or 0 where step is null.
  void (*gather_images)(const GatherDims&, const std::uint8_t* images, const std::int32_t* index,
                        const std::uint64_t* step, wide_t<T> scale, wide_t<T> shift, T* out, Stream);

  // ---- metrics and counters of a captured step -----------------------------------------------------------------------
  /// ring(capacity, count)[*step mod capacity, i] = *values[i], NaN for a null; `values` itself is in host memory. The
  /// other rows stay.
  void (*record_values)(const RecordDims&, const T* const* values, const std::uint64_t* step, T* ring, Stream);

  // ---- optimisers, all parameters in one call -------------------------------------------------------------------
  /// Updates param, m and v of every slot in place; *step is t >= 1, on the device.
  void (*adam)(const AdamHyper&, int count, const ParameterSlot<T>*, const std::uint64_t* step, Stream);
  void (*sgd)(const SgdHyper&, int count, const ParameterSlot<T>*, const std::uint64_t* step, Stream);
  /// average = decay * average + (1 - decay) * x, in place.
  void (*ema)(index_t n, wide_t<T> decay, const T* x, T* average, Stream);
  /// *norm = sqrt(sum of squares over all segments).
  void (*global_norm)(int count, const Segment<const T>*, wide_t<T>* norm, Workspace&, Stream);
  /// Scales every segment in place by min(1, max_norm / (*norm + 1e-6)), without a host read.
  void (*clip_by_norm)(int count, const Segment<T>*, const wide_t<T>* norm, wide_t<T> max_norm, Stream);
};

}  // namespace tinygan
