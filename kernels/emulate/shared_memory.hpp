// The shared memory of the running block on the emulated device: poisoned, between two guards.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <tinygan/base/error.hpp>

#include "sanitizer.hpp"

namespace tinygan::cuda {
namespace {
namespace emulate {

class SharedMemory {
 public:
  static constexpr std::size_t max_bytes = 232448;  // 227 KiB, the limit of a Hopper block
  static constexpr std::ptrdiff_t intact = PTRDIFF_MAX;

  SharedMemory() = default;
  ~SharedMemory() { std::free(memory_); }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  TINYGAN_NO_SANITIZE std::byte* data() const { return data_; }
  TINYGAN_NO_SANITIZE std::size_t bytes() const { return bytes_; }

  /// Fresh memory for a block. ThreadSanitizer knows memory by its address: there each block has its own.
  TINYGAN_NO_SANITIZE void allocate(std::size_t bytes) {
    const std::size_t needed = guard + bytes + upper_guard(bytes);
    if (tsan || needed > capacity_) {
      if (tsan && memory_) used_.push_back(memory_);
      if (!tsan) std::free(memory_);
      memory_ = std::aligned_alloc(guard, needed);
      check(memory_ != nullptr, "emulated device", "no memory for ", bytes, " bytes of shared memory");
      capacity_ = needed;
    }
    auto* const memory = static_cast<std::byte*>(memory_);
    data_ = memory + guard;
    bytes_ = bytes;
    allow(memory, needed);
    std::memset(memory, guard_byte, guard);
    std::memset(data_, poison, bytes);
    std::memset(data_ + bytes, guard_byte, upper_guard(bytes));
    forbid(memory, guard);
    forbid(data_ + bytes, upper_guard(bytes));
  }

  /// The offset from data() of the first byte of a guard that was overwritten, or `intact`.
  TINYGAN_NO_SANITIZE std::ptrdiff_t overrun() const {
    const auto lower = static_cast<std::ptrdiff_t>(guard), size = static_cast<std::ptrdiff_t>(bytes_);
    const auto upper = static_cast<std::ptrdiff_t>(upper_guard(bytes_));
    allow(data_ - lower, guard);
    allow(data_ + size, upper_guard(bytes_));
    for (std::ptrdiff_t i = -lower; i < 0; ++i)
      if (data_[i] != std::byte{guard_byte}) return i;
    for (std::ptrdiff_t i = size; i < size + upper; ++i)
      if (data_[i] != std::byte{guard_byte}) return i;
    return intact;
  }

  /// Frees the memory of blocks that have run, once no thread of theirs is left.
  TINYGAN_NO_SANITIZE void free_used() {
    for (void* p : used_) std::free(p);
    used_.clear();
  }

 private:
  static constexpr std::size_t guard = 1024;  // bytes below the shared memory; also its alignment
  static constexpr unsigned char guard_byte = 0xa5;
  static constexpr int poison = 0xff;  // NaN as a float, -1 as an integer

  /// Bytes above `bytes` of shared memory: at least `guard`, up to a multiple of it.
  TINYGAN_NO_SANITIZE static std::size_t upper_guard(std::size_t bytes) {
    return (bytes + 2 * guard - 1) / guard * guard - bytes;
  }

  void* memory_ = nullptr;
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0, capacity_ = 0;
  std::vector<void*> used_;  // ThreadSanitizer: of blocks that have run
};

}  // namespace emulate
}  // namespace
}  // namespace tinygan::cuda
