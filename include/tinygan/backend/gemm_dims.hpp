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

namespace detail {

/// Throws Error on an extent below 1 and on a matrix of more than max_elements.
inline void check_dims(const char* op, const GemmDims& d) {
  check(d.M >= 1 && d.N >= 1 && d.K >= 1, op, "extents M ", d.M, ", N ", d.N, ", K ", d.K, ", expected at least 1");
  product(op, {d.M, d.K});
  product(op, {d.K, d.N});
  product(op, {d.M, d.N});
}

}  // namespace detail

}  // namespace tinygan
