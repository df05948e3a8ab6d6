// Matrix-vector products and outer products: the matrix products that are bound by memory, not by arithmetic.
//
//   gemv_dots:  y[m] = sum_k a[m*K + k] v[k]     every row of `a` is contiguous: dot products, 4 rows at a time
//   gemv_sums:  y[m] = sum_k a[k*M + m] v[k]     every column is: sums of scaled rows, 4 vectors of m at a time
//   outer:      c[m][n] = u[m] v[n]
//
// Cost:         a is read once; 2 FLOPs per element.
// Determinism:  a dot product is summed lane by lane in the order of k, then over the lanes in a fixed order.
#pragma once

#include <tinygan/cpu/epilogue.hpp>
#include <tinygan/cpu/map.hpp>

namespace tinygan::cpu {

namespace detail {

/// y[i] = <a + i*stride, v>, i < rows <= 4; missing rows are read as the first one.
template <class T, class Arch>
TINYGAN_INLINE void dots(const T* a, index_t stride, const T* v, index_t K, int rows, T* y) {
  constexpr index_t W = lanes<T, Arch>;
  const T* row[4];
  for (int i = 0; i < 4; ++i) row[i] = a + (i < rows ? i * stride : 0);
  Vec<T, Arch> acc[4][2] = {};
  index_t k = 0;
  for (; k + 2 * W <= K; k += 2 * W)
#pragma GCC unroll 2
    for (int u = 0; u < 2; ++u) {
      const Vec<T, Arch> x = *vec<T, Arch>(v + k + u * W);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) acc[i][u] += *vec<T, Arch>(row[i] + k + u * W) * x;
    }
  T sums[4][W];
  for (int i = 0; i < 4; ++i) *vec<T, Arch>(sums[i]) = acc[i][0] + acc[i][1];
#pragma GCC unroll 1
  for (int i = 0; i < rows; ++i) {
    T total = 0;
#pragma GCC unroll 1
    for (index_t lane = 0; lane < W; ++lane) total += sums[i][lane];
    for (index_t rest = k; rest < K; ++rest) total += row[i][rest] * v[rest];
    y[i] = total;
  }
}

/// y[0..Vectors*W) += columns of K rows, `stride` apart.
template <class T, class Arch, int Vectors>
TINYGAN_INLINE void sums(const T* a, index_t stride, const T* v, index_t K, T* y) {
  constexpr index_t W = lanes<T, Arch>;
  Vec<T, Arch> acc[Vectors] = {};
  for (index_t k = 0; k < K; ++k)
#pragma GCC unroll 8
    for (int j = 0; j < Vectors; ++j) acc[j] += *vec<T, Arch>(a + k * stride + j * W) * v[k];
  for (int j = 0; j < Vectors; ++j) *vec<T, Arch>(y + j * W) = acc[j];
}

}  // namespace detail

/// y(M) = a(M,K) v(K), a row-major.
template <class T>
void gemv_dots(index_t M, index_t K, const T* a, const T* v, T* y) {
  constexpr index_t rows = 4;
  const index_t grain = std::max<index_t>(rows, (16384 / K + rows - 1) / rows * rows);
  parallel_for(M, grain, [&](index_t begin, index_t end) {
    dispatch_for<T>([&]<class Arch>(Arch) TINYGAN_INLINE_LAMBDA {
      for (index_t m = begin; m < end; m += rows)
        detail::dots<T, Arch>(a + m * K, K, v, K, static_cast<int>(std::min(rows, end - m)), y + m);
    });
  });
}

/// y(M) = a^T v(K), a(K,M) row-major.
template <class T>
void gemv_sums(index_t M, index_t K, const T* a, const T* v, T* y) {
  // Whole cache lines, a microsecond's work at least, for eight threads where there are columns enough.
  constexpr index_t unit = 64, most = 512, chunks = 8, least_terms = 8192;
  const index_t wanted = std::max((M + chunks - 1) / chunks, least_terms / K);
  parallel_for(M, std::clamp((wanted + unit - 1) / unit * unit, unit, most), [&](index_t begin, index_t end) {
    dispatch_for<T>([&]<class Arch>(Arch) TINYGAN_INLINE_LAMBDA {
      constexpr index_t W = lanes<T, Arch>;
      index_t m = begin;
      for (; m + 8 * W <= end; m += 8 * W) detail::sums<T, Arch, 8>(a + m, M, v, K, y + m);
      for (; m + W <= end; m += W) detail::sums<T, Arch, 1>(a + m, M, v, K, y + m);
      for (; m < end; ++m) {
        T sum = 0;
#pragma GCC unroll 1
        for (index_t k = 0; k < K; ++k) sum += a[k * M + m] * v[k];
        y[m] = sum;
      }
    });
  });
}

/// c(M,N) = epilogue(u(M) v(N)).
template <class T>
void outer(index_t M, index_t N, const Epilogue<T>& epilogue, const T* u, const T* v, T* c) {
  const index_t grain = std::max<index_t>(1, 16384 / N);
  parallel_for(M, grain, [&](index_t begin, index_t end) {
    dispatch_for<T>([&]<class Arch>(Arch) TINYGAN_INLINE_LAMBDA {
      constexpr index_t W = lanes<T, Arch>;
      for (index_t m = begin; m < end; ++m) {
        index_t n = 0;
        for (; n + W <= N; n += W) *vec<T, Arch>(c + m * N + n) = *vec<T, Arch>(v + n) * u[m];
        for (; n < N; ++n) c[m * N + n] = v[n] * u[m];
      }
    });
    const index_t row = 0;
    for (index_t m = begin; m < end; ++m) finish_rows(epilogue, 0, c + m * N, &row, 1, N);
  });
}

}  // namespace tinygan::cpu
