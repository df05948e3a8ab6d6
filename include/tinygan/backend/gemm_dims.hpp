// The problem of one matrix product.
#pragma once

#include <tinygan/base/shape.hpp>

namespace tinygan {

/// C(M,N) = op(A)(M,K) op(B)(K,N), all row-major; op transposes where asked: A is then stored (K,M), B (N,K).
struct GemmDims {
  index_t M = 0, N = 0, K = 0;
  bool trans_a = false, trans_b = false;

  friend bool operator==(const GemmDims&, const GemmDims&) = default;
};

}  // namespace tinygan
