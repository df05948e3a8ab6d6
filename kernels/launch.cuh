// launch(): the one way to start a kernel, and block_shared(): the one way to shared memory.
//
// nvcc compiles the kernels for GPUs; g++ and clang compile the same sources for the emulated device, which runs them
// on the CPU. Everything in kernels/ has internal linkage, so a program may hold both, and two libraries one each.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include <tinygan/base/error.hpp>
#include <tinygan/base/shape.hpp>
#include <tinygan/base/stream.hpp>

#include "forms.hpp"
#include "select.cuh"

/// Before a loop: nvcc unrolls it, so that arrays indexed by its variable stay in registers.
#ifdef __CUDACC__
#define TINYGAN_UNROLL _Pragma("unroll")
#include "device/runtime.cuh"
#else
#define TINYGAN_UNROLL
#include "emulate/cuda.hpp"
#include "emulate/launch.hpp"
#endif

namespace tinygan::cuda {
namespace {

/// How a kernel is started. file and line are the caller's, for error texts, by default arguments.
struct Launch {
  dim3 grid{1, 1, 1}, block{1, 1, 1};
  std::size_t shared_bytes = 0;  ///< dynamic shared memory per block, up to what the device has
  Stream stream{};
  const char* file = __builtin_FILE();
  int line = __builtin_LINE();
};

inline constexpr unsigned warp_size = 32;
inline constexpr unsigned all_lanes = 0xffffffffu;

/// Blocks or steps of `size` that cover `n`.
constexpr index_t ceil_div(index_t n, index_t size) { return (n + size - 1) / size; }
constexpr index_t round_up(index_t n, index_t unit) { return ceil_div(n, unit) * unit; }

/// An extent of a grid. Throws Error where CUDA has no room for it (x: 2^31 - 1, y and z: 65535).
inline unsigned grid_extent(index_t n, bool x = true) {
  check(n >= 1 && n <= (x ? 0x7fffffff : 65535), "launch", "a grid of ", n, " blocks along ", x ? "x" : "y or z");
  return static_cast<unsigned>(n);
}

/// Blocks of `block` threads for a loop over `items` in strides of the whole grid: enough to cover them, at most
/// `limit`. The default limit gives each multiprocessor of the largest GPUs 16 blocks. No result may depend on this
/// number.
inline unsigned grid_stride_blocks(index_t items, index_t block, index_t limit = 16 * 148) {
  return static_cast<unsigned>(std::max<index_t>(1, std::min(ceil_div(items, block), limit)));
}

/// The kernel's name and template arguments as the compiler writes them, without the namespaces that all of them share.
template <auto Kernel>
std::string kernel_name() {
  std::string name = __PRETTY_FUNCTION__;
  name.erase(0, name.find("Kernel = ") + 9);
  name.erase(std::min(name.find(';'), name.find_last_of(']')));
  for (const char* noise : {"&", "tinygan::", "cuda::", "<unnamed>::", "{anonymous}::", "(anonymous namespace)::"})
    for (std::size_t at; (at = name.find(noise)) != std::string::npos;) name.erase(at, std::string_view(noise).size());
  return name;
}

#ifdef __CUDACC__

/// Kernel<<<...>>>(args...). Throws Error with the kernel and the place if the launch is refused; the error of an
/// earlier call is not this launch's and is kept.
template <auto Kernel, class... Args>
void launch(const Launch& l, Args... args) {
  constexpr std::size_t without_asking = 48 << 10;
  const auto check_launch = [&](cudaError_t e) {
    if (e == cudaSuccess) return;
    cudaGetLastError();  // where it does not last
    fail_launch(kernel_name<Kernel>(), l.file, l.line, e);
  };
  if (l.shared_bytes > without_asking) {
    check_launch(
        cudaFuncSetAttribute(Kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(l.shared_bytes)));
    // All of the L1 cache that can be shared memory: it limits the blocks of a multiprocessor.
    check_launch(
        cudaFuncSetAttribute(Kernel, cudaFuncAttributePreferredSharedMemoryCarveout, cudaSharedmemCarveoutMaxShared));
  }
  cudaLaunchConfig_t how{};
  how.gridDim = l.grid;
  how.blockDim = l.block;
  how.dynamicSmemBytes = l.shared_bytes;
  how.stream = l.stream.handle ? static_cast<cudaStream_t>(l.stream.handle) : current_queue;
  check_launch(cudaLaunchKernelEx(&how, Kernel, args...));
}

/// The block's dynamic shared memory as a T, or as `count` elements T from byte `offset` on. Uninitialised.
template <class T>
__device__ __forceinline__ T& block_shared() {
  extern __shared__ __align__(1024) unsigned char tinygan_shared[];
  return *reinterpret_cast<T*>(tinygan_shared);
}
template <class T>
__device__ __forceinline__ T* block_shared(index_t /*count*/, index_t offset = 0) {
  return reinterpret_cast<T*>(&block_shared<unsigned char>() + offset);
}

#else

/// Runs Kernel(args...) for every thread of the grid, then returns. Throws Error if the kernel breaks a rule of CUDA.
/// During a capture it is recorded instead.
template <auto Kernel, class... Args>
void launch(const Launch& l, Args... args) {
  const auto run = [l, args...] {
    const auto body = [&] { Kernel(args...); };
    const auto call = [](const void* b) { (*static_cast<const decltype(body)*>(b))(); };
    emulate::launch_grid({&kernel_name<Kernel>, {l.file, l.line}, l.grid, l.block, l.shared_bytes, call, &body});
  };
  if (emulate::recording) emulate::recording->emplace_back(run);
  else run();
}

template <class T>
T& block_shared() {
  return *emulate::shared_at<T>(1, 0);
}
template <class T>
T* block_shared(index_t count, index_t offset = 0) {
  return emulate::shared_at<T>(count, offset);
}

#endif

// ---- Indices in an x-only block and grid ----------------------------------------------------------------------------

__device__ inline unsigned lane_id() { return threadIdx.x % warp_size; }
__device__ inline unsigned warp_id() { return threadIdx.x / warp_size; }
/// This thread's number in the grid, and how many there are.
__device__ inline index_t grid_thread() { return index_t{blockIdx.x} * blockDim.x + threadIdx.x; }
__device__ inline index_t grid_threads() { return index_t{gridDim.x} * blockDim.x; }

}  // namespace
}  // namespace tinygan::cuda
