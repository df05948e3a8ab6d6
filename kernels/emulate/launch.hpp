// launch() and block_shared() on the emulated device.
#pragma once

#include <functional>
#include <type_traits>
#include <vector>

#include "machine.hpp"

namespace tinygan::cuda {
namespace {
namespace emulate {

/// A captured sequence of launches and copies: CUDA's graph.
using Recording = std::vector<std::function<void()>>;

/// The recording of the calling thread's launches during a capture, or null.
inline constinit thread_local Recording* recording = nullptr;

/// Checks what cudaLaunchKernel checks, then runs the grid. Throws Error on either account.
inline void launch_grid(const Grid& g) {
  const auto where = [&] { return text("launch of ", g.kernel_name(), " at ", text_of(g.launched)); };
  const bool block = g.block.x >= 1 && g.block.y >= 1 && g.block.z >= 1 && g.block.z <= 64 && g.block.x <= 1024 &&
                     g.block.y <= 1024 && g.block.x * g.block.y * g.block.z <= Machine::max_threads;
  const bool grid = g.grid.x >= 1 && g.grid.y >= 1 && g.grid.z >= 1 && g.grid.x <= 0x7fffffffu && g.grid.y <= 65535 &&
                    g.grid.z <= 65535;
  if (!block) fail(where(), "a block of ", text_of(g.block), " threads");
  if (!grid) fail(where(), "a grid of ", text_of(g.grid), " blocks");
  if (g.shared_bytes > SharedMemory::max_bytes)
    fail(where(), g.shared_bytes, " bytes of shared memory, a block has at most ", SharedMemory::max_bytes);
  my_machine().run(g);
}

template <class T>
T* shared_at(std::int64_t count, std::int64_t offset) {
  static_assert(std::is_trivially_destructible_v<T>, "shared memory is never constructed or destroyed");
  const SharedMemory& shared = machine->shared();
  const std::int64_t end = offset + count * static_cast<std::int64_t>(sizeof(T));
  if (count < 0 || offset < 0 || end > static_cast<std::int64_t>(shared.bytes()))
    machine->violation("shared memory size", "it asks for bytes ", offset, " to ", end, ", launch() gave the block ",
                       shared.bytes());
  if (static_cast<std::size_t>(offset) % alignof(T) != 0)
    machine->violation("misaligned address", "shared memory at byte ", offset, ", its type needs a multiple of ",
                       alignof(T));
  return reinterpret_cast<T*>(shared.data() + offset);
}

}  // namespace emulate
}  // namespace
}  // namespace tinygan::cuda
