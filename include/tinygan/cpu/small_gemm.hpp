// Matrix products of a few elements, as of a network with a handful of units: in place, by plain loops on the calling
// thread. Planning, packing and memory for it take a microsecond, which is longer than the product.
#pragma once

#include <tinygan/cpu/epilogue.hpp>
#include <tinygan/cpu/gemm.hpp>

namespace tinygan::cpu {

namespace detail {

inline bool is_small(const GemmDims& d) {
  constexpr index_t most = GemmPolicy::small_product;
  return d.M <= most && d.N <= most && d.K <= most && d.M * d.N <= most && d.M * d.N * d.K <= most;
}

}  // namespace detail

/// c(M,N) = epilogue(op(a)(M,K) op(b)(K,N)), summed in the order of K.
template <class T>
void small_gemm(const GemmDims& d, const Epilogue<T>& epilogue, const T* a, const T* b, T* c) {
  const index_t a_row = d.trans_a ? 1 : d.K, a_step = d.trans_a ? d.M : 1;
  const index_t b_column = d.trans_b ? d.K : 1, b_step = d.trans_b ? 1 : d.N, start = 0;
  for (index_t m = 0; m < d.M; ++m) {
    T* const row = c + m * d.N;
    for (index_t n = 0; n < d.N; ++n) {
      T sum = 0;
      for (index_t k = 0; k < d.K; ++k) sum += a[m * a_row + k * a_step] * b[k * b_step + n * b_column];
      row[n] = sum;
    }
    finish_rows(epilogue, 0, row, &start, 1, d.N);
  }
}

/// The product by small_gemm or gemm.
template <class T>
void any_gemm(const GemmDims& d, const Epilogue<T>& epilogue, const T* a, const T* b, T* c, Workspace& workspace,
              Stream stream) {
  if (detail::is_small(d)) return small_gemm(d, epilogue, a, b, c);
  gemm(d, epilogue, a, b, c, workspace, stream);
}

}  // namespace tinygan::cpu
