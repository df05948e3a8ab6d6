// The emulated device: all CUDA kernels, run on the CPU (docs/kernels/emulated-device.md). A program that links this
// file has Device::emulated().

#include <cstdlib>
#include <cstring>

#include <tinygan/backend/device_backend.hpp>

#include "table.cuh"

#ifdef __CUDACC__
#error "tinygan_emulated.cpp is for a host compiler; nvcc compiles tinygan_cuda.cu"
#endif

namespace tinygan::cuda {
namespace {

void* allocate(std::size_t bytes, int) {
  constexpr std::size_t unit = 4096;
  void* p = std::aligned_alloc(unit, static_cast<std::size_t>(round_up(static_cast<index_t>(bytes), unit)));
  check(p != nullptr, "emulated memory", "the system has no ", bytes, " bytes left");
  return p;
}

void copy_bytes(void* to, const void* from, std::size_t bytes, int) { std::memcpy(to, from, bytes); }

const DeviceBackend backend{
    .count = [] { return 1; },
    .activate = [](int) {},
    .allocate = &allocate,
    .to_device = &copy_bytes,
    .to_host = &copy_bytes,
    .synchronize = [](int) {},  // a launch returns when the grid is done
    .float_kernels = &kernel_table<DeviceType::emulated>(),
    .double_kernels = nullptr,
};

[[maybe_unused]] const bool registered = (register_backend(DeviceType::emulated, &backend), true);

}  // namespace
}  // namespace tinygan::cuda
