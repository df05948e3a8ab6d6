// One CUDA thread of the emulated device, and the grid that it belongs to.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <tinygan/base/error.hpp>

#include "fiber.hpp"
#include "in_flight.hpp"

namespace tinygan::cuda {
namespace {

/// Extents of a grid or block, or a place in one.
struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};

// CUDA's built-in variables: set whenever a thread resumes.
inline constinit thread_local dim3 threadIdx{0, 0, 0}, blockIdx{0, 0, 0}, blockDim{}, gridDim{};

namespace emulate {

/// A line of source.
struct Place {
  const char* file = nullptr;
  int line = 0;
};

inline std::string text_of(const dim3& d) { return text('(', d.x, ',', d.y, ',', d.z, ')'); }
inline std::string text_of(const Place& p) {
  const std::string_view file = p.file;
  return text(file.substr(file.find_last_of('/') + 1), ':', p.line);
}

/// A launch: what runs, in which extents, and what an error names.
struct Grid {
  std::string (*kernel_name)() = nullptr;
  Place launched;
  dim3 grid, block;
  std::size_t shared_bytes = 0;
  void (*body)(const void*) = nullptr;  // runs the kernel for the current thread
  const void* arguments = nullptr;
};

/// A warp collective, executed by the last lane of `mask` to arrive; operands[lane] is null for other lanes.
using Collective = void (*)(void* const (&operands)[32], unsigned mask);

enum class State : unsigned char { unstarted, ready, at_barrier, at_warp, at_wait, exited };

struct Thread {
  dim3 at;
  unsigned id = 0;
  State state = State::unstarted;
  Fiber* fiber = nullptr;
  Place barrier;                             // at_barrier: which one
  unsigned mask = 0;                         // at_warp: the lanes,
  Collective collective = nullptr;           // the operation
  void* operand = nullptr;                   // and this lane's operand
  bool (*condition)(const void*) = nullptr;  // at_wait: what is to become true
  const void* condition_argument = nullptr;
  unsigned barriers = 0, warp_syncs = 0;  // so far
  PendingCopies copies;
  PendingProducts products;
  void* tsan_fiber = nullptr;

  unsigned lane() const { return id % 32; }
};

}  // namespace emulate
}  // namespace
}  // namespace tinygan::cuda
