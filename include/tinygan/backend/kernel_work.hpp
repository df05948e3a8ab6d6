// The work of a kernel call, from its arguments: floating-point operations, bytes and extents. The one place that
// counts: profile, summaries of networks and benchmarks ask here.
//
// FLOPs: a multiply-add is two, and so are those of a convolution that touch data (exact_macs), no others. A function
// of an element counts one, whatever it is. Epilogues and integers, Philox among them, count nothing. The figures of
// normalisations, softmax and Adam are the operations of their formulas.
// Bytes: every operand once and every result once, the least that memory must move; scratch counts nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <tinygan/backend/kernel_table.hpp>
#include <tinygan/backend/taps.hpp>

namespace tinygan {

/// FLOPs and bytes of one kernel call, and the extents of its problem under their names.
struct KernelWork {
  static constexpr std::size_t max_extents = 11;

  double flops = 0, bytes = 0;
  const char* const* names = nullptr;  ///< of the extents
  std::size_t count = 0;
  std::array<index_t, max_extents> extents{};
  const char* op = nullptr;  ///< which UnaryOp, BinaryOp or ReduceOp; or null
};

namespace detail {

inline constexpr const char* unary_names[] = {
    "affine", "exp",  "log",        "sqrt",  "reciprocal", "square", "abs", "sign", "softplus", "sigmoid",
    "tanh",   "relu", "leaky_relu", "clamp", "sin",        "cos",    "erf", "gelu", "silu",     "power"};
inline constexpr const char* binary_names[] = {"add",          "sub",           "mul",
                                               "div",          "maximum",       "minimum",
                                               "greater",      "greater_equal", "leaky_relu_grad",
                                               "sigmoid_grad", "tanh_grad",     "equal",
                                               "keep",         "drop",          "gelu_grad",
                                               "silu_grad"};
inline constexpr const char* reduce_names[] = {"sum", "max", "min"};
static_assert(std::size(unary_names) == static_cast<std::size_t>(UnaryOp::power) + 1);
static_assert(std::size(binary_names) == static_cast<std::size_t>(BinaryOp::silu_grad) + 1);
static_assert(std::size(reduce_names) == static_cast<std::size_t>(ReduceOp::min) + 1);

inline constexpr const char* elements_names[] = {"n"};
inline constexpr const char* gemm_names[] = {"M", "N", "K", "batch"};
inline constexpr const char* conv_names[] = {"N", "H", "W", "C", "R", "S", "K", "P", "Q", "stride_h", "stride_w"};
inline constexpr const char* axis_names[] = {"outer", "extent", "inner", "count"};
inline constexpr const char* norm_names[] = {"rows", "channels"};
inline constexpr const char* pool_names[] = {"N", "H", "W", "C", "P", "Q", "window_h", "window_w"};
inline constexpr const char* image_names[] = {"N", "H", "W", "C"};
inline constexpr const char* batch_names[] = {"count", "pixels"};

template <std::size_t Names, class... Extents>
KernelWork work(double flops, double bytes, const char* const (&names)[Names], Extents... extents) {
  static_assert(sizeof...(extents) <= Names && sizeof...(extents) <= KernelWork::max_extents);
  return {flops, bytes, names, sizeof...(extents), {extents...}, nullptr};
}

constexpr double real(index_t n) { return static_cast<double>(n); }

}  // namespace detail

/// The work of each entry of KernelTable<T>, a function of its leading arguments.
template <class T>
struct KernelWorks {
  template <class... Rest>
  static KernelWork gemm(const GemmDims& d, const Rest&...) {
    return product(d, 1);
  }
  template <class... Rest>
  static KernelWork batched_gemm(const GemmDims& d, index_t batch, const Rest&...) {
    return product(d, batch);
  }

