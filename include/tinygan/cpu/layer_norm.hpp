// Layer normalisation over the columns of x(rows, channels), and its gradients.
//
// One row at a time, which stays in cache over the passes it takes. The sums of dgamma and dbeta run over blocks of 256
// rows and are then added in double and in order, hence the same bits at any thread count. Statistics by sums shifted
// by the row's first element. Passes over memory: forward 1 read, 1 write; backward 2 reads, 1 write.
// Source: Ba, Kiros, Hinton, "Layer Normalization", 2016.
#pragma once

#include <cstddef>

#include <tinygan/cpu/norm_rows.hpp>

namespace tinygan::cpu {

namespace detail {

inline constexpr index_t layer_norm_block = 256;  // rows

/// sum of w - w0 and sum of (w - w0) (x - x0).
template <class T>
void row_sums(index_t n, const T* w, T w0, const T* x, T x0, double& sum, double& product) {
  dispatch_for<T>([&](auto isa) TINYGAN_INLINE_LAMBDA {
    using Arch = decltype(isa);
    using V = Vec<T, Arch>;
    constexpr index_t L = lanes<T, Arch>;
    V s0 = {}, s1 = {}, p0 = {}, p1 = {};
    index_t i = 0;
    for (; i + 2 * L <= n; i += 2 * L) {
      const V a = *vec<T, Arch>(w + i) - w0, b = *vec<T, Arch>(w + i + L) - w0;
      s0 += a;
      s1 += b;
      p0 += a * (*vec<T, Arch>(x + i) - x0);
      p1 += b * (*vec<T, Arch>(x + i + L) - x0);
    }
    s0 += s1;
    p0 += p1;
    sum = product = 0;
    for (int k = 0; k < L; ++k) {
      sum += static_cast<double>(s0[k]);
      product += static_cast<double>(p0[k]);
    }
    for (; i < n; ++i) {
      sum += static_cast<double>(w[i] - w0);
      product += static_cast<double>((w[i] - w0) * (x[i] - x0));
    }
  });
}

/// y = f(gamma (x - mean) rstd + beta) for one row, f by its negative slope.
template <class T>
void layer_norm_row(index_t n, T slope, const T* x, T mean, T rstd, const T* gamma, const T* beta, T* y) {
  map<T>(n, {y}, {x, gamma, beta}, [=](auto isa, const auto& a, auto& b) TINYGAN_INLINE_LAMBDA {
    using V = Vec<T, decltype(isa)>;
    const V z = (a[0] - mean) * rstd * a[1] + a[2];
    b[0] = z > V{} ? z : slope * z;
  });
}

/// With xhat = (x - mean) rstd and h = g f'(gamma xhat + beta): gh = gamma h, dgamma += h xhat, dbeta += h.
template <class T>
void layer_norm_cotangents(index_t n, T slope, const T* x, T mean, T rstd, const T* gamma, const T* beta, const T* g,
                           T* gh, T* dgamma, T* dbeta) {
  map<T>(n, {gh, dgamma, dbeta}, {x, gamma, beta, g, dgamma, dbeta},
         [=](auto isa, const auto& a, auto& b) TINYGAN_INLINE_LAMBDA {
           using V = Vec<T, decltype(isa)>;
           const V xhat = (a[0] - mean) * rstd;
           const V z = xhat * a[1] + a[2];
           const V h = z > V{} ? a[3] : slope * a[3];
           b[0] = h * a[1];
           b[1] = a[4] + h * xhat;
           b[2] = a[5] + h;
         });
}

/// y = scale y - offset - tilt (x - mean).
template <class T>
void layer_norm_centre(index_t n, T scale, T offset, T tilt, const T* x, T mean, T* y) {
  map<T>(n, {y}, {y, x}, [=](auto, const auto& a, auto& b) TINYGAN_INLINE_LAMBDA {
    b[0] = scale * a[0] - offset - tilt * (a[1] - mean);
  });
}

}  // namespace detail

template <class T>
void layer_norm(const NormDims& d, const NormOptions<T>& o, const T* x, const T* gamma, const T* beta, T* y, T* mean,
                T* rstd, Stream) {
  const index_t n = d.channels;
  const T slope = negative_slope(o.activation);
  parallel_for(d.rows, chunk_rows(n), [&](index_t begin, index_t end) {
    for (index_t r = begin; r < end; ++r) {
      const T* row = x + r * n;
      double sum, squares;
      detail::row_sums(n, row, row[0], row, row[0], sum, squares);
      const double share = 1 / static_cast<double>(n), shifted_mean = sum * share;
      const double variance = std::max(0.0, squares * share - shifted_mean * shifted_mean);
      mean[r] = static_cast<T>(static_cast<double>(row[0]) + shifted_mean);
      rstd[r] = static_cast<T>(1 / __builtin_sqrt(variance + static_cast<double>(o.epsilon)));
      detail::layer_norm_row(n, slope, row, mean[r], rstd[r], gamma, beta, y + r * n);
      if (is_smooth(o.activation.kind)) detail::smooth_row(o.activation.kind, n, y + r * n);
    }
  });
}

template <class T>
void layer_norm_backward(const NormDims& d, const NormOptions<T>& o, const T* x, const T* mean, const T* rstd,
                         const T* gamma, const T* beta, const T* g, T* dx, T* dgamma, T* dbeta, Workspace& workspace,
                         Stream) {
  const index_t n = d.channels, block_rows = detail::layer_norm_block;
  const index_t blocks = (d.rows + block_rows - 1) / block_rows;
  const T slope = negative_slope(o.activation);
  auto* partial = workspace.allocate<T>("layer_norm_backward", {2 * blocks * n});  // (blocks, 2, channels)
  parallel_for(blocks, chunk_rows(block_rows * n), [&](index_t begin, index_t end) {
    for (index_t b = begin; b < end; ++b) {
      T *block_dgamma = partial + 2 * n * b, *block_dbeta = block_dgamma + n;
      std::fill_n(block_dgamma, 2 * n, T(0));
      for (index_t r = b * block_rows; r < std::min(d.rows, (b + 1) * block_rows); ++r) {
        const T *row = x + r * n, *cotangent = g + r * n;
        T* out = dx + r * n;
        if (is_smooth(o.activation.kind)) {
          constexpr index_t chunk = 1024;
          T z[chunk];
          for (index_t i = 0; i < n; i += chunk) {
            const index_t count = std::min(chunk, n - i);
            detail::layer_norm_row(count, T(1), row + i, mean[r], rstd[r], gamma + i, beta + i, z);
            detail::smooth_grad_row(o.activation.kind, count, z, cotangent + i, out + i);
          }
          cotangent = out;
        }
        detail::layer_norm_cotangents(n, slope, row, mean[r], rstd[r], gamma, beta, cotangent, out, block_dgamma,
                                      block_dbeta);
        double sum, product;
        detail::row_sums(n, static_cast<const T*>(out), T(0), row, mean[r], sum, product);
        const auto scale = static_cast<double>(rstd[r]), share = scale / static_cast<double>(n);
        detail::layer_norm_centre(n, rstd[r], static_cast<T>(sum * share),
                                  static_cast<T>(product * share * scale * scale), row, mean[r], out);
      }
    }
  });
  parallel_for(n, chunk_rows(2 * blocks), [&](index_t begin, index_t end) {
    for (index_t c = begin; c < end; ++c) {
      double gamma_sum = 0, beta_sum = 0;
      for (index_t b = 0; b < blocks; ++b) {
        gamma_sum += static_cast<double>(partial[2 * n * b + c]);
        beta_sum += static_cast<double>(partial[2 * n * b + n + c]);
      }
      dgamma[c] = static_cast<T>(gamma_sum);
      dbeta[c] = static_cast<T>(beta_sum);
    }
  });
}

}  // namespace tinygan::cpu
