// CUDA runtime calls, checked. nvcc only.
#pragma once

#include <cuda_runtime.h>

#include <atomic>
#include <string>
#include <string_view>

#include <tinygan/base/error.hpp>

#define TINYGAN_TEXT_(...) #__VA_ARGS__
#define TINYGAN_TEXT(...) TINYGAN_TEXT_(__VA_ARGS__)

namespace tinygan::cuda {
namespace {

/// The queue of the calling thread's current device: where everything goes that names no stream.
inline thread_local cudaStream_t current_queue = nullptr;

/// The architectures this program's kernels were compiled for, as __CUDA_ARCH_LIST__ has them: "750,800,...".
inline std::string compiled_architectures() {
#ifdef __CUDA_ARCH_LIST__
  return TINYGAN_TEXT(__CUDA_ARCH_LIST__);
#else
  return "unknown";
#endif
}

/// What went wrong, in words a user can act on.
inline std::string explain(cudaError_t error) {
  std::string what = text(cudaGetErrorName(error), ", ", cudaGetErrorString(error));
  if (error == cudaErrorNoKernelImageForDevice || error == cudaErrorUnsupportedPtxVersion) {
    int device = 0, major = 0, minor = 0;
    cudaGetDevice(&device);
    cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
    cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device);
    what += text("; the kernels were compiled for architectures ", compiled_architectures(), ", device ", device,
                 " is ", major, minor, '0', ": add it to CMAKE_CUDA_ARCHITECTURES");
  }
  return what;
}

inline std::string place(const char* file, int line) {
  const std::string_view path = file;
  return text(path.substr(path.find_last_of('/') + 1), ':', line);
}

/// Whether an error is what a kernel does when it runs, and so none of the launch that reports it.
inline bool of_running_kernel(cudaError_t error) {
  switch (error) {
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure: return true;
    default: return false;
  }
}

[[noreturn]] inline void fail_launch(const std::string& kernel, const char* file, int line, cudaError_t error) {
  fail(text("launch of ", kernel, " at ", place(file, line)),
       explain(error), of_running_kernel(error) ? "; a kernel launched before it failed while it ran" : "");
}

/// Throws Error naming the call and the place unless `result` is cudaSuccess.
inline void check_cuda(cudaError_t result, const char* call, const char* file = __builtin_FILE(),
                       int line = __builtin_LINE()) {
  if (result == cudaSuccess) return;
  cudaGetLastError();  // an error that does not last is not found again by the next call
  fail(text(call, " at ", place(file, line)), explain(result));
}

/// Of the calling thread's device.
inline int compute_capability_major() {
  static std::atomic<int> known[64]{};  // by device
  int device = 0, major = 0;
  check_cuda(cudaGetDevice(&device), "cudaGetDevice");
  if (device < 64 && (major = known[device].load(std::memory_order_relaxed)) > 0) return major;
  check_cuda(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device), "cudaDeviceGetAttribute");
  if (device < 64) known[device].store(major, std::memory_order_relaxed);
  return major;
}

}  // namespace
}  // namespace tinygan::cuda
