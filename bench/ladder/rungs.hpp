// The rungs of the ladder for a host program: compiled by nvcc in rungs.cu.
#pragma once

#include <span>

#include <tinygan/backend/conv_dims.hpp>
#include <tinygan/base/precision.hpp>
#include <tinygan/base/stream.hpp>

namespace tinygan::bench {

struct LadderRung {
  const char* name;
  Precision precision;
  void (*run)(const ConvDims&, const float* x, const float* w, float* y, Stream);
};

std::span<const LadderRung> ladder_rungs();

}  // namespace tinygan::bench
