// Optimiser kernels over all parameters at once: Adam, SGD, moving average, gradient norm and clipping.
//
// The parameters are taken as one run of elements laid end to end and cut into chunks of 32 Ki, whatever their single
// sizes: one parallel region, evenly loaded, none for small networks. Hyper-parameters are combined in double, once per
// call. The norm adds squares in runs of 1024 elements, these in double and in order: same bits at any thread count.
// Cost: Adam reads param, grad, m, v and writes param, m, v once: 28 bytes a float parameter.
// Source: Kingma and Ba, "Adam", 2015; Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019.
#pragma once

#include <cstddef>
#include <cstdint>

#include <tinygan/backend/layer_dims.hpp>
#include <tinygan/base/stream.hpp>
#include <tinygan/cpu/pointwise.hpp>

namespace tinygan::cpu {

namespace detail {

template <class S>
index_t total_size(int count, const S* segments) {
  index_t n = 0;
  for (int k = 0; k < count; ++k) n += segments[k].n;
  return n;
}

/// f(chunk, segment, begin, n) for the pieces of segments that make up each chunk of the concatenation.
template <class S, class F>
void for_segments(int count, const S* segments, const F& f) {
  parallel_for(total_size(count, segments), chunk_elements, [&](index_t begin, index_t end) {
    index_t start = 0;  // of segment k
    for (int k = 0; k < count && start < end; start += segments[k++].n) {
      const index_t first = std::max(begin - start, index_t{0}), last = std::min(end - start, segments[k].n);
      if (first < last) f(begin / chunk_elements, segments[k], first, last - first);
    }
  });
}

/// Sum of squares: sixteen running sums a run of 1024 elements, which are added in double.
template <class T>
double sum_of_squares(index_t n, const T* x) {
  double total = 0;
  for (index_t i = 0; i < n; i += 1024) {
    T acc[tail_unit] = {};
    const index_t count = std::min<index_t>(1024, n - i), whole = count / tail_unit * tail_unit;
    dispatch_for<T>([&](auto isa) TINYGAN_INLINE_LAMBDA {
      using Arch = decltype(isa);
      using V = Vec<T, Arch>;
      for (index_t lane = 0; lane < tail_unit; lane += lanes<T, Arch>) {
        V sum = {};
        for (index_t k = lane; k < whole; k += tail_unit) {
          const V v = *vec<T, Arch>(x + i + k);
          sum += v * v;
        }
        *vec<T, Arch>(acc + lane) = sum;
      }
    });
    for (index_t k = whole; k < count; ++k) total += static_cast<double>(x[i + k]) * static_cast<double>(x[i + k]);
    for (T a : acc) total += static_cast<double>(a);
  }
  return total;
}

}  // namespace detail

template <class T>
void adam(const AdamHyper& h, int count, const ParameterSlot<T>* slots, const std::uint64_t* step, Stream) {
  const auto t = static_cast<double>(*step);
  const double correction1 = 1 - __builtin_pow(h.beta1, t);
  const double root_correction2 = __builtin_sqrt(1 - __builtin_pow(h.beta2, t));
  // Both forms are p -= rate m / (sqrt(v) root + epsilon).
  const auto rate = static_cast<T>(h.learning_rate * (h.epsilon_hat ? root_correction2 : 1) / correction1);
  const auto root = static_cast<T>(h.epsilon_hat ? 1 : 1 / root_correction2);
  const auto epsilon = static_cast<T>(h.epsilon), keep = static_cast<T>(1 - h.learning_rate * h.weight_decay);
  const auto b1 = static_cast<T>(h.beta1), a1 = static_cast<T>(1 - h.beta1);
  const auto b2 = static_cast<T>(h.beta2), a2 = static_cast<T>(1 - h.beta2);
  detail::for_segments(count, slots, [&](index_t, const ParameterSlot<T>& s, index_t i, index_t n) {
    map<T, Bound::arithmetic>(n, {s.param + i, s.m + i, s.v + i}, {s.param + i, s.grad + i, s.m + i, s.v + i},
           [=](auto isa, const auto& a, auto& b) TINYGAN_INLINE_LAMBDA {
             using V = Vec<T, decltype(isa)>;
             const V m = b1 * a[2] + a1 * a[1];
             const V v = b2 * a[3] + a2 * (a[1] * a[1]);
             V deviation;
             math::sqrt<T, decltype(isa)>(v, deviation);
             b[0] = keep * a[0] - rate * m / (deviation * root + epsilon);
             b[1] = m;
             b[2] = v;
           });
  });
}

template <class T>
void sgd(const SgdHyper& h, int count, const ParameterSlot<T>* slots, Stream) {
  const auto rate = static_cast<T>(h.learning_rate), momentum = static_cast<T>(h.momentum);
  const auto decay = static_cast<T>(h.weight_decay);
  // p -= rate (along_g g + along_m m)
  const T along_g = h.nesterov ? T(1) : T(0), along_m = h.nesterov ? momentum : T(1);
  detail::for_segments(count, slots, [&](index_t, const ParameterSlot<T>& s, index_t i, index_t n) {
    map<T>(n, {s.param + i, s.m + i}, {s.param + i, s.grad + i, s.m + i},
           [=](auto isa, const auto& a, auto& b) TINYGAN_INLINE_LAMBDA {
             using V = Vec<T, decltype(isa)>;
             const V g = a[1] + decay * a[0];
             const V m = momentum * a[2] + g;
             b[0] = a[0] - rate * (along_g * g + along_m * m);
             b[1] = m;
           });
  });
}

template <class T>
void ema(index_t n, T decay, const T* x, T* average, Stream) {
  parallel_for(n, chunk_elements, [&](index_t begin, index_t end) {
    map<T>(end - begin, {average + begin}, {average + begin, x + begin},
           [decay](auto, const auto& a, auto& b) TINYGAN_INLINE_LAMBDA {
             b[0] = decay * a[0] + (T(1) - decay) * a[1];
           });
  });
}

/// One double per chunk.
template <class T>
std::size_t global_norm_workspace(int count, const Segment<const T>* segments) {
  const index_t chunks = (detail::total_size(count, segments) + chunk_elements - 1) / chunk_elements;
  return static_cast<std::size_t>(chunks) * sizeof(double);
}

template <class T>
void global_norm(int count, const Segment<const T>* segments, T* norm, void* workspace, Stream) {
  auto* partial = static_cast<double*>(workspace);
  const index_t chunks = (detail::total_size(count, segments) + chunk_elements - 1) / chunk_elements;
  std::fill_n(partial, chunks, 0.0);
  detail::for_segments(count, segments, [&](index_t chunk, const Segment<const T>& s, index_t i, index_t n) {
    partial[chunk] += detail::sum_of_squares(n, s.data + i);
  });
  double total = 0;
  for (index_t c = 0; c < chunks; ++c) total += partial[c];
  *norm = static_cast<T>(__builtin_sqrt(total));
}

template <class T>
void clip_by_norm(int count, const Segment<T>* segments, const T* norm, T max_norm, Stream) {
  const T scale = max_norm / (*norm + T(1e-6));
  if (scale >= 1) return;  // a NaN goes on, and shows in every gradient
  detail::for_segments(count, segments, [&](index_t, const Segment<T>& s, index_t i, index_t n) {
    detail::unary_run(UnaryOp::affine, n, scale, T(0), s.data + i, s.data + i);
  });
}

}  // namespace tinygan::cpu