  template <class... Rest>
  static KernelWork conv2d(const ConvDims& d, const Rest&...) {
    return convolution(d, 2 * detail::real(exact_macs(d)), d.w_shape().size());
  }
  template <class... Rest>
  static KernelWork conv2d_input_grad(const ConvDims& d, const Rest&...) {
    return conv2d(d);
  }
  template <class... Rest>
  static KernelWork conv2d_weight_grad(const ConvDims& d, const Rest&...) {
    return conv2d(d);
  }
  template <class... Rest>
  static KernelWork depthwise_conv2d(const ConvDims& d, const Rest&...) {
    return convolution(d, 2 * detail::real(exact_macs(d)) / detail::real(d.K), d.R * d.S * d.C);
  }
  template <class... Rest>
  static KernelWork depthwise_conv2d_input_grad(const ConvDims& d, const Rest&...) {
    return depthwise_conv2d(d);
  }
  template <class... Rest>
  static KernelWork depthwise_conv2d_weight_grad(const ConvDims& d, const Rest&...) {
    return depthwise_conv2d(d);
  }

  template <class... Rest>
  static KernelWork unary(UnaryOp op, index_t n, const Rest&...) {
    return named(elements(n, 1, 2 * size), detail::unary_names[static_cast<std::size_t>(op)]);
  }
  template <class... Rest>
  static KernelWork binary(BinaryOp op, const BroadcastDims& d, const Rest&...) {
    KernelWork w = elements(d.size(), 1, size);
    w.bytes += size * detail::real(distinct(d, d.a_stride) + distinct(d, d.b_stride));
    return named(w, detail::binary_names[static_cast<std::size_t>(op)]);
  }
  template <class... Rest>
  static KernelWork reduce(ReduceOp op, const ReduceDims& d, const Rest&...) {
    return named(along(d.outer, d.reduced, d.inner, 1, size, size), detail::reduce_names[static_cast<std::size_t>(op)]);
  }
  template <class... Rest>
  static KernelWork arg_extremum(ReduceOp op, const ReduceDims& d, const Rest&...) {
    return named(along(d.outer, d.reduced, d.inner, 1, size, index_size),
                 detail::reduce_names[static_cast<std::size_t>(op)]);
  }
  template <class... Rest>
  static KernelWork cumsum(const ScanDims& d, const Rest&...) {
    return along(d.outer, d.extent, d.inner, 1, 2 * size, 0);
  }
  template <class... Rest>
  static KernelWork fill(index_t n, const Rest&...) {
    return elements(n, 0, size);
  }
  template <class... Rest>
  static KernelWork copy(const CopyDims& d, const Rest&...) {
    return elements(d.outer * d.inner, 0, 2 * size);
  }
  template <class... Rest>
  static KernelWork permute(const PermuteDims& d, const Rest&...) {
    index_t n = 1;
    for (const index_t extent : d.extent) n *= extent;
    return elements(n, 0, 2 * size);
  }
  template <class... Rest>
  static KernelWork narrow(index_t n, const Rest&...) {
    return elements(n, 0, size + wide);
  }
  template <class... Rest>
  static KernelWork widen(index_t n, const Rest&...) {
    return elements(n, 0, size + wide);
  }
  template <class... Rest>
  static KernelWork from_int32(index_t n, const Rest&...) {
    return elements(n, 0, size + index_size);
  }
  template <class... Rest>
  static KernelWork to_int32(index_t n, const Rest&...) {
    return elements(n, 0, size + index_size);
  }
  template <class... Rest>
  static KernelWork softmax(const NormDims& d, const Rest&...) {  // maximum, difference, exponential, sum, quotient
    return normalisation(d, 5, 2, 0, 0);
  }
  template <class... Rest>
  static KernelWork log_softmax(const NormDims& d, const Rest&...) {
    return normalisation(d, 5, 2, 0, 0);
  }

  template <class... Rest>
  static KernelWork gather(const IndexDims& d, const Rest&...) {
    return indexed(d, 0, 2 * size * detail::real(d.outer * d.count * d.inner));
  }
  template <class... Rest>
  static KernelWork scatter_add(const IndexDims& d, const Rest&...) {
    const double n = detail::real(d.outer * d.count * d.inner);
    return indexed(d, n, size * (n + detail::real(d.outer * d.extent * d.inner)));
  }

