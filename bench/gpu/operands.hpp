// Operands of a call on the device, laid out so that the call meets a cold or a warm L2 cache.
#pragma once

#include <type_traits>
#include <vector>

#include <tinygan/backend/bfloat16.hpp>

#include "device.hpp"
#include "host_values.hpp"
#include "prediction.hpp"

namespace tinygan::bench::gpu {

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
      : offsets_(places(operands)), sets_(sets_for(offsets_.back())),
        memory_(offsets_.back() * static_cast<std::size_t>(sets_)) {
    const CudaStream& stream = bench_stream();
    check_cuda(cudaMemsetAsync(memory_.data(), 0xff, offsets_.back(), stream), "cudaMemsetAsync");
    for (std::size_t i = 0; i < operands.size(); ++i)
      if (operands[i].host)
        check_cuda(cudaMemcpyAsync(memory_.data() + offsets_[i], operands[i].host, operands[i].bytes,
                                   cudaMemcpyHostToDevice, stream),
                   "cudaMemcpyAsync to the device");
    for (int set = 1; set < sets_; ++set)
      check_cuda(cudaMemcpyAsync(memory_.data() + offsets_.back() * static_cast<std::size_t>(set), memory_.data(),
                                 offsets_.back(), cudaMemcpyDeviceToDevice, stream),
                 "cudaMemcpyAsync on the device");
    stream.wait();  // the host's memory may go, and other streams may come
  }

  int sets() const { return sets_; }

  template <class T>
  T* at(std::size_t operand, int set) const {
    const std::size_t offset = offsets_.back() * static_cast<std::size_t>(set) + offsets_[operand];
    return reinterpret_cast<T*>(memory_.data() + offset);
  }

  /// Fills an operand of set 0 with NaN.
  void poison(std::size_t operand) const {
    const std::size_t bytes = offsets_[operand + 1] - offsets_[operand];
    check_cuda(cudaMemsetAsync(memory_.data() + offsets_[operand], 0xff, bytes, bench_stream()), "cudaMemsetAsync");
  }

  /// Elements of an operand of set 0, on the host.
  template <class T>
  std::vector<T> read(std::size_t operand, index_t size) const {
    std::vector<T> values(static_cast<std::size_t>(size));
    read(operand, values.data(), size);
    return values;
  }
  template <class T>
  void read(std::size_t operand, T* to, index_t size) const {
    const CudaStream& stream = bench_stream();
    check_cuda(cudaMemcpyAsync(to, at<T>(operand, 0), static_cast<std::size_t>(size) * sizeof(T),
                               cudaMemcpyDeviceToHost, stream),
               "cudaMemcpyAsync to the host");
    stream.wait();
  }

 private:
  static std::vector<std::size_t> places(const std::vector<Operand>& operands) {
    std::vector<std::size_t> offsets{0};
    for (const Operand& o : operands) offsets.push_back(offsets.back() + (o.bytes + 255) / 256 * 256);
    return offsets;
  }
  static int sets_for(std::size_t bytes) {
    return sets_of(static_cast<double>(bytes), static_cast<double>(gpu_facts().l2_bytes));
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
  std::vector<Buffer<T>> converted;
  std::vector<Operand> operands;
  for (const Values& v : values) {
    const void* host = v.from;
    if constexpr (!std::is_same_v<T, float>)
      if (v.from) {
        converted.push_back(uninitialised<T>(v.size));
        convert(v.size, v.from, converted.back().get());
        host = converted.back().get();
      }
    operands.push_back({static_cast<std::size_t>(v.size) * sizeof(T), host});
  }
  return Rotation(operands);
}

/// A result of elements T as floats.
template <class T>
std::vector<float> floats_of(const Rotation& operands, std::size_t operand, index_t size) {
  if constexpr (std::is_same_v<T, float>) {
    return operands.read<float>(operand, size);
  } else {
    const Buffer<T> values = uninitialised<T>(size);
    operands.read(operand, values.get(), size);
    std::vector<float> floats(static_cast<std::size_t>(size));
    convert(size, values.get(), floats.data());
    return floats;
  }
}

}  // namespace tinygan::bench::gpu
