// bfloat16 and TF32: rounding on the way into tensor cores.
//
// TF32 is a float of which only 10 mantissa bits count. Source: PTX ISA, cvt.rn.tf32.f32 and cvt.rna.tf32.f32.
#pragma once

#include <bit>
#include <cstdint>

#include <tinygan/backend/bfloat16.hpp>

#include "../launch.cuh"

namespace tinygan::cuda {
namespace {

inline constexpr std::uint32_t tf32_dropped_bits = 0x1fff;

/// x rounded to the nearest TF32, as a float. Ties go to the even neighbour from sm_90 on, where that is one
/// instruction, elsewhere away from zero.
__device__ inline float round_tf32(float x) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  std::uint32_t bits;
  asm("cvt.rn.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
  return __uint_as_float(bits);
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  std::uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
  return __uint_as_float(bits);
#else
  auto bits = std::bit_cast<std::uint32_t>(x);
  if ((bits & 0x7f800000u) != 0x7f800000u) bits += (tf32_dropped_bits + 1) / 2;  // infinity and NaN stay
  return std::bit_cast<float>(bits & ~tf32_dropped_bits);
#endif
}

/// Two bfloat16 in a register, the first in the lower half: what mma.sync and ldmatrix move.
using Bf16x2 = std::uint32_t;

/// x rounded to the nearest bfloat16, ties to even.
__device__ inline bfloat16 round_bf16(float x) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  bfloat16 r;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(r.bits) : "f"(x));
  return r;
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  Bf16x2 both;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(0.0f), "f"(x));
  bfloat16 r;
  r.bits = static_cast<std::uint16_t>(both);
  return r;
#else
  return bfloat16(x);
#endif
}

/// Both rounded to nearest even.
__device__ inline Bf16x2 pack_bf16(float low, float high) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  Bf16x2 both;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
  return both;
#else
  return bfloat16(low).bits | static_cast<std::uint32_t>(bfloat16(high).bits) << 16;
#endif
}

__device__ inline float low_bf16(Bf16x2 both) { return std::bit_cast<float>(both << 16); }
__device__ inline float high_bf16(Bf16x2 both) { return std::bit_cast<float>(both & 0xffff0000u); }

}  // namespace
}  // namespace tinygan::cuda