  // Mean (1), variance (3), scale and shift (2).
  template <class... Rest>
  static KernelWork batch_norm(const NormDims& d, const Rest&...) {
    return normalisation(d, 6, 2, 2 * d.channels, 2 * d.channels);
  }
  template <class... Rest>
  static KernelWork batch_norm_apply(const NormDims& d, const Rest&...) {
    return normalisation(d, 2, 2, 2 * d.channels, 2 * d.channels);
  }
  // xhat (2), h (1), the two sums (3), dx (4).
  template <class... Rest>
  static KernelWork batch_norm_backward(const NormDims& d, const Rest&...) {
    return normalisation(d, 10, 3, 4 * d.channels, 2 * d.channels);
  }
  template <class... Rest>
  static KernelWork layer_norm(const NormDims& d, const Rest&...) {
    return normalisation(d, 6, 2, 2 * d.channels, 2 * d.rows);
  }
  template <class... Rest>
  static KernelWork layer_norm_backward(const NormDims& d, const Rest&...) {
    return normalisation(d, 10, 3, 4 * d.channels, 2 * d.rows);
  }

  template <class... Rest>
  static KernelWork max_pool2d(const PoolDims& d, const Rest&...) {
    return pooling(d, 1, size, size + index_size);
  }
  template <class... Rest>
  static KernelWork pool_gather(const PoolDims& d, const Rest&...) {
    return pooling(d, 0, 0, 2 * size + index_size);
  }
  template <class... Rest>
  static KernelWork pool_scatter(const PoolDims& d, const Rest&...) {
    return pooling(d, 0, size, size + index_size);
  }
  template <class... Rest>
  static KernelWork sum_pool2d(const PoolDims& d, const Rest&...) {
    return pooling(d, 1, size, size);
  }
  template <class... Rest>
  static KernelWork sum_pool2d_grad(const PoolDims& d, const Rest&...) {
    return pooling(d, 1, size, size);
  }

  template <class... Rest>
  static KernelWork translate(const TranslateDims& d, const Rest&...) {
    return image(d);
  }
  template <class... Rest>
  static KernelWork cutout(const CutoutDims& d, const Rest&...) {
    return image(d);
  }

  template <class... Rest>
  static KernelWork random_uniform(index_t n, const Rest&...) {
    return elements(n, 2, size);
  }
  template <class... Rest>
  static KernelWork random_normal(index_t n, const Rest&...) {  // logarithm, root, cosine or sine, two products, sum
    return elements(n, 6, size);
  }
  template <class... Rest>
  static KernelWork random_bernoulli(index_t n, const Rest&...) {
    return elements(n, 1, size);
  }
  template <class... Rest>
  static KernelWork random_integers(index_t n, const Rest&...) {
    return elements(n, 0, index_size);
  }
  template <class... Rest>
  static KernelWork dropout(index_t n, const Rest&...) {
    return elements(n, 1, 2 * size);
  }
  template <class... Rest>
  static KernelWork add_noise(index_t n, const Rest&...) {
    return elements(n, 6, 2 * size);
  }

  template <class... Rest>
  static KernelWork gather_images(const GatherDims& d, const Rest&...) {
    const double n = detail::real(d.count * d.pixels);
    return detail::work(2 * n, n * (1 + size) + index_size * detail::real(d.count), detail::batch_names, d.count,
                        d.pixels);
  }
  template <class... Rest>
  static KernelWork record_values(const RecordDims& d, const Rest&...) {
    return elements(d.count, 0, 2 * size);
  }

  // Both moments (7), root and quotient (5).
  template <class... Rest>
  static KernelWork adam(const AdamHyper&, int count, const ParameterSlot<T>* slots, const Rest&...) {
    return update(count, slots, 12);
  }
  template <class... Rest>
  static KernelWork sgd(const SgdHyper&, int count, const ParameterSlot<T>* slots, const Rest&...) {
    return update(count, slots, 4);
  }
  template <class... Rest>
  static KernelWork ema(index_t n, const Rest&...) {
    return elements(n, 3, 3 * size);
  }
  template <class... Rest>
  static KernelWork global_norm(int count, const Segment<const T>* segments, const Rest&...) {
    return elements(total(count, segments), 2, size);
  }
  template <class... Rest>
  static KernelWork clip_by_norm(int count, const Segment<T>* segments, const Rest&...) {
    return elements(total(count, segments), 1, 2 * size);
  }

 private:
  static constexpr double size = sizeof(T), wide = sizeof(wide_t<T>), index_size = sizeof(std::int32_t);

