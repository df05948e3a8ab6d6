// The cuda device: the one file that nvcc compiles. A program that links it has Device::cuda(i) on a machine with a
// GPU, and runs on the CPU on a machine without one. Flags: -std=c++20 --expt-relaxed-constexpr.

#include <algorithm>

#include <tinygan/backend/device_backend.hpp>

#include "table.cuh"

namespace tinygan::cuda {
namespace {

/// Devices that can be used now: 0 without a GPU or its driver, and then no call ever fails for that.
int count() {
  static const int devices = [] {
    int n = 0;
    if (cudaGetDeviceCount(&n) == cudaSuccess) return n;
    cudaGetLastError();
    return 0;
  }();
  return devices;
}

void activate(int index) { check_cuda(cudaSetDevice(index), "cudaSetDevice"); }

void* allocate(std::size_t bytes, int index) {
  activate(index);
  void* p = nullptr;
  const cudaError_t e = cudaMalloc(&p, bytes);
  if (e == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    std::size_t available = 0, total = 0;
    cudaMemGetInfo(&available, &total);
    fail(text("cuda:", index, " memory"), "no ", bytes, " bytes left; ", available, " of ", total, " are free");
  }
  check_cuda(e, "cudaMalloc");
  return p;
}

void to_device(void* device, const void* host, std::size_t bytes, int index) {
  activate(index);
  check_cuda(cudaMemcpy(device, host, bytes, cudaMemcpyHostToDevice), "cudaMemcpy to the device");
}

void to_host(void* host, const void* device, std::size_t bytes, int index) {
  activate(index);
  check_cuda(cudaMemcpy(host, device, bytes, cudaMemcpyDeviceToHost), "cudaMemcpy to the host");
}

void synchronize(int index) {
  activate(index);
  check_cuda(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
}

const DeviceBackend backend{
    .count = &count,
    .activate = &activate,
    .allocate = &allocate,
    .to_device = &to_device,
    .to_host = &to_host,
    .synchronize = &synchronize,
    .float_kernels = &kernel_table<DeviceType::cuda>(),
    .double_kernels = nullptr,
};

[[maybe_unused]] const bool registered = (register_backend(DeviceType::cuda, &backend), true);

}  // namespace
}  // namespace tinygan::cuda
