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

/// The queue of the calling thread's current device, for launches without a stream.
inline thread_local cudaStream_t current_queue = nullptr;

/// The architectures this program's kernels were compiled for, as __CUDA_ARCH_LIST__ has them: "750,800,...".
inline std::string compiled_architectures() {
#ifdef __CUDA_ARCH_LIST__
  return TINYGAN_TEXT(__CUDA_ARCH_LIST__);
#else
  return "unknown";
#endif
}

/// The error, and what a user can do about it.
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

/// Whether an error comes from a running kernel, not from the launch that reports it.
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
  fail(text("launch of ", kernel, " at ", place(file, line)), explain(error),
       of_running_kernel(error) ? "; a kernel launched before it failed while it ran" : "");
}

/// Throws Error naming the call and the place unless `result` is cudaSuccess.
inline void check_cuda(cudaError_t result, const char* call, const char* file = __builtin_FILE(),
                       int line = __builtin_LINE()) {
  if (result == cudaSuccess) return;
  cudaGetLastError();  // an error that does not last is not found again by the next call
  fail(text(call, " at ", place(file, line)), explain(result));
}

// Whether this pass of the compiler makes code for wgmma and TMA; elsewhere kernels that use them are to be empty.
#if defined(__CUDA_ARCH_FEAT_SM90_ALL) && __CUDA_ARCH__ == 900
inline constexpr bool has_wgmma = true;
#else
inline constexpr bool has_wgmma = false;
#endif

/// Never launched: the size of its shared memory identifies the architecture of the code that the driver has selected.
__global__ void architecture_kernel(unsigned* out) {
  __shared__ unsigned mark[has_wgmma ? 64 : 32];
  mark[threadIdx.x % 32] = out[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = mark[31 - threadIdx.x % 32];
}

/// Whether the calling thread's device is an sm_90 and the driver has code for sm_90a for it.
inline bool device_has_wgmma() {
  static std::atomic<signed char> known[64]{};  // by device: 1 yes, -1 no
  int device = 0, major = 0;
  check_cuda(cudaGetDevice(&device), "cudaGetDevice");
  if (device < 64 && known[device].load(std::memory_order_relaxed) != 0) return known[device].load() > 0;
  check_cuda(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device), "cudaDeviceGetAttribute");
  cudaFuncAttributes kernel{};
  check_cuda(cudaFuncGetAttributes(&kernel, &architecture_kernel), "cudaFuncGetAttributes");
  const bool yes = major == 9 && kernel.sharedSizeBytes >= 64 * sizeof(unsigned);
  if (device < 64) known[device].store(yes ? 1 : -1, std::memory_order_relaxed);
  return yes;
}

}  // namespace
}  // namespace tinygan::cuda
