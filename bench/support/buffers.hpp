// Operands of a benchmark: random values in [-1, 1) (zeros would run faster than data does), allocated like tensors.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>

#include <tinygan/backend/workspace.hpp>
#include <tinygan/cpu/backend.hpp>

namespace tinygan::bench {

struct Free {
  void operator()(void* p) const { std::free(p); }
};
template <class T>
using Buffer = std::unique_ptr<T[], Free>;

template <class T>
Buffer<T> buffer(index_t size, std::uint32_t seed = 1) {
  Buffer<T> b(static_cast<T*>(cpu::detail::allocate(static_cast<std::size_t>(size + 1) * sizeof(T), 0)));
  std::uint32_t state = seed * 2654435761u;
  for (index_t i = 0; i < size; ++i) {
    state = state * 1664525u + 1013904223u;
    b[static_cast<std::size_t>(i)] = static_cast<T>(static_cast<double>(state >> 8) / 8388608.0 - 1.0);
  }
  return b;
}

/// Scratch that grows to the largest request, so that calls that are timed allocate nothing.
class GrowingWorkspace final : public Workspace {
 private:
  void* allocate_bytes(std::size_t bytes) override {
    if (bytes > bytes_) memory_ = buffer<float>(static_cast<index_t>((bytes + 3) / 4)), bytes_ = bytes;
    return memory_.get();
  }

  std::size_t bytes_ = 0;
  Buffer<float> memory_;
};

}  // namespace tinygan::bench
