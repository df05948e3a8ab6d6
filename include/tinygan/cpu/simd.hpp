// Vectors of one instruction set: GCC/clang vector extensions, so + - * / and comparisons are the language's own.
#pragma once

#include <utility>

#include <tinygan/cpu/isa.hpp>

namespace tinygan::cpu {

namespace detail {

template <class T, int Bytes>
struct VecOf {
  // NOLINTNEXTLINE(modernize-use-using): GCC ignores the attribute of an alias of a dependent type
  typedef T type __attribute__((vector_size(Bytes)));
  // NOLINTNEXTLINE(modernize-use-using)
  typedef T unaligned __attribute__((vector_size(Bytes), aligned(alignof(T)), may_alias));
};

}  // namespace detail

/// A vector of T as wide as the instruction set's registers.
template <class T, class Arch>
using Vec = typename detail::VecOf<T, Arch::bytes>::type;

/// The same, wherever it lies in memory.
template <class T, class Arch>
using VecRef = typename detail::VecOf<T, Arch::bytes>::unaligned;

template <class T, class Arch>
inline constexpr int lanes = Arch::bytes / static_cast<int>(sizeof(T));

/// *vec(p) reads or writes one vector at p.
template <class T, class Arch>
TINYGAN_INLINE VecRef<T, Arch>* vec(T* p) {
  return reinterpret_cast<VecRef<T, Arch>*>(p);
}
template <class T, class Arch>
TINYGAN_INLINE const VecRef<T, Arch>* vec(const T* p) {
  return reinterpret_cast<const VecRef<T, Arch>*>(p);
}

namespace detail {

/// a0 b0 a1 b1 ...: the interleaved elements of two vectors, lower halves and upper halves.
template <class V, std::size_t... Lane>
TINYGAN_INLINE void interleave(const V& a, const V& b, V& low, V& high, std::index_sequence<Lane...>) {
  constexpr int W = sizeof...(Lane);
  low = __builtin_shufflevector(a, b, (static_cast<int>(Lane) / 2 + static_cast<int>(Lane) % 2 * W)...);
  high = __builtin_shufflevector(a, b, (static_cast<int>(Lane) / 2 + W / 2 + static_cast<int>(Lane) % 2 * W)...);
}

}  // namespace detail

}  // namespace tinygan::cpu