  static KernelWork named(KernelWork w, const char* op) {
    w.op = op;
    return w;
  }

  /// Of n elements, with so many FLOPs and bytes each.
  static KernelWork elements(index_t n, double flops, double bytes) {
    return detail::work(flops * detail::real(n), bytes * detail::real(n), detail::elements_names, n);
  }

  static KernelWork product(const GemmDims& d, index_t batch) {
    const double b = detail::real(batch), M = detail::real(d.M), N = detail::real(d.N), K = detail::real(d.K);
    return detail::work(2 * b * M * N * K, size * b * (M * K + K * N + M * N), detail::gemm_names, d.M, d.N, d.K,
                        batch);
  }

  static KernelWork convolution(const ConvDims& d, double flops, index_t filter) {
    return detail::work(flops, size * detail::real(d.x_shape().size() + d.y_shape().size() + filter),
                        detail::conv_names, d.N, d.H, d.W, d.C, d.R, d.S, d.K, d.P, d.Q, d.stride_h, d.stride_w);
  }

  /// Elements of an operand that is repeated along the axes of stride 0.
  static index_t distinct(const BroadcastDims& d, const index_t* stride) {
    index_t n = 1;
    for (int axis = 0; axis < BroadcastDims::rank; ++axis)
      if (stride[axis] != 0) n *= d.extent[axis];
    return n;
  }

  /// Along the middle axis: FLOPs and bytes for each element, and bytes for each (outer, inner).
  static KernelWork along(index_t outer, index_t extent, index_t inner, double flops, double bytes, double result) {
    const double lines = detail::real(outer * inner), n = lines * detail::real(extent);
    return detail::work(flops * n, bytes * n + result * lines, detail::axis_names, outer, extent, inner);
  }

  static KernelWork indexed(const IndexDims& d, double flops, double bytes) {
    const index_t indices = d.indices == IndexDims::Indices::shared ? d.count : d.outer * d.count * d.inner;
    return detail::work(flops, bytes + index_size * detail::real(indices), detail::axis_names, d.outer, d.extent,
                        d.inner, d.count);
  }

  /// `passes` tensors (rows, channels), `vectors` elements of parameters and their gradients, and the statistics.
  static KernelWork normalisation(const NormDims& d, double flops, double passes, index_t vectors, index_t statistics) {
    const double n = detail::real(d.rows * d.channels);
    return detail::work(flops * n, size * (passes * n + detail::real(vectors)) + wide * detail::real(statistics),
                        detail::norm_names, d.rows, d.channels);
  }

  /// FLOPs for each pixel of a window; bytes for each element of x and of y.
  static KernelWork pooling(const PoolDims& d, double flops, double x, double y) {
    const double inside = detail::real(d.N * d.H * d.W * d.C), outside = detail::real(d.N * d.P * d.Q * d.C);
    return detail::work(flops * outside * detail::real(d.window_h * d.window_w), x * inside + y * outside,
                        detail::pool_names, d.N, d.H, d.W, d.C, d.P, d.Q, d.window_h, d.window_w);
  }

  template <class Dims>
  static KernelWork image(const Dims& d) {
    return detail::work(0, 2 * size * detail::real(d.N * d.H * d.W * d.C), detail::image_names, d.N, d.H, d.W, d.C);
  }

  /// Read: gradient. Read and written: moments, and the parameter or its master weights, which it is rounded from.
  static KernelWork update(int count, const ParameterSlot<T>* slots, double flops) {
    double bytes = 0;
    index_t n = 0;
    for (int i = 0; i < count; ++i) {
      const ParameterSlot<T>& s = slots[i];
      const double moments = 2 * wide * ((s.m ? 1 : 0) + (s.v ? 1 : 0));
      bytes += detail::real(s.n) * (size + moments + (s.master ? 2 * wide + size : 2 * size));
      n += s.n;
    }
    return detail::work(flops * detail::real(n), bytes, detail::elements_names, n);
  }

  template <class S>
  static index_t total(int count, const S* segments) {
    index_t n = 0;
    for (int i = 0; i < count; ++i) n += segments[i].n;
    return n;
  }
};

}  // namespace tinygan
