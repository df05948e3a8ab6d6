// The registry: for each device its kernels, its memory and how bytes get there.
#pragma once

#include <array>
#include <atomic>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <tinygan/backend/device_backend.hpp>
#include <tinygan/base/fork.hpp>
#include <tinygan/cpu/table.hpp>
#include <tinygan/tensor/pool.hpp>

namespace tinygan {

namespace detail {

inline void* allocate_host(std::size_t bytes, int) {
  constexpr std::size_t huge_page = std::size_t{2} << 20;
  void* p = std::aligned_alloc(huge_page, (bytes + huge_page - 1) / huge_page * huge_page);
  check(p != nullptr, "cpu memory", "the system has no ", bytes, " bytes left");
#if defined(__linux__)
  madvise(p, bytes, MADV_HUGEPAGE);  // a hint: fewer TLB misses and page faults where it is granted
#endif
  return p;
}

inline const char* how_to_link(DeviceType type) {
  return type == DeviceType::cuda ? "link tinygan::cuda (CMake), or compile kernels/tinygan_cuda.cu with nvcc and link it"
                                  : "link tinygan::emulated (CMake), or compile kernels/tinygan_emulated.cpp and link it";
}

/// Throws Error in a child of fork() where an ancestor has used a GPU: CUDA does not survive that.
inline void check_same_process(Device device) {
  static std::atomic<std::uint64_t> user{0};  // 1 + the number of forks before the first use
  std::uint64_t process = 0;
  if (user.load(std::memory_order_relaxed) == fork_count() + std::uint64_t{1}) return;
  check(user.compare_exchange_strong(process, fork_count() + std::uint64_t{1}), text("device ", device),
        "a process that forked has used it, and its children cannot; fork before the first use");
}

}  // namespace detail

/// The backend of a device other than the CPU. Throws Error if the program was linked without it or has no such device.
inline const DeviceBackend& backend(Device device) {
  const DeviceBackend* b = detail::backends()[static_cast<std::size_t>(device.type)].load();
  check(b != nullptr, text("device ", device), "this program was built without the ", device, " backend; ",
        detail::how_to_link(device.type));
  check(device.index >= 0 && device.index < b->count(), text("device ", device), "there are ", b->count(), " such devices");
  if (device.type == DeviceType::cuda) detail::check_same_process(device);
  return *b;
}

/// GPUs that this program can use: 0 if it was built without the cuda backend.
inline int cuda_device_count() {
  const DeviceBackend* b = detail::backends()[static_cast<std::size_t>(DeviceType::cuda)].load();
  return b ? b->count() : 0;
}

namespace detail {

inline std::atomic<Precision>& precision_of(DeviceType type) {
  static std::array<std::atomic<Precision>, device_type_count> set{};  // fp32
  return set[static_cast<std::size_t>(type)];
}

}  // namespace detail

/// In what matrix products and convolutions of float are multiplied on devices of this type; fp32 until somebody says
/// otherwise. Those of bfloat16 are always multiplied as they are.
inline Precision precision(Device device) {
  return detail::precision_of(device.type).load(std::memory_order_relaxed);
}

/// From now on, for the whole program and all devices of this type. Throws Error if the device cannot do it: the CPU has
/// fp32 only, a GPU needs tensor cores (compute capability 8.0) for tf32 and bf16.
inline void set_precision(Device device, Precision p) {
  if (device.type == DeviceType::cpu) {
    check(p == Precision::fp32, text("device ", device), "it computes in fp32, not in ", p);
  } else {
    const DeviceBackend& b = backend(device);
    check(b.float_kernels[static_cast<int>(p)] != nullptr, text("device ", device), "it has no kernels for ", p);
    b.check_precision(p, device.index);
  }
  detail::precision_of(device.type).store(p, std::memory_order_relaxed);
}

namespace detail {

/// Throws Error unless the device has the tensor cores that products of bfloat16 need. Devices that have are remembered.
inline void check_bfloat16(const DeviceBackend& b, Device device) {
  static std::array<std::atomic<std::uint64_t>, device_type_count> known{};  // by type: a bit for each device
  std::atomic<std::uint64_t>& devices = known[static_cast<std::size_t>(device.type)];
  const std::uint64_t bit = device.index < 64 ? std::uint64_t{1} << device.index : 0;
  if (devices.load(std::memory_order_relaxed) & bit) return;
  b.check_precision(Precision::bf16, device.index);
  devices.fetch_or(bit, std::memory_order_relaxed);
}

}  // namespace detail

/// The kernels of a device in its precision; it becomes the calling thread's current one of its type. Throws Error if the
/// device or the element type is not to be had.
template <class T>
const KernelTable<T>& kernels(Device device) {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, bfloat16>,
                "kernels exist for float, double and bfloat16");
  if (device.type == DeviceType::cpu) return cpu::kernel_table<T>();
  const DeviceBackend& b = backend(device);
  const KernelTable<T>* table = nullptr;
  const char* type = "float";
  if constexpr (std::is_same_v<T, float>) table = b.float_kernels[static_cast<int>(precision(device))];
  else if constexpr (std::is_same_v<T, bfloat16>) table = b.bfloat16_kernels, type = "bfloat16";
  else table = b.double_kernels, type = "double";
  check(table != nullptr, text("device ", device), "it has no kernels for ", type);
  if constexpr (std::is_same_v<T, bfloat16>) detail::check_bfloat16(b, device);
  b.activate(device.index);
  return *table;
}

