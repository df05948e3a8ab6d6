// Pack: a few contiguous elements moved by one instruction, at most 16 bytes, the width for full bandwidth.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <tinygan/backend/bfloat16.hpp>

#include "precision.cuh"

namespace tinygan::cuda {
namespace {

/// N elements, aligned to their total size where one instruction moves them.
template <class T, int N>
struct alignas(std::min<std::size_t>(sizeof(T) * N, 16)) Pack {
  T at[N];
};

template <class T, int N>
constexpr void check_pack() {
  constexpr std::size_t bytes = sizeof(T) * N;
  static_assert(bytes <= 16 && (bytes & (bytes - 1)) == 0, "one instruction moves 1, 2, 4, 8 or 16 bytes");
}

using Float4 = Pack<float, 4>;

/// Elements of a pack of 16 bytes; where several types meet, of the widest.
template <class... T>
inline constexpr int pack_width = static_cast<int>(16 / std::max({sizeof(T)...}));

/// True if every pointer is a multiple of `bytes`.
template <class... T>
bool is_aligned(std::size_t bytes, const T*... pointers) {
  return ((reinterpret_cast<std::uintptr_t>(pointers) % bytes == 0) && ...);
}

/// True if every pointer is aligned for vectorised access by N elements.
template <int N, class... T>
__host__ __device__ __forceinline__ bool is_vector_aligned(const T*... pointers) {
  return ((reinterpret_cast<std::uintptr_t>(pointers) % (sizeof(T) * N) == 0) && ...);
}

#ifdef __CUDACC__

template <int N, class T>
__device__ __forceinline__ Pack<T, N> load_pack(const T* from) {
  check_pack<T, N>();
  return *reinterpret_cast<const Pack<T, N>*>(from);
}
template <int N, class T>
__device__ __forceinline__ void store_pack(T* to, const Pack<T, N>& value) {
  check_pack<T, N>();
  *reinterpret_cast<Pack<T, N>*>(to) = value;
}

/// To global memory, by one instruction. nvcc 13.0 splits what store_pack() stores into words in kernels that elsewhere
/// store single elements to the same array; on an H200 batch norm's passes took three times as long.
template <int N, class T>
__device__ __forceinline__ void store_pack_whole(T* to, const Pack<T, N>& value) {
  constexpr std::size_t bytes = sizeof(T) * N;
  if constexpr (bytes >= 8) {
    std::conditional_t<bytes == 16, uint4, uint2> words;
    memcpy(&words, &value, bytes);
    __stwb(reinterpret_cast<decltype(words)*>(to), words);
  } else {
    store_pack(to, value);
  }
}

#else

namespace emulate {

/// Throws Error in the name of the running thread unless `address` is a multiple of `bytes`.
inline void check_aligned(const void* address, std::size_t bytes, const char* what) {
  if (reinterpret_cast<std::uintptr_t>(address) % bytes != 0)
    machine->violation("misaligned address", what, " of ", bytes, " bytes at ", address);
}

/// Throws Error in the name of the running thread unless [address, address + bytes) is shared memory of its block.
inline void check_shared(const void* address, std::size_t bytes, const char* what) {
  const auto* const at = static_cast<const std::byte*>(address);
  const std::byte* const begin = machine->shared().data();
  const auto size = static_cast<std::ptrdiff_t>(machine->shared().bytes());
  if (at < begin || at + bytes > begin + size)
    machine->violation("shared memory size", what, " at byte ", at - begin, " of ", size, " bytes of shared memory");
  check_aligned(address, bytes, what);
}

}  // namespace emulate

template <int N, class T>
Pack<T, N> load_pack(const T* from) {
  check_pack<T, N>();
  emulate::check_aligned(from, sizeof(T) * N, "a load");
  Pack<T, N> value;
  std::memcpy(static_cast<void*>(&value), from, sizeof value);
  return value;
}
template <int N, class T>
void store_pack(T* to, const Pack<T, N>& value) {
  check_pack<T, N>();
  emulate::check_aligned(to, sizeof(T) * N, "a store");
  std::memcpy(static_cast<void*>(to), &value, sizeof value);
}

template <int N, class T>
void store_pack_whole(T* to, const Pack<T, N>& value) {
  store_pack(to, value);
}

#endif

// ---- Elements of memory as floats -----------------------------------------------------------------------------------

__device__ __forceinline__ float to_float(float x) { return x; }
__device__ __forceinline__ float to_float(bfloat16 x) { return static_cast<float>(x); }

/// x rounded to nearest even.
template <class T>
__device__ __forceinline__ T from_float(float x) {
  if constexpr (std::is_same_v<T, float>) return x;
  else return round_bf16(x);
}

/// N neighbouring elements, by one load.
template <int N, class T>
__device__ __forceinline__ Pack<float, N> load_floats(const T* from) {
  if constexpr (std::is_same_v<T, float>) {
    return load_pack<N>(from);
  } else if constexpr (N == 1) {
    return {{to_float(*from)}};
  } else {
    const auto pairs = load_pack<N / 2>(reinterpret_cast<const Bf16x2*>(from));
    Pack<float, N> r;
    TINYGAN_UNROLL
    for (int k = 0; k < N; k += 2) r.at[k] = low_bf16(pairs.at[k / 2]), r.at[k + 1] = high_bf16(pairs.at[k / 2]);
    return r;
  }
}

/// Rounds and stores N neighbouring elements, by one store. Whole: as store_pack_whole() does.
template <bool Whole = false, int N, class T>
__device__ __forceinline__ void store_floats(T* to, const Pack<float, N>& value) {
  const auto store = [](auto* at, const auto& pack) { Whole ? store_pack_whole(at, pack) : store_pack(at, pack); };
  if constexpr (std::is_same_v<T, float>) {
    store(to, value);
  } else if constexpr (N == 1) {
    *to = from_float<T>(value.at[0]);
  } else {
    Pack<Bf16x2, N / 2> pairs;
    TINYGAN_UNROLL
    for (int k = 0; k < N; k += 2) pairs.at[k / 2] = pack_bf16(value.at[k], value.at[k + 1]);
    store(reinterpret_cast<Bf16x2*>(to), pairs);
  }
}

}  // namespace
}  // namespace tinygan::cuda
