// Gradient norm over all parameters, and clipping by it.
//
// The norm adds squares in runs of 1024 elements, these in double and in order: same bits at any thread count.
#pragma once

#include <algorithm>
#include <cstddef>

#include <tinygan/backend/optimiser_arguments.hpp>
#include <tinygan/backend/workspace.hpp>
#include <tinygan/base/stream.hpp>
#include <tinygan/cpu/optimiser.hpp>
#include <tinygan/cpu/pointwise.hpp>

namespace tinygan::cpu {

namespace detail {

/// Sum of squares: sixteen running sums per run of 1024 elements, added in double.
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
void global_norm(int count, const Segment<const T>* segments, T* norm, Workspace& workspace, Stream) {
  const index_t chunks = (detail::total_size(count, segments) + chunk_elements - 1) / chunk_elements;
  auto* partial = workspace.allocate<double>("global_norm", {chunks});
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
  if (scale >= 1) return;  // a NaN scales every gradient
  detail::for_segments(count, segments, [&](index_t, const Segment<T>& s, index_t i, index_t n) {
    detail::unary_run(UnaryOp::affine, n, scale, T(0), s.data + i, s.data + i);
  });
}

}  // namespace tinygan::cpu
