// The kernels of a training step that memory limits: batch norm and Adam, with what they must give.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <tinygan/base/precision.hpp>

#include "contestant.hpp"

namespace tinygan::bench::gpu {

/// One kernel on one shape. `bytes` counts every operand once per pass that the kernel has to make.
struct MemoryCase {
  std::string name;
  index_t batch;
  Precision precision;  ///< of the elements: fp32 or bf16
  double bytes;
  std::function<Contestant()> ours;
  std::function<std::string(const std::vector<float>&)> wrong;  ///< empty if a result is right
};

/// Batch norm of the networks' layers at a batch size, forward and backward, and Adam over each network's parameters.
std::vector<MemoryCase> memory_cases(index_t batch);

/// A copy within the device that moves as many bytes.
Contestant copy_of(double bytes);

}  // namespace tinygan::bench::gpu
