// Storage: the memory that tensors share, from a memory pool or foreign, and the version of its contents.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include <tinygan/base/device.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/tensor/memory.hpp>

namespace tinygan::detail {

/// A version number, unique in the program.
[[gnu::visibility("default")]] inline std::uint64_t next_version() {
  static std::atomic<std::uint64_t> version{0};
  return version.fetch_add(1, std::memory_order_relaxed) + 1;
}

class Storage {
 public:
  /// A block of the device's memory pool. Throws Error if the device is unavailable or out of memory.
  Storage(std::size_t bytes, Device device)
      : pool_(&memory_pool(device)), block_(pool_->allocate(bytes)), data_(block_->data), device_(device) {}
  /// Foreign memory, which `owner` keeps alive.
  Storage(void* data, Device device, std::shared_ptr<const void> owner)
      : data_(data), device_(device), owner_(std::move(owner)) {}
  ~Storage() {
    if (pool_) pool_->release(block_);
    else release_owner();
  }
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  void* data() const { return data_; }
  Device device() const { return device_; }
  bool foreign() const { return pool_ == nullptr; }
  std::uint64_t version() const { return version_.load(std::memory_order_relaxed); }
  void bump_version() { version_.store(next_version(), std::memory_order_relaxed); }

 private:
  void release_owner() noexcept;

  MemoryPool* pool_ = nullptr;
  MemoryPool::Block* block_ = nullptr;
  void* data_;
  Device device_;
  std::shared_ptr<const void> owner_;
  std::atomic<std::uint64_t> version_{next_version()};
};

}  // namespace tinygan::detail

#ifdef TINYGAN_FUNC

namespace tinygan::detail {

/// Pool blocks are reused in stream order. A foreign owner may free at once, so queued kernels must finish first.
TINYGAN_FUNC void Storage::release_owner() noexcept {
  if (owner_) {
    try {
      if (const DeviceBackend& b = backend(device_); !b.host_memory) b.synchronize(device_.index);
    } catch (...) {  // NOLINT(bugprone-empty-catch): a failed kernel reports itself at the next call
    }
  }
  owner_.reset();
}

}  // namespace tinygan::detail

#endif