namespace detail {

/// Where the calling thread takes a device's memory from instead of the device's pool.
struct MemoryOverride {
  Device device;
  Pool* pool = nullptr;
};
inline MemoryOverride& memory_override() {
  thread_local MemoryOverride current;
  return current;
}

}  // namespace detail

namespace detail {

/// All memory pools of the program. They are never destroyed: tensors may outlive main().
struct Pools {
  struct Entry {
    Pool pool;
    Entry* next;
  };

  std::mutex mutex;  // guards the list, and what other functions keep beside it
  Entry* all = nullptr;
  std::atomic<Pool*> host{nullptr};

  /// With the mutex held.
  Pool* add(Device device) {
    const auto allocate = device.type == DeviceType::cpu ? &allocate_host : backend(device).allocate;
    all = new Entry{{allocate, device.index}, all};
    return &all->pool;
  }

  /// fork() waits until nobody is in a pool, so that a child finds every one whole and unlocked.
  void lock() {
    mutex.lock();
    for (Entry* e = all; e; e = e->next) e->pool.lock();
  }
  void unlock() {
    for (Entry* e = all; e; e = e->next) e->pool.unlock();
    mutex.unlock();
  }
};

inline constinit Pools pools;
inline const bool pools_survive_fork = at_fork([] { pools.lock(); }, [] { pools.unlock(); });

}  // namespace detail

/// The memory of a device.
inline Pool& pool(Device device) {
  if (const auto& o = detail::memory_override(); o.pool && o.device == device) return *o.pool;
  if (device.type == DeviceType::cpu)
    if (Pool* const host = detail::pools.host.load(std::memory_order_acquire)) return *host;
  static constinit std::map<std::pair<DeviceType, int>, Pool*>* of_device = nullptr;
  if (device.type != DeviceType::cpu) backend(device);  // throws before anything is made
  const std::lock_guard lock(detail::pools.mutex);
  if (!of_device) of_device = new std::map<std::pair<DeviceType, int>, Pool*>;
  Pool*& found = (*of_device)[{device.type, device.index}];
  if (!found) found = detail::pools.add(device);
  if (device.type == DeviceType::cpu) detail::pools.host.store(found, std::memory_order_release);
  return *found;
}

/// Memory of its own for what must keep its addresses to itself: while a Scope lives, tensors that this thread makes on the
/// device are in there. They may outlive it: like all pools it stays, for the next that asks.
class PrivateMemory {
 public:
  /// Throws Error if there is no such device.
  explicit PrivateMemory(Device device) : device_(device) {
    const std::lock_guard lock(detail::pools.mutex);
    auto& idle = idle_of(device);
    if (!idle.empty()) {
      pool_ = idle.back();
      idle.pop_back();
    } else {
      pool_ = detail::pools.add(device);
    }
  }
  ~PrivateMemory() {
    const std::lock_guard lock(detail::pools.mutex);
    idle_of(device_).push_back(pool_);
  }
  PrivateMemory(const PrivateMemory&) = delete;
  PrivateMemory& operator=(const PrivateMemory&) = delete;

  PoolStats stats() const { return pool_->stats(); }

  class Scope {
   public:
    explicit Scope(PrivateMemory& m)
        : before_(std::exchange(detail::memory_override(), detail::MemoryOverride{m.device_, m.pool_})) {}
    ~Scope() { detail::memory_override() = before_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    detail::MemoryOverride before_;
  };

 private:
  static std::vector<Pool*>& idle_of(Device device) {
    using Lists = std::map<std::pair<DeviceType, int>, std::vector<Pool*>>;
    static constinit Lists* lists = nullptr;
    if (!lists) lists = new Lists;
    return (*lists)[{device.type, device.index}];
  }

  Device device_;
  Pool* pool_;
};

/// Waits until everything queued on the device is done.
inline void synchronize(Device device) {
  if (device.type != DeviceType::cpu) backend(device).synchronize(device.index);
}

/// ++*counter in the memory of its device, queued there: what counts the steps of a training that the host does not wait for.
inline void count_up(std::uint64_t* counter, Device device) {
  if (device.type == DeviceType::cpu)
    ++*counter;
  else
    backend(device).count_up(counter, device.index);
}

namespace detail {

inline void copy_bytes(void* dst, Device to, const void* src, Device from, std::size_t bytes) {
  if (bytes == 0) return;
  if (to.type == DeviceType::cpu && from.type == DeviceType::cpu) {
    std::memcpy(dst, src, bytes);
  } else if (to.type == DeviceType::cpu) {
    backend(from).to_host(dst, src, bytes, from.index);
  } else if (to == from) {
    backend(to).copy(dst, src, bytes, to.index);
  } else if (from.type == DeviceType::cpu) {
    backend(to).to_device(dst, src, bytes, to.index);
  } else {
    std::vector<std::byte> host(bytes);
    backend(from).to_host(host.data(), src, bytes, from.index);
    backend(to).to_device(dst, host.data(), bytes, to.index);
  }
}

}  // namespace detail

}  // namespace tinygan
