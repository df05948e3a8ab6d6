// The kernels of a device in its precision.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <tinygan/tensor/device.hpp>

namespace tinygan {

namespace detail {

[[gnu::visibility("default")]] inline std::atomic<Precision>& precision_of(DeviceType type) {
  static std::array<std::atomic<Precision>, device_type_count> set{};  // fp32
  return set[static_cast<std::size_t>(type)];
}

}  // namespace detail

/// The precision in which float matrix products and convolutions are multiplied on devices of this type, fp32 by
/// default. Products of bfloat16 tensors are always multiplied in bfloat16.
inline Precision precision(Device device) { return detail::precision_of(device.type).load(std::memory_order_relaxed); }

/// Sets the precision of all devices of this type, for the whole program. Throws Error if the device does not support
/// it: the CPU supports fp32 only, and a GPU needs compute capability 8.0 for tf32 and bf16.
inline void set_precision(Device device, Precision p) {
  backend(device).check_precision(p, device.index);
  detail::precision_of(device.type).store(p, std::memory_order_relaxed);
}

namespace detail {

/// Throws Error unless the device has the tensor cores that bfloat16 products need. The answer is cached.
[[gnu::visibility("default")]] inline void check_bfloat16(const DeviceBackend& b, Device device) {
  static std::array<std::atomic<std::uint64_t>, device_type_count> known{};  // by type: a bit for each device
  std::atomic<std::uint64_t>& devices = known[static_cast<std::size_t>(device.type)];
  const std::uint64_t bit = device.index < 64 ? std::uint64_t{1} << device.index : 0;
  if (devices.load(std::memory_order_relaxed) & bit) return;
  b.check_precision(Precision::bf16, device.index);
  devices.fetch_or(bit, std::memory_order_relaxed);
}

/// What stands between kernels<T>() and a device's own table: nothing, unless a profile or a count of work is on.
template <class T>
struct TableHook {
  std::atomic<int> users{0};  ///< kernels<T>() looks at the rest only if there are any
  std::atomic<const KernelTable<T>& (*)(Device, const KernelTable<T>& own)> observe{nullptr};
};
template <class T>
[[gnu::visibility("default")]] inline constinit TableHook<T> table_hook{};

/// The table that the calling thread gets for any device, or null. It needs a user of the hook.
template <class T>
[[gnu::visibility("default")]] inline constinit thread_local const KernelTable<T>* substitute_table = nullptr;

template <class T>
const KernelTable<T>& table_in_use(Device device, const KernelTable<T>& own) {
  if (table_hook<T>.users.load(std::memory_order_relaxed) == 0) [[likely]]
    return own;
  if (substitute_table<T>) return *substitute_table<T>;
  const auto observe = table_hook<T>.observe.load(std::memory_order_acquire);
  return observe ? observe(device, own) : own;
}

}  // namespace detail

/// The kernels of a device in its precision. Also selects the device for the calling thread. Throws Error if the device
/// or the element type is unavailable.
template <class T>
const KernelTable<T>& kernels(Device device) {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, bfloat16>,
                "kernels exist for float, double and bfloat16");
  const DeviceBackend& b = backend(device);
  // The CPU's kernels are templates, which a program instantiates for the element types that it uses.
  if (device.type == DeviceType::cpu) return detail::table_in_use(device, cpu::kernel_table<T>());
  const KernelTable<T>* table = nullptr;
  const char* type = "float";
  if constexpr (std::is_same_v<T, float>) table = b.float_kernels[static_cast<int>(precision(device))];
  else if constexpr (std::is_same_v<T, bfloat16>) table = b.bfloat16_kernels, type = "bfloat16";
  else table = b.double_kernels, type = "double";
  check(table != nullptr, text("device ", device), "has no kernels for ", type);
  if constexpr (std::is_same_v<T, bfloat16>) detail::check_bfloat16(b, device);
  b.activate(device.index);
  return detail::table_in_use(device, *table);
}

}  // namespace tinygan
