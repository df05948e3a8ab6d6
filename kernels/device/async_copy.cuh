// cp.async: copies from global to shared memory that a thread starts and later waits for (sm_80 and later).
//
// Before its wait a copy must not be read: on the emulated device the destination is poison until then. Other threads
// see it after the wait and a __syncthreads(). On sm_75 the copy is done at once, through
// registers. Source: PTX ISA, "Data Movement: cp.async, cp.async.commit_group, cp.async.wait_group".
#pragma once

#include "../launch.cuh"
#include "vector.cuh"

namespace tinygan::cuda {
namespace {

#ifdef __CUDACC__

/// Starts a copy of Bytes (4, 8 or 16) bytes to shared memory; with `valid` false they become zeros and `from` is not
/// read. Both addresses are multiples of Bytes.
template <int Bytes>
__device__ __forceinline__ void async_copy(void* to, const void* from, bool valid = true) {
  static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16, "cp.async copies 4, 8 or 16 bytes");
#if __CUDA_ARCH__ >= 800
  const auto shared = static_cast<unsigned>(__cvta_generic_to_shared(to));
  const int read = valid ? Bytes : 0;
  if constexpr (Bytes == 16)  // past L1: what is staged in shared memory is not wanted there too
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared), "l"(from), "r"(read) : "memory");
  else
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(shared), "l"(from), "n"(Bytes), "r"(read)
                 : "memory");
#else
  using Words = Pack<unsigned, Bytes / 4>;
  Words words{};
  if (valid) words = *static_cast<const Words*>(from);
  *static_cast<Words*>(to) = words;
#endif
}

/// Starts a copy of `bytes` (0 to 4) bytes to a word of shared memory, whose other bytes become zeros.
__device__ __forceinline__ void async_copy_some(void* to, const void* from, int bytes) {
#if __CUDA_ARCH__ >= 800
  asm volatile(
      "cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(static_cast<unsigned>(__cvta_generic_to_shared(to))),
      "l"(from), "r"(bytes)
      : "memory");
#else
  unsigned word = 0;
  for (int i = 0; i < bytes; ++i) word |= unsigned{static_cast<const unsigned char*>(from)[i]} << 8 * i;
  *static_cast<unsigned*>(to) = word;
#endif
}

/// Makes one group of the copies this thread started since its last commit (there may be none).
__device__ __forceinline__ void async_commit() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

/// Waits until at most Pending of this thread's latest groups are in flight.
template <int Pending>
__device__ __forceinline__ void async_wait() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(Pending) : "memory");
#endif
}

#else

template <int Bytes>
void async_copy(void* to, const void* from, bool valid = true) {
  static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16, "cp.async copies 4, 8 or 16 bytes");
  emulate::check_shared(to, Bytes, "a cp.async destination");
  if (valid) emulate::check_aligned(from, Bytes, "a cp.async source");
  emulate::PendingCopy copy{to, {}, Bytes, 0};
  if (valid) std::memcpy(copy.bytes, from, Bytes);
  std::memset(to, 0xff, Bytes);
  emulate::machine->current().copies.start(copy);
}

inline void async_copy_some(void* to, const void* from, int bytes) {
  emulate::check_shared(to, 4, "a cp.async destination");
  if (bytes > 0) emulate::check_aligned(from, 4, "a cp.async source");
  emulate::PendingCopy copy{to, {}, 4, 0};
  std::memcpy(copy.bytes, from, static_cast<std::size_t>(bytes));
  std::memset(to, 0xff, 4);
  emulate::machine->current().copies.start(copy);
}

inline void async_commit() { emulate::machine->current().copies.commit_group(); }

template <int Pending>
void async_wait() {
  emulate::PendingCopy copy;
  while (emulate::machine->current().copies.pop(Pending, copy)) std::memcpy(copy.to, copy.bytes, copy.size);
}

#endif

}  // namespace
}  // namespace tinygan::cuda
