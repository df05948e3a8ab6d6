// DeviceBackend: memory, copies, graph capture and kernels of one device type, and their registration.
//
// cpu/backend.hpp registers the CPU. The CUDA and the emulated device are registered by the translation unit that holds
// their kernels, which a program links or does not. That unit includes base/ and backend/ only: nvcc never sees a
// tensor.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include <tinygan/backend/kernel_table.hpp>
#include <tinygan/base/device.hpp>
#include <tinygan/base/precision.hpp>

namespace tinygan {

/// Graph capture: records the launches of the calling thread for replay. Between begin and end nothing runs, and what
/// cannot be recorded throws Error: copies to and from the host, memory allocations, synchronisation. All null if
/// unsupported.
struct CaptureBackend {
  void (*begin)(int index);
  void* (*end)(int index);                  ///< the graph; throws Error if it cannot be replayed
  void (*abandon)(int index);               ///< ends a capture and discards the graph; never throws
  void (*replay)(void* graph, int index);   ///< launches the graph
  void (*release)(void* graph, int index);  ///< never throws

  constexpr bool supported() const { return begin != nullptr; }
};

/// Times of a device's queue, for profiles. All null if a kernel has finished when it returns.
struct TimerBackend {
  void* (*mark)(int index);               ///< marks this place in the queue
  double (*seconds)(void* a, void* b);    ///< from mark a to mark b; waits until the device has passed both
  void (*release)(void* mark);            ///< never throws
  void (*begin_range)(const char* name);  ///< a range of the calling thread in the vendor's profiler
  void (*end_range)();

  constexpr bool supported() const { return mark != nullptr; }
};

/// A type of device: its memory, copies, graph capture and kernel tables.
struct DeviceBackend {
  int (*count)();                                   ///< available devices of this type; never throws
  void (*activate)(int index);                      ///< selects the device for the calling thread
  void* (*allocate)(std::size_t bytes, int index);  ///< throws Error if the device is out of memory
  void (*to_device)(void* device, const void* host, std::size_t bytes, int index);  ///< synchronous
  void (*to_host)(void* host, const void* device, std::size_t bytes, int index);    ///< synchronous
  void (*copy)(void* to, const void* from, std::size_t bytes, int index);  ///< within the device, stream-ordered
  void (*count_up)(std::uint64_t* counter, int index);                     ///< ++*counter, stream-ordered
  void (*synchronize)(int index);  ///< waits for all kernels of the device; throws their errors
  bool host_memory;                ///< memory is the host's, and a kernel has finished when it returns
  CaptureBackend capture;
  const KernelTable<float>* float_kernels[precision_count];  ///< by Precision
  void (*check_precision)(Precision, int index);             ///< throws Error if the device does not support it
  const KernelTable<bfloat16>* bfloat16_kernels;             ///< needs what Precision::bf16 needs; may be null
  const KernelTable<double>* double_kernels;                 ///< may be null
  TimerBackend timer = {};
};

namespace detail {

[[gnu::visibility("default")]] inline std::array<std::atomic<const DeviceBackend*>, device_type_count>& backends() {
  static std::array<std::atomic<const DeviceBackend*>, device_type_count> slots{};
  return slots;
}

}  // namespace detail

/// Registers the backend of a device type. `backend` must outlive the last tensor of the program.
inline void register_backend(DeviceType type, const DeviceBackend* backend) {
  detail::backends()[static_cast<std::size_t>(type)].store(backend);
}

/// Whether the program is linked with the backend of a device type. There may be no device of that type.
inline bool has_backend(DeviceType type) {
  return detail::backends()[static_cast<std::size_t>(type)].load() != nullptr;
}

}  // namespace tinygan
