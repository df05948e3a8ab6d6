// All rungs, from naive to fast, as one list.
#pragma once

#include <tinygan/base/precision.hpp>

#include "rung1_naive.cuh"
#include "rung2_taps.cuh"
#include "rung3_shared.cuh"
#include "rung4_registers.cuh"
#include "rung5_packs.cuh"
#include "rung6_tf32.cuh"
#include "rung7_bf16.cuh"

namespace tinygan::cuda {
namespace {

struct Rung {
  const char* name;
  Precision precision;
  void (*run)(const ConvDims&, const float* x, const float* w, float* y, Stream);
};

inline constexpr Rung ladder[] = {
    {"1 naive", Precision::fp32, &ladder_naive},
    {"2 taps", Precision::fp32, &ladder_taps},
    {"3 shared memory", Precision::fp32, &ladder_shared},
    {"4 registers", Precision::fp32, &ladder_registers},
    {"5 packs, two buffers", Precision::fp32, &ladder_packs},
    {"6 TF32", Precision::tf32, &ladder_tf32},
    {"7 bfloat16", Precision::bf16, &ladder_bf16},
};

}  // namespace
}  // namespace tinygan::cuda
