// Loops over arrays: what the bandwidth-bound kernels share.
#pragma once

#include <cstddef>
#include <cstring>
#include <utility>

#include <tinygan/cpu/simd.hpp>
#include <tinygan/cpu/thread_pool.hpp>

namespace tinygan::cpu {

/// Elements per chunk of a bandwidth-bound kernel: 128 KiB of floats an operand, well inside L2, and some 10 us of
/// work. Smaller problems are one chunk and stay on the calling thread.
inline constexpr index_t chunk_elements = 32768;

/// Rows of `columns` elements per chunk.
inline index_t chunk_rows(index_t columns) { return std::max<index_t>(1, chunk_elements / columns); }

/// What limits a loop. One that waits for memory hardly gains from vectors of 64 bytes, so it is compiled for AVX2 at
/// most. (Xeon with AVX-512, one thread, November 2026: batch norm, reductions and leaky_relu over 6 MB took the same
/// time within the noise; over 300 KB, in L2, 5 to 15 % longer; over 4 KB 40 % longer.)
enum class Bound { memory, arithmetic };

/// dispatch() of a loop on elements of type T. Double serves gradient checks, where speed does not matter, and gets the
/// portable set only. Each set left out saves compile time in every program that includes the library.
template <class T, Bound B = Bound::memory, class Body>
void dispatch_for(const Body& body) {
  if constexpr (sizeof(T) == sizeof(double)) {
    detail::run_portable(body);
  } else if constexpr (B == Bound::arithmetic) {
    dispatch(body);
  } else {
#if defined(__x86_64__)
    if (isa() != Isa::portable) return detail::run_avx2(body);
    detail::run_portable(body);
#else
    dispatch(body);
#endif
  }
}

namespace detail {

inline constexpr index_t tail_unit = 16;     // elements: a multiple of every vector length
inline constexpr int max_map_operands = 10;  // inputs, and outputs

/// One loop over whole vectors: n elements, a multiple of tail_unit.
template <class T>
struct MapLoop {
  const void* f;
  void (*run)(const void* f, index_t n, T* const* y, const T* const* x);
};

/// Runs it over n elements; the last n % tail_unit are copied into padded buffers and go through the same loop.
template <class T>
__attribute__((noinline)) void run_map(const MapLoop<T>& loop, index_t n, int outputs, T* const* y, int inputs,
                                       const T* const* x) {
  const index_t rest = n % tail_unit, whole = n - rest;
  if (whole > 0) loop.run(loop.f, whole, y, x);
  if (rest == 0) return;
  alignas(64) T in[max_map_operands][tail_unit] = {}, out[max_map_operands][tail_unit];
  const T* from[max_map_operands] = {};
  T* to[max_map_operands] = {};
  const auto bytes = static_cast<std::size_t>(rest) * sizeof(T);
  for (int k = 0; k < inputs; ++k) from[k] = static_cast<const T*>(std::memcpy(in[k], x[k] + whole, bytes));
  for (int k = 0; k < outputs; ++k) to[k] = out[k];
  loop.run(loop.f, tail_unit, to, from);
  for (int k = 0; k < outputs; ++k) std::memcpy(y[k] + whole, out[k], bytes);
}

template <class T, class Arch, class F, std::size_t... O, std::size_t... X>
TINYGAN_INLINE void map_vectors(index_t n, T* const* y, const T* const* x, const F& f, std::index_sequence<O...>,
                                std::index_sequence<X...>) {
  using V = Vec<T, Arch>;
  VecRef<T, Arch>* const to[] = {reinterpret_cast<VecRef<T, Arch>*>(y[O])...};
  const VecRef<T, Arch>* const from[] = {reinterpret_cast<const VecRef<T, Arch>*>(x[X])...};
  for (index_t i = 0; i < n / lanes<T, Arch>; ++i) {
    const V a[] = {from[X][i]...};
    V b[sizeof...(O)];
    f(Arch{}, a, b);
    ((to[O][i] = b[O]), ...);
  }
}

}  // namespace detail

/// f(isa, a, b) for every vector of n elements: a[k] is read from x[k], b[k] goes to y[k]. An output may be an input.
/// The tail goes through the same instructions, so a result does not depend on where in an array it stands.
template <class T, Bound B = Bound::memory, std::size_t Out, std::size_t In, class F>
void map(index_t n, T* const (&y)[Out], const T* const (&x)[In], const F& f) {
  static_assert(Out <= detail::max_map_operands && In <= detail::max_map_operands);
  const auto run = [](const void* body, index_t count, T* const* to, const T* const* from) {
    dispatch_for<T, B>([&](auto isa) TINYGAN_INLINE_LAMBDA {
      detail::map_vectors<T, decltype(isa)>(count, to, from, *static_cast<const F*>(body),
                                            std::make_index_sequence<Out>{}, std::make_index_sequence<In>{});
    });
  };
  detail::run_map<T>({&f, run}, n, Out, y, In, x);
}

}  // namespace tinygan::cpu
