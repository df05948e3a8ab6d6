// What this pass of the compiler makes code for, and which of the kernels the calling thread's device runs.
#pragma once

#include <atomic>
#include <cstdlib>
#include <string_view>

#include "../forms.hpp"
#include "../launch.cuh"
#include "../select.cuh"

namespace tinygan::cuda {
namespace {

// Whether this pass makes code for wgmma and TMA; elsewhere kernels that use them are to be empty.
#if !defined(__CUDACC__) || (defined(__CUDA_ARCH_FEAT_SM90_ALL) && __CUDA_ARCH__ == 900)
inline constexpr bool has_wgmma = true;
#else
inline constexpr bool has_wgmma = false;
#endif

/// Whether the environment leaves the kernels for sm_90a in: TINYGAN_CUDA_ISA=sm_80 keeps them out, sm_90a, or nothing
/// set, does not. Throws Error on any other value.
inline bool hopper_kernels_wanted() {
  static const bool wanted = [] {
    const char* const wish = std::getenv("TINYGAN_CUDA_ISA");
    if (!wish) return true;
    const std::string_view name = wish;
    check(name == "sm_80" || name == "sm_90a", "TINYGAN_CUDA_ISA", "'", name, "', expected sm_80 or sm_90a");
    return name == "sm_90a";
  }();
  return wanted;
}

#ifdef __CUDACC__

/// Never launched: the size of its shared memory tells for what the code was compiled that the driver has chosen.
__global__ void architecture_kernel(unsigned* out) {
  __shared__ unsigned mark[has_wgmma ? 64 : 32];
  mark[threadIdx.x % 32] = out[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = mark[31 - threadIdx.x % 32];
}

/// Whether the calling thread's device is an sm_90 and the driver has code for sm_90a for it.
inline bool device_has_wgmma() {
  static std::atomic<signed char> known[64]{};  // by device: 1 yes, -1 no
  int device = 0;
  check_cuda(cudaGetDevice(&device), "cudaGetDevice");
  if (device < 64 && known[device].load(std::memory_order_relaxed) != 0) return known[device].load() > 0;
  cudaFuncAttributes kernel{};
  check_cuda(cudaFuncGetAttributes(&kernel, &architecture_kernel), "cudaFuncGetAttributes");
  const bool yes = compute_capability_major() == 9 && kernel.sharedSizeBytes >= 64 * sizeof(unsigned);
  if (device < 64) known[device].store(yes ? 1 : -1, std::memory_order_relaxed);
  return yes;
}

#else

inline bool device_has_wgmma() { return true; }

#endif

/// Whether the kernels of wgmma_*.cuh run on the calling thread's device, and are wanted. Throws Error on a bad
/// TINYGAN_CUDA_ISA.
inline bool wgmma_available() { return hopper_kernels_wanted() && device_has_wgmma(); }

/// The page of the calling thread's device.
inline const TileLimits& tile_limits() { return wgmma_available() ? sm_90 : sm_80; }

}  // namespace
}  // namespace tinygan::cuda
