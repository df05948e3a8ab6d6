// The CPU as a device: its memory, its copies and the declarations of its kernel tables.
//
// Header-only programs see the kernels' definitions as well. With TINYGAN_COMPILED they are in the library
// tinygan::compiled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <tinygan/backend/device_backend.hpp>
#include <tinygan/base/error.hpp>

namespace tinygan::cpu {

/// The kernels for elements of type T: float, double or bfloat16. Streams are ignored: a kernel has finished when it
/// returns.
template <class T>
const KernelTable<T>& kernel_table();

namespace detail {

inline void* allocate(std::size_t bytes, int) {
  constexpr std::size_t huge_page = std::size_t{2} << 20;
  void* p = std::aligned_alloc(huge_page, (bytes + huge_page - 1) / huge_page * huge_page);
  check(p != nullptr, "cpu memory", "the system has no ", bytes, " bytes left");
#if defined(__linux__)
  madvise(p, bytes, MADV_HUGEPAGE);  // a hint: fewer TLB misses and page faults where it is granted
#endif
  return p;
}

inline void copy_bytes(void* to, const void* from, std::size_t bytes, int) { std::memcpy(to, from, bytes); }

inline void check_precision(Precision p, int) {
  check(p == Precision::fp32, "device cpu", "it computes in fp32, not in ", p);
}

}  // namespace detail

/// Without kernel tables: kernels<T>() instantiates those of the element types that a program uses.
inline constexpr DeviceBackend backend{
    .count = [] { return 1; },
    .activate = [](int) {},
    .allocate = &detail::allocate,
    .to_device = &detail::copy_bytes,
    .to_host = &detail::copy_bytes,
    .copy = &detail::copy_bytes,
    .count_up = [](std::uint64_t* counter, int) { ++*counter; },
    .synchronize = [](int) {},
    .host_memory = true,
    .capture = {},
    .float_kernels = {},
    .check_precision = &detail::check_precision,
    .bfloat16_kernels = nullptr,
    .double_kernels = nullptr,
};

[[gnu::visibility("default")]] inline const bool registered = (register_backend(DeviceType::cpu, &backend), true);

}  // namespace tinygan::cpu

#ifndef TINYGAN_COMPILED
#include <tinygan/cpu/kernel_table.hpp>
#endif
