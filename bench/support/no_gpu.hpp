// What a benchmark for GPUs does on a machine that has none.
#pragma once

#include <cstdio>

namespace tinygan::bench {

/// The exit code of a program that needs a GPU and finds none; CTest and scripts/gpu-check take it for "skipped".
inline constexpr int exit_without_gpu = 77;

inline int without_gpu(const char* program) {
  std::fprintf(stderr, "%s: there is no GPU here that this program can use, so nothing was measured\n", program);
  return exit_without_gpu;
}

}  // namespace tinygan::bench
