// Pack: a few neighbouring elements moved by one instruction, 16 bytes being the widest and what bandwidth wants.
#pragma once

#include <cstdint>
#include <cstring>

#include "../launch.cuh"

namespace tinygan::cuda {
namespace {

/// N elements, aligned to their total size.
template <class T, int N>
struct alignas(sizeof(T) * N) Pack {
  static_assert(sizeof(T) * N == 4 || sizeof(T) * N == 8 || sizeof(T) * N == 16, "one load moves 4, 8 or 16 bytes");
  T at[N];
};

using Float4 = Pack<float, 4>;

/// True if every pointer is a multiple of `bytes`; what a launcher asks before it lets a kernel use packs.
template <class... T>
bool aligned(std::size_t bytes, const T*... pointers) {
  return ((reinterpret_cast<std::uintptr_t>(pointers) % bytes == 0) && ...);
}

#ifdef __CUDACC__

template <int N, class T>
__device__ __forceinline__ Pack<T, N> load_pack(const T* from) {
  return *reinterpret_cast<const Pack<T, N>*>(from);
}
template <int N, class T>
__device__ __forceinline__ void store_pack(T* to, const Pack<T, N>& value) {
  *reinterpret_cast<Pack<T, N>*>(to) = value;
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
  const std::byte* const begin = machine->shared();
  const auto size = static_cast<std::ptrdiff_t>(machine->shared_bytes());
  if (at < begin || at + bytes > begin + size)
    machine->violation("shared memory size", what, " at byte ", at - begin, " of ", size, " bytes of shared memory");
  check_aligned(address, bytes, what);
}

}  // namespace emulate

template <int N, class T>
Pack<T, N> load_pack(const T* from) {
  emulate::check_aligned(from, sizeof(T) * N, "a load");
  Pack<T, N> value;
  std::memcpy(static_cast<void*>(&value), from, sizeof value);
  return value;
}
template <int N, class T>
void store_pack(T* to, const Pack<T, N>& value) {
  emulate::check_aligned(to, sizeof(T) * N, "a store");
  std::memcpy(static_cast<void*>(to), &value, sizeof value);
}

#endif

}  // namespace
}  // namespace tinygan::cuda
