// Devices: the backend of a device, synchronisation and copies between devices.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <tinygan/backend/device_backend.hpp>
#include <tinygan/base/error.hpp>
#include <tinygan/base/fork.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/cpu/backend.hpp>

namespace tinygan {

namespace detail {

inline const char* how_to_link(DeviceType type) {
  return type == DeviceType::cuda
             ? "link tinygan::cuda (CMake), or compile kernels/tinygan_cuda.cu with nvcc and link it"
             : "link tinygan::emulated (CMake), or compile kernels/tinygan_emulated.cpp and link it";
}

/// Throws Error in a child of fork() whose ancestor has used a GPU: CUDA does not support that.
[[gnu::visibility("default")]] void check_same_process(Device device);

}  // namespace detail

/// The backend of a device. Throws Error if the program is linked without it or the device does not exist.
inline const DeviceBackend& backend(Device device) {
  const DeviceBackend* b = detail::backends()[static_cast<std::size_t>(device.type)].load(std::memory_order_acquire);
  if (b == nullptr) [[unlikely]]
    fail(text("device ", device), "this program was built without the ", device, " backend; ",
         detail::how_to_link(device.type));
  const int count = b->count();
  if (device.index < 0 || device.index >= count) [[unlikely]]
    fail(text("device ", device), "index ", device.index, " is out of range; available devices: ", count,
         count == 0 ? " (no GPU, or no driver for the CUDA version of this program)" : "");
  if (device.type == DeviceType::cuda) detail::check_same_process(device);
  return *b;
}

/// The number of GPUs that this program can use: 0 if it is linked without the cuda backend.
int cuda_device_count();

/// Waits for all kernels of the device. Throws Error if one of them failed.
inline void synchronize(Device device) { backend(device).synchronize(device.index); }

/// ++*counter in the memory of its device, stream-ordered: the step counter of a captured step.
void count_up(std::uint64_t* counter, Device device);

namespace detail {

/// Synchronous unless both are on one device.
void copy_bytes(void* dst, Device to, const void* src, Device from, std::size_t bytes);

}  // namespace detail

}  // namespace tinygan

#ifdef TINYGAN_FUNC

namespace tinygan::detail {

TINYGAN_FUNC void check_same_process(Device device) {
  static std::atomic<std::uint64_t> user{0};  // 1 + the number of forks before the first use
  std::uint64_t process = 0;
  if (user.load(std::memory_order_relaxed) == fork_count() + std::uint64_t{1}) return;
  check(user.compare_exchange_strong(process, fork_count() + std::uint64_t{1}), text("device ", device),
        "a parent process used it before fork(), so that this process cannot; fork before the first use");
}

}  // namespace tinygan::detail

namespace tinygan {

TINYGAN_FUNC int cuda_device_count() {
  const DeviceBackend* b = detail::backends()[static_cast<std::size_t>(DeviceType::cuda)].load();
  return b ? b->count() : 0;
}

TINYGAN_FUNC void count_up(std::uint64_t* counter, Device device) { backend(device).count_up(counter, device.index); }

}  // namespace tinygan

namespace tinygan::detail {

TINYGAN_FUNC void copy_bytes(void* dst, Device to, const void* src, Device from, std::size_t bytes) {
  if (bytes == 0) return;
  const DeviceBackend &target = backend(to), &source = backend(from);
  if (to == from) {
    target.copy(dst, src, bytes, to.index);
  } else if (target.host_memory) {
    source.to_host(dst, src, bytes, from.index);
  } else if (source.host_memory) {
    target.to_device(dst, src, bytes, to.index);
  } else {
    std::vector<std::byte> host(bytes);
    source.to_host(host.data(), src, bytes, from.index);
    target.to_device(dst, host.data(), bytes, to.index);
  }
}

}  // namespace tinygan::detail

#endif
