// Problems of the normalisation and softmax kernels.
#pragma once

#include <tinygan/backend/activation.hpp>
#include <tinygan/base/shape.hpp>

namespace tinygan {

/// x(rows, channels): batch norm takes its statistics over rows, layer norm over channels.
struct NormDims {
  index_t rows = 0, channels = 0;
};

/// The epilogue of a normalisation: activation(gamma*xhat + beta).
template <class T>
struct NormOptions {
  wide_t<T> epsilon = wide_t<T>(1e-3);
  KernelActivation<T> activation = {};
};

}  // namespace tinygan
