// Memory: the memory pool of each device, and graph-private pools.
#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include <tinygan/base/outline.hpp>
#include <tinygan/tensor/device.hpp>
#include <tinygan/tensor/memory_pool.hpp>

namespace tinygan {

namespace detail {

/// All memory pools of the program. They are never destroyed: tensors may outlive main().
struct MemoryPools {
  struct Entry {
    MemoryPool pool;
    Entry* next;
  };

  std::mutex mutex;  // guards the list and the tables below that use it
  Entry* all = nullptr;
  std::atomic<MemoryPool*> host{nullptr};

  /// With the mutex held.
  MemoryPool* add(Device device);

  /// fork() waits until no thread is in a pool, so that a child finds every pool consistent and unlocked.
  void lock();
  void unlock();
};

[[gnu::visibility("default")]] inline constinit MemoryPools memory_pools;
[[gnu::visibility("default")]] inline const bool memory_pools_survive_fork =
    at_fork([] { memory_pools.lock(); }, [] { memory_pools.unlock(); });

/// The pool that replaces a device's own for the calling thread.
struct MemoryOverride {
  Device device;
  MemoryPool* pool = nullptr;
};
[[gnu::visibility("default")]] MemoryOverride& memory_override();

}  // namespace detail

/// The memory pool from which the calling thread allocates on a device. Throws Error if the device is unavailable.
[[gnu::visibility("default")]] MemoryPool& memory_pool(Device device);

/// A graph-private pool: while a Scope lives, the calling thread allocates the device's tensors from it. Later
/// allocations therefore never overlap the temporaries of a captured graph. The memory outlives this object: the next
/// pool reuses it.
class GraphPrivatePool {
 public:
  /// Throws Error if the device is unavailable.
  explicit GraphPrivatePool(Device device);
  ~GraphPrivatePool();
  GraphPrivatePool(const GraphPrivatePool&) = delete;
  GraphPrivatePool& operator=(const GraphPrivatePool&) = delete;

  MemoryPoolStats stats() const { return pool_->stats(); }

  /// While it lives, allocations of this thread come from the private pool.
  class Scope {
   public:
    explicit Scope(GraphPrivatePool& m)
        : before_(std::exchange(detail::memory_override(), detail::MemoryOverride{m.device_, m.pool_})) {}
    ~Scope() { detail::memory_override() = before_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    detail::MemoryOverride before_;
  };

 private:
  [[gnu::visibility("default")]] static std::vector<MemoryPool*>& idle_of(Device device);

  Device device_;
  MemoryPool* pool_;
};

}  // namespace tinygan

#ifdef TINYGAN_FUNC

namespace tinygan::detail {

TINYGAN_FUNC MemoryPool* MemoryPools::add(Device device) {
  all = new Entry{{backend(device).allocate, device.index}, all};
  return &all->pool;
}

TINYGAN_FUNC void MemoryPools::lock() {
  mutex.lock();
  for (Entry* e = all; e; e = e->next) e->pool.lock();
}

TINYGAN_FUNC void MemoryPools::unlock() {
  for (Entry* e = all; e; e = e->next) e->pool.unlock();
  mutex.unlock();
}

TINYGAN_FUNC MemoryOverride& memory_override() {
  thread_local MemoryOverride current;
  return current;
}

}  // namespace tinygan::detail

namespace tinygan {

TINYGAN_FUNC MemoryPool& memory_pool(Device device) {
  if (const auto& o = detail::memory_override(); o.pool && o.device == device) return *o.pool;
  const bool host = device == Device::cpu();  // the pool that every program uses: found without a lock
  if (host)
    if (MemoryPool* const pool = detail::memory_pools.host.load(std::memory_order_acquire)) return *pool;
  backend(device);  // throws before anything is allocated
  static constinit std::map<std::pair<DeviceType, int>, MemoryPool*>* of_device = nullptr;
  const std::lock_guard lock(detail::memory_pools.mutex);
  if (!of_device) of_device = new std::map<std::pair<DeviceType, int>, MemoryPool*>;
  MemoryPool*& found = (*of_device)[{device.type, device.index}];
  if (!found) found = detail::memory_pools.add(device);
  if (host) detail::memory_pools.host.store(found, std::memory_order_release);
  return *found;
}

TINYGAN_CTOR GraphPrivatePool::GraphPrivatePool(Device device) : device_(device) {
  const std::lock_guard lock(detail::memory_pools.mutex);
  auto& idle = idle_of(device);
  if (!idle.empty()) {
    pool_ = idle.back();
    idle.pop_back();
  } else {
    pool_ = detail::memory_pools.add(device);
  }
}

TINYGAN_CTOR GraphPrivatePool::~GraphPrivatePool() {
  const std::lock_guard lock(detail::memory_pools.mutex);
  idle_of(device_).push_back(pool_);
}

TINYGAN_FUNC std::vector<MemoryPool*>& GraphPrivatePool::idle_of(Device device) {
  using Lists = std::map<std::pair<DeviceType, int>, std::vector<MemoryPool*>>;
  static constinit Lists* lists = nullptr;
  if (!lists) lists = new Lists;
  return (*lists)[{device.type, device.index}];
}

}  // namespace tinygan

#endif
