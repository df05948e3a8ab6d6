// Which kernels the calling thread's device runs. The emulated device runs all of them.
#pragma once

#include <cstdlib>
#include <string_view>

#include "../forms.hpp"
#include "../launch.cuh"
#include "../select.cuh"

namespace tinygan::cuda {
namespace {

#ifndef __CUDACC__  // of a GPU see runtime.cuh
inline constexpr bool has_wgmma = true;
inline bool device_has_wgmma() { return true; }
#endif

/// Whether the environment permits the kernels for sm_90a: TINYGAN_CUDA_ISA=sm_80 excludes them, sm_90a or no value
/// does not. Throws Error on any other value.
inline bool hopper_kernels_wanted() {
  static const bool wanted = [] {
    const char* const value = std::getenv("TINYGAN_CUDA_ISA");
    if (!value) return true;
    const std::string_view name = value;
    check(name == "sm_80" || name == "sm_90a", "TINYGAN_CUDA_ISA", "'", name, "', expected sm_80 or sm_90a");
    return name == "sm_90a";
  }();
  return wanted;
}

/// Whether the kernels of wgmma_*.cuh run on the calling thread's device, and are wanted. Throws Error on a bad
/// TINYGAN_CUDA_ISA.
inline bool wgmma_available() { return hopper_kernels_wanted() && device_has_wgmma(); }

/// The thresholds of the calling thread's device.
inline const TileLimits& tile_limits() { return wgmma_available() ? sm_90 : sm_80; }

}  // namespace
}  // namespace tinygan::cuda
