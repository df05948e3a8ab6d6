// Scratch memory of a kernel call.
//
// A kernel chooses its algorithm and asks for what that algorithm needs, so the choice is made once and in one place:
// there are no size queries that have to agree with it (XLA's ScratchAllocator is the same idea).
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string_view>

#include <tinygan/base/shape.hpp>

namespace tinygan {

/// Scratch memory of one kernel call, on the kernel's device. It stays valid until the call's work on the stream is
/// done.
class Workspace {
 public:
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  virtual ~Workspace() = default;

  /// One block of elements T for all parts, each given as a number of elements; 64-byte aligned, uninitialised, null if
  /// there are none. A kernel calls it at most once. Throws Error, as `op`, above max_elements or if the device is out
  /// of memory.
  template <class T>
  T* allocate(std::string_view op, std::initializer_list<index_t> parts) {
    index_t n = 0;
    for (const index_t part : parts)
      check(!__builtin_add_overflow(n, part, &n) && n <= max_elements, op, "a workspace of more than ", max_elements,
            " elements");
    return n == 0 ? nullptr : static_cast<T*>(allocate_bytes(static_cast<std::size_t>(n) * sizeof(T)));
  }

 protected:
  Workspace() = default;
  /// Memory of at least that size, aligned for every element type, until the kernel has run.
  virtual void* allocate_bytes(std::size_t bytes) = 0;
};

}  // namespace tinygan
