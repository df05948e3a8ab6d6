// What is computed and compared: one matrix product or one partial of a convolution, with its operands on the host.
#pragma once

#include <tinygan/backend/conv_dims.hpp>
#include <tinygan/backend/gemm_dims.hpp>
#include <tinygan/base/precision.hpp>

namespace tinygan::bench::gpu {

/// c = a b, or with `bias` relu(a b + bias). Operands are the host's.
struct GemmProblem {
  GemmDims dims;
  Precision precision;
  const float *a, *b, *bias = nullptr;
};

/// One partial of a convolution, or with `bias` relu(it + bias). `first` and `second` are its inputs in the order of
/// the contract: x w, g w or x g.
struct ConvProblem {
  ConvDims dims;
  ConvSlot output;
  Precision precision;
  const float *first, *second, *bias = nullptr;
};

inline index_t output_size(const GemmDims& d) { return d.M * d.N; }
inline index_t output_size(const ConvDims& d, ConvSlot output) {
  return (output == ConvSlot::g ? d.y_shape() : output == ConvSlot::x ? d.x_shape() : d.w_shape()).size();
}
inline index_t first_size(const ConvDims& d, ConvSlot output) {
  return (output == ConvSlot::x ? d.y_shape() : d.x_shape()).size();
}
inline index_t second_size(const ConvDims& d, ConvSlot output) {
  return (output == ConvSlot::w ? d.y_shape() : d.w_shape()).size();
}

}  // namespace tinygan::bench::gpu
