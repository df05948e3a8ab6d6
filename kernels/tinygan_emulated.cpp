// The emulated device: all CUDA kernels, run on the CPU (docs/kernels/emulated-device.md). A program that links this
// file has Device::emulated().

#include <cstdlib>
#include <cstring>
#include <utility>

#include <tinygan/backend/device_backend.hpp>

#include "table.cuh"

#ifdef __CUDACC__
#error "tinygan_emulated.cpp is for a host compiler; nvcc compiles tinygan_cuda.cu"
#endif

namespace tinygan::cuda {
namespace {

using emulate::recording;

/// Throws Error where a GPU cannot capture an operation.
void check_not_recording(const char* what) {
  check(recording == nullptr, "captured step", what, " while the step is being captured");
}

void* allocate(std::size_t bytes, int) {
  check_not_recording("a request for memory that the first run did not make");
  constexpr std::size_t unit = 4096;
  void* p = std::aligned_alloc(unit, static_cast<std::size_t>(round_up(static_cast<index_t>(bytes), unit)));
  check(p != nullptr, "emulated memory", "the system has no ", bytes, " bytes left");
  return p;
}

void to_device(void* device, const void* host, std::size_t bytes, int) {
  check_not_recording("a copy from the host");
  std::memcpy(device, host, bytes);
}

void to_host(void* host, const void* device, std::size_t bytes, int) {
  check_not_recording("a copy to the host");
  std::memcpy(host, device, bytes);
}

void copy_on_device(void* to, const void* from, std::size_t bytes, int) {
  if (recording) return recording->push_back([=] { std::memcpy(to, from, bytes); });
  std::memcpy(to, from, bytes);
}

void count_up_on_device(std::uint64_t* counter, int) { count_up(counter); }

void synchronize(int) { check_not_recording("waiting for the device"); }  // a launch returns when the grid is done

// A graph is the list of launches.
using emulate::Recording;

void begin_capture(int) {
  check_not_recording("another capture");
  recording = new Recording;
}

void* end_capture(int) { return std::exchange(recording, nullptr); }

void abandon_capture(int) { delete std::exchange(recording, nullptr); }

void replay(void* graph, int) {
  check_not_recording("a replay");
  for (const auto& queued : *static_cast<Recording*>(graph)) queued();
}

void release(void* graph, int) { delete static_cast<Recording*>(graph); }

const DeviceBackend backend{
    .count = [] { return 1; },
    .activate = [](int) {},
    .allocate = &allocate,
    .to_device = &to_device,
    .to_host = &to_host,
    .copy = &copy_on_device,
    .count_up = &count_up_on_device,
    .synchronize = &synchronize,
    .host_memory = false,
    .capture = {&begin_capture, &end_capture, &abandon_capture, &replay, &release},
    .float_kernels = {&kernel_table<DeviceType::emulated, float, Precision::fp32>(),
                      &kernel_table<DeviceType::emulated, float, Precision::tf32>(),
                      &kernel_table<DeviceType::emulated, float, Precision::bf16>()},
    .check_precision = [](Precision, int) {},
    .bfloat16_kernels = &kernel_table<DeviceType::emulated, bfloat16, Precision::bf16>(),
    .double_kernels = nullptr,
};

[[maybe_unused]] const bool registered = (register_backend(DeviceType::emulated, &backend), true);

}  // namespace
}  // namespace tinygan::cuda
