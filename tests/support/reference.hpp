// Naive double references of matrix product and convolution, straight from the defining formulas: the oracles of the
// tests. Each also returns, per element, the same sum of absolute values: the |a||b| of an error bound.
#pragma once

#include <cmath>
#include <vector>

#include <tinygan/backend/activation.hpp>
#include <tinygan/backend/conv_dims.hpp>
#include <tinygan/backend/gemm_dims.hpp>

#include "support/activations.hpp"

namespace tinygan::test {

/// A result, the sum of the absolute values of its terms, and their number at most.
struct Reference {
  std::vector<double> value, magnitude;
  double terms = 0;

  explicit Reference(index_t size)
      : value(static_cast<std::size_t>(size), 0.0), magnitude(static_cast<std::size_t>(size), 0.0) {}
  void add(index_t at, double term) {
    value[static_cast<std::size_t>(at)] += term;
    magnitude[static_cast<std::size_t>(at)] += std::fabs(term);
  }
};

/// op(a)(M,K) op(b)(K,N).
template <class T>
Reference reference_gemm(const GemmDims& d, const T* a, const T* b) {
  Reference c(d.M * d.N);
  c.terms = static_cast<double>(d.K);
  for (index_t m = 0; m < d.M; ++m)
    for (index_t n = 0; n < d.N; ++n)
      for (index_t k = 0; k < d.K; ++k)
        c.add(m * d.N + n, static_cast<double>(d.trans_a ? a[k * d.M + m] : a[m * d.K + k]) *
                               static_cast<double>(d.trans_b ? b[n * d.K + k] : b[k * d.N + n]));
  return c;
}

/// f(n, p, q, r, s, x offset, w offset, g offset) for every multiply-add of the trilinear form, channels included.
template <class F>
void for_each_product(const ConvDims& d, F&& f) {
  for (index_t n = 0; n < d.N; ++n)
    for (index_t p = 0; p < d.P; ++p)
      for (index_t q = 0; q < d.Q; ++q)
        for (index_t r = 0; r < d.R; ++r)
          for (index_t s = 0; s < d.S; ++s) {
            const index_t h = p * d.stride_h + r * d.dilation_h - d.pad_top;
            const index_t w = q * d.stride_w + s * d.dilation_w - d.pad_left;
            if (h < 0 || h >= d.H || w < 0 || w >= d.W) continue;
            for (index_t c = 0; c < d.C; ++c)
              for (index_t k = 0; k < d.K; ++k)
                f(((n * d.H + h) * d.W + w) * d.C + c, ((r * d.S + s) * d.C + c) * d.K + k,
                  ((n * d.P + p) * d.Q + q) * d.K + k);
          }
}

template <class T>
Reference reference_conv2d(const ConvDims& d, const T* x, const T* w) {
  Reference y(d.N * d.P * d.Q * d.K);
  y.terms = static_cast<double>(d.R * d.S * d.C);
  for_each_product(
      d, [&](index_t i, index_t j, index_t k) { y.add(k, static_cast<double>(x[i]) * static_cast<double>(w[j])); });
  return y;
}

template <class T>
Reference reference_conv2d_input_grad(const ConvDims& d, const T* g, const T* w) {
  Reference dx(d.N * d.H * d.W * d.C);
  dx.terms = static_cast<double>(d.R * d.S * d.K);
  for_each_product(
      d, [&](index_t i, index_t j, index_t k) { dx.add(i, static_cast<double>(g[k]) * static_cast<double>(w[j])); });
  return dx;
}

template <class T>
Reference reference_conv2d_weight_grad(const ConvDims& d, const T* x, const T* g) {
  Reference dw(d.R * d.S * d.C * d.K);
  dw.terms = static_cast<double>(d.N * d.P * d.Q);
  for_each_product(
      d, [&](index_t i, index_t j, index_t k) { dw.add(j, static_cast<double>(x[i]) * static_cast<double>(g[k])); });
  return dw;
}

/// activation(r + bias[c]), c the innermost of `channels`. Every activation has slope at most max(1, slope).
template <class T>
void reference_epilogue(const Epilogue<T>& e, index_t channels, Reference& r) {
  for (std::size_t i = 0; i < r.value.size(); ++i) {
    double& v = r.value[i];
    if (e.bias) {
      const double bias = static_cast<double>(e.bias[static_cast<index_t>(i) % channels]);
      v += bias;
      r.magnitude[i] += std::fabs(bias);
    }
    v = activate(e.activation, v);
  }
}

}  // namespace tinygan::test
