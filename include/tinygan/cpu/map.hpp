// Loops over arrays: what the bandwidth-bound kernels share.
#pragma once

#include <cstddef>
#include <cstring>
#include <utility>

#include <tinygan/cpu/simd.hpp>
#include <tinygan/cpu/thread_pool.hpp>

namespace tinygan::cpu {

/// Elements per chunk of a bandwidth-bound kernel: 128 KiB of floats an operand, well inside L2, and some 10 us of work.
/// Smaller problems are one chunk and stay on the calling thread.
inline constexpr index_t chunk_elements = 32768;

/// Rows of `columns` elements per chunk.
inline index_t chunk_rows(index_t columns) { return std::max<index_t>(1, chunk_elements / columns); }

/// dispatch() of a kernel on elements of type T. Double serves gradient checks, where speed does not matter, and gets the
/// portable set only: every further set costs compile time in every program that includes the library.
template <class T, class Body>
void dispatch_for(const Body& body) {
  if constexpr (sizeof(T) == sizeof(double))
    detail::run_portable(body);
  else
    dispatch(body);
}

namespace detail {

template <class T, class I, std::size_t Out, std::size_t In, class F, std::size_t... O, std::size_t... X>
TINYGAN_INLINE void map_with_tail(index_t n, T* const (&y)[Out], const T* const (&x)[In], const F& f,
                                  std::index_sequence<O...>, std::index_sequence<X...>) {
  using V = Vec<T, I>;
  constexpr index_t L = lanes<T, I>;
  T* to[] = {y[O]...};
  const T* from[] = {x[X]...};
  const index_t rest = n % L;
  V pad_in[In] = {}, pad_out[Out];
  index_t count = n - rest;
  for (bool padded = false;; padded = true) {
    for (index_t i = 0; i < count; i += L) {
      const V a[] = {*vec<T, I>(from[X] + i)...};
      V b[Out];
      f(a, b);
      ((*vec<T, I>(to[O] + i) = b[O]), ...);
    }
    const auto rest_bytes = static_cast<std::size_t>(rest) * sizeof(T);
    if (padded) ((void)std::memcpy(y[O] + (n - rest), &pad_out[O], rest_bytes), ...);
    if (padded || rest == 0) return;
    // Once more, over the tail in padded vectors: the same instructions, hence the same bits.
    ((void)std::memcpy(&pad_in[X], x[X] + (n - rest), rest_bytes), ...);
    ((from[X] = reinterpret_cast<const T*>(&pad_in[X])), ...);
    ((to[O] = reinterpret_cast<T*>(&pad_out[O])), ...);
    count = L;
  }
}

}  // namespace detail

/// f(a, b) for every vector: a[k] is read from x[k], b[k] goes to y[k], n elements each. An output may be an input.
template <class T, class I, std::size_t Out, std::size_t In, class F>
TINYGAN_INLINE void map(index_t n, T* const (&y)[Out], const T* const (&x)[In], const F& f) {
  detail::map_with_tail<T, I>(n, y, x, f, std::make_index_sequence<Out>{}, std::make_index_sequence<In>{});
}

}  // namespace tinygan::cpu
