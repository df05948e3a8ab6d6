// DeviceBackend: what a device other than the CPU brings along, and how it makes itself known.
//
// It registers itself from the translation unit that holds its kernels, so a program links it or does without. That
// unit includes base/ and backend/ only: nvcc never sees a tensor.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include <tinygan/backend/kernel_table.hpp>
#include <tinygan/base/device.hpp>
#include <tinygan/base/precision.hpp>

namespace tinygan {

/// Writing down what the calling thread queues on a device, to run it again later as a whole. Between begin and end nothing
/// runs, and what cannot be written down throws Error: copies to and from the host, requests for memory, waiting.
struct CaptureBackend {
  void (*begin)(int index);
  void* (*end)(int index);                  ///< what was written down; throws Error if it cannot be replayed
  void (*abandon)(int index);               ///< ends a capture and forgets it; never throws
  void (*replay)(void* graph, int index);   ///< queues everything in it, in order
  void (*release)(void* graph, int index);  ///< never throws
};

struct DeviceBackend {
  int (*count)();                                       ///< devices of this type that can be used now; never throws
  void (*activate)(int index);                          ///< the calling thread's kernels run on this device from now on
  void* (*allocate)(std::size_t bytes, int index);      ///< throws Error when memory is short
  void (*to_device)(void* device, const void* host, std::size_t bytes,
                    int index);  ///< returns when the bytes are there
  void (*to_host)(void* host, const void* device, std::size_t bytes, int index);
  void (*copy)(void* to, const void* from, std::size_t bytes, int index);  ///< within the device, in its queue
  void (*count_up)(std::uint64_t* counter, int index);                     ///< ++*counter, in the device's queue
  void (*synchronize)(int index);  ///< waits for all kernels of the device; throws what they failed with
  CaptureBackend capture;
  const KernelTable<float>* float_kernels[precision_count];  ///< by Precision; null where the device type has none
  void (*check_precision)(Precision, int index);             ///< throws Error if that device cannot run that table
  const KernelTable<bfloat16>* bfloat16_kernels;             ///< needs what Precision::bf16 needs; may be null
  const KernelTable<double>* double_kernels;                 ///< may be null
};

namespace detail {

inline std::array<std::atomic<const DeviceBackend*>, device_type_count>& backends() {
  static std::array<std::atomic<const DeviceBackend*>, device_type_count> slots{};
  return slots;
}

}  // namespace detail

/// Makes a device type available; `backend` must outlive the program's last tensor.
inline void register_backend(DeviceType type, const DeviceBackend* backend) {
  detail::backends()[static_cast<std::size_t>(type)].store(backend);
}

/// Whether this program was linked with a device type's backend; there may still be no such device.
inline bool has_backend(DeviceType type) {
  return detail::backends()[static_cast<std::size_t>(type)].load() != nullptr;
}

}  // namespace tinygan
