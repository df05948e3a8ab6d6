// Problems of the pooling kernels.
#pragma once

#include <tinygan/base/shape.hpp>

namespace tinygan {

/// x(N,H,W,C) to y(N,P,Q,C) by windows; cells outside x are ignored.
struct PoolDims {
  index_t N = 0, H = 0, W = 0, C = 0, P = 0, Q = 0;
  index_t window_h = 1, window_w = 1, stride_h = 1, stride_w = 1, pad_top = 0, pad_left = 0;
};

}  // namespace tinygan
