// Functions that CUDA has under its own name.
#pragma once

#include <cstdint>

#include "../launch.cuh"

namespace tinygan::cuda {
namespace {

/// Sine and cosine of 2 pi `turns`.
__device__ inline void sincos_turns(float turns, float& sine, float& cosine) {
#ifdef __CUDACC__
  sincospif(2.0f * turns, &sine, &cosine);
#else
  constexpr double turn = 6.283185307179586476925;
  const double angle = turn * static_cast<double>(turns);
  sine = static_cast<float>(std::sin(angle));
  cosine = static_cast<float>(std::cos(angle));
#endif
}

/// The upper half of a 64 x 64 bit product.
__device__ inline std::uint64_t multiply_high(std::uint64_t a, std::uint64_t b) {
#ifdef __CUDACC__
  return __umul64hi(a, b);
#else
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((Wide{a} * b) >> 64);
#endif
}

}  // namespace
}  // namespace tinygan::cuda
