// The GPU as the benchmarks see it: its facts, memory, and the one stream.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>

#include <tinygan/backend/workspace.hpp>
#include <tinygan/base/error.hpp>

namespace tinygan::bench::gpu {

/// Throws Error naming the call unless it succeeded.
inline void check_cuda(cudaError_t result, const char* call) {
  if (result == cudaSuccess) return;
  cudaGetLastError();
  fail(call, cudaGetErrorName(result), ", ", cudaGetErrorString(result));
}

struct GpuFacts {
  std::string name;
  int multiprocessors = 0, architecture = 0;  // 90 for compute capability 9.0
  std::size_t l2_bytes = 0, memory_bytes = 0;
};

/// Of device 0.
inline const GpuFacts& gpu_facts() {
  static const GpuFacts facts = [] {
    cudaDeviceProp p{};
    check_cuda(cudaGetDeviceProperties(&p, 0), "cudaGetDeviceProperties");
    return GpuFacts{p.name, p.multiProcessorCount, 10 * p.major + p.minor, static_cast<std::size_t>(p.l2CacheSize),
                    p.totalGlobalMem};
  }();
  return facts;
}

/// Device memory of its own.
class DeviceMemory {
 public:
  explicit DeviceMemory(std::size_t bytes) {
    check_cuda(cudaMalloc(&data_, std::max<std::size_t>(bytes, 1)), "cudaMalloc");
  }
  ~DeviceMemory() { cudaFree(data_); }
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  std::byte* data() const { return static_cast<std::byte*>(data_); }

 private:
  void* data_ = nullptr;
};

/// Scratch that grows to the largest request, so that calls that are timed allocate nothing.
class GrowingWorkspace final : public Workspace {
 private:
  void* allocate_bytes(std::size_t bytes) override {
    if (bytes > bytes_) {
      memory_.emplace(bytes);
      bytes_ = bytes;
    }
    return memory_->data();
  }

  std::size_t bytes_ = 0;
  std::optional<DeviceMemory> memory_;
};

/// A stream of its own, not synchronised with the legacy stream.
class CudaStream {
 public:
  CudaStream() { check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreate"); }
  ~CudaStream() { cudaStreamDestroy(stream_); }
  CudaStream(const CudaStream&) = delete;
  CudaStream& operator=(const CudaStream&) = delete;
  operator cudaStream_t() const { return stream_; }
  void wait() const { check_cuda(cudaStreamSynchronize(stream_), "cudaStreamSynchronize"); }

 private:
  cudaStream_t stream_ = nullptr;
};

/// The stream of every copy, call, capture and measurement here. One for the whole program: a handle of cuDNN keeps the
/// stream that it was given last, workspaces need no more owners, and nothing has to wait for another stream.
inline const CudaStream& bench_stream() {
  static const CudaStream& one = *new CudaStream;  // never destroyed: the runtime may end before static objects do
  return one;
}

}  // namespace tinygan::bench::gpu
