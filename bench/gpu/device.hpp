// The GPU as the benchmarks see it: memory, and operands laid out so that a call meets a cold or a warm L2 cache.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <tinygan/backend/bfloat16.hpp>
#include <tinygan/base/error.hpp>
#include <tinygan/base/shape.hpp>

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

/// One operand of a call: its bytes on the host, or, for an output, none: its memory is filled with NaN.
struct Operand {
  std::size_t bytes;
  const void* host = nullptr;
};

/// Copies of the operands of one call, in sets. Going through all sets moves twice the L2 cache's size and more, so a
/// call on the next set finds its operands in memory (cold), and one on the same set again finds them in the cache.
class Rotation {
 public:
  explicit Rotation(const std::vector<Operand>& operands)
      : offsets_(places(operands)),
        sets_(sets_for(offsets_.back())),
        memory_(offsets_.back() * static_cast<std::size_t>(sets_)) {
    check_cuda(cudaMemset(memory_.data(), 0xff, offsets_.back()), "cudaMemset");
    for (std::size_t i = 0; i < operands.size(); ++i)
      if (operands[i].host)
        check_cuda(
            cudaMemcpy(memory_.data() + offsets_[i], operands[i].host, operands[i].bytes, cudaMemcpyHostToDevice),
            "cudaMemcpy to the device");
    for (int set = 1; set < sets_; ++set)
      check_cuda(cudaMemcpy(memory_.data() + offsets_.back() * static_cast<std::size_t>(set), memory_.data(),
                            offsets_.back(), cudaMemcpyDeviceToDevice),
                 "cudaMemcpy on the device");
  }

  int sets() const { return sets_; }

  template <class T>
  T* at(std::size_t operand, int set) const {
    const std::size_t offset = offsets_.back() * static_cast<std::size_t>(set) + offsets_[operand];
    return reinterpret_cast<T*>(memory_.data() + offset);
  }

  /// Elements of an operand of set 0, on the host.
  template <class T>
  std::vector<T> read(std::size_t operand, index_t size) const {
    std::vector<T> values(static_cast<std::size_t>(size));
    check_cuda(cudaMemcpy(values.data(), at<T>(operand, 0), values.size() * sizeof(T), cudaMemcpyDeviceToHost),
               "cudaMemcpy to the host");
    return values;
  }

 private:
  static std::vector<std::size_t> places(const std::vector<Operand>& operands) {
    std::vector<std::size_t> offsets{0};
    for (const Operand& o : operands) offsets.push_back(offsets.back() + (o.bytes + 255) / 256 * 256);
    return offsets;
  }
  static int sets_for(std::size_t bytes) {
    constexpr std::size_t most_sets = 512, most_bytes = std::size_t{8} << 30;
    const std::size_t wanted = 2 * gpu_facts().l2_bytes / std::max<std::size_t>(bytes, 1) + 2;
    const std::size_t possible = std::max<std::size_t>(1, most_bytes / std::max<std::size_t>(bytes, 1));
    return static_cast<int>(std::min({wanted, possible, most_sets}));
  }

  std::vector<std::size_t> offsets_;  // of the operands in a set, and the size of a set
  int sets_;
  DeviceMemory memory_;
};

/// Floats on the host, none for an output, that become an operand.
struct Values {
  const float* from;
  index_t size;
};

/// Operands of elements T, rounded to it.
template <class T>
Rotation rotation_of(const std::vector<Values>& values) {
  std::vector<std::vector<T>> converted;
  std::vector<Operand> operands;
  for (const Values& v : values) {
    const auto n = static_cast<std::size_t>(v.size);
    converted.emplace_back();
    if (v.from) std::transform(v.from, v.from + n, std::back_inserter(converted.back()), [](float x) { return T(x); });
    operands.push_back({n * sizeof(T), v.from ? converted.back().data() : nullptr});
  }
  return Rotation(operands);
}

/// A result of elements T as floats.
template <class T>
std::vector<float> floats_of(const Rotation& operands, std::size_t operand, index_t size) {
  const std::vector<T> values = operands.read<T>(operand, size);
  return {values.begin(), values.end()};
}

}  // namespace tinygan::bench::gpu
