// Pooling and nearest-neighbour upsampling of x(N,H,W,C).
#pragma once

#include <cstdint>
#include <limits>

#include <tinygan/ops/pointwise.hpp>

namespace tinygan::ops {

/// Window, stride and padding of pooling.
struct PoolOptions {
  index_t window_h = 2, window_w = 2;
  index_t stride_h = 2, stride_w = 2;
  Padding padding = Padding::valid();
};

/// The pooling of x(N,H,W,C). Throws Error on a wrong rank, window, stride or padding.
inline PoolDims pool_dims(const char* op, const Shape& x, const PoolOptions& o) {
  check(x.rank() == 4, op, "input ", x, " has rank ", x.rank(), ", expected 4 (N,H,W,C)");
  check(o.window_h >= 1 && o.window_w >= 1, op, "window ", o.window_h, "x", o.window_w, ", expected at least 1x1");
  const Padding& p = o.padding;
  tinygan::detail::check_conv_options(op, {o.stride_h, o.stride_w, p});
  check(p.top < o.window_h && p.bottom < o.window_h && p.left < o.window_w && p.right < o.window_w, op,
        "padding is not smaller than the window ", o.window_h, "x", o.window_w);
  const auto rows = tinygan::detail::conv_axis(op, x[1], o.window_h, o.stride_h, 1, p.kind, p.top, p.bottom);
  const auto cols = tinygan::detail::conv_axis(op, x[2], o.window_w, o.stride_w, 1, p.kind, p.left, p.right);
  return {x[0],       x[1],       x[2],       x[3],       rows.out, cols.out,
          o.window_h, o.window_w, o.stride_h, o.stride_w, rows.pad, cols.pad};
}

namespace detail {

/// Which cell each output took: what gather and scatter share.
struct PoolIndex {
  PoolDims d;
  Tensor<std::int32_t> index;
};

template <class T>
Variable<T> pool_scatter(const Variable<T>& g, const PoolIndex& p);

template <class T>
Variable<T> pool_gather(const Variable<T>& x, const PoolIndex& p) {
  Tensor<T> y({p.d.N, p.d.P, p.d.Q, p.d.C}, x.device());
  kernels<T>(x.device()).pool_gather(p.d, x.value().data(), p.index.data(), y.data(), Stream{});
  return record<T>("pool_gather", y, {x}, [p](const Backward<T>& c) { return std::vector{pool_scatter(c.g, p)}; });
}

template <class T>
Variable<T> pool_scatter(const Variable<T>& g, const PoolIndex& p) {
  Tensor<T> dx({p.d.N, p.d.H, p.d.W, p.d.C}, g.device());
  kernels<T>(g.device()).pool_scatter(p.d, g.value().data(), p.index.data(), dx.data(), Stream{});
  return record<T>("pool_scatter", dx, {g}, [p](const Backward<T>& c) { return std::vector{pool_gather(c.g, p)}; });
}

template <class T>
Variable<T> sum_pool2d_grad(const Variable<T>& g, const PoolDims& d, double scale);

template <class T>
Variable<T> sum_pool2d(const Variable<T>& x, const PoolDims& d, double scale) {
  Tensor<T> y({d.N, d.P, d.Q, d.C}, x.device());
  kernels<T>(x.device()).sum_pool2d(d, kernel_scalar<T>(scale), x.value().data(), y.data(), Stream{});
  return record<T>("sum_pool2d", y, {x},
                   [d, scale](const Backward<T>& c) { return std::vector{sum_pool2d_grad(c.g, d, scale)}; });
}

template <class T>
Variable<T> sum_pool2d_grad(const Variable<T>& g, const PoolDims& d, double scale) {
  Tensor<T> dx({d.N, d.H, d.W, d.C}, g.device());
  kernels<T>(g.device()).sum_pool2d_grad(d, kernel_scalar<T>(scale), g.value().data(), dx.data(), Stream{});
  return record<T>("sum_pool2d_grad", dx, {g},
                   [d, scale](const Backward<T>& c) { return std::vector{sum_pool2d(c.g, d, scale)}; });
}

/// The number of cells inside the image of each window, (1,P,Q,1): windows at a padded border hold fewer.
template <class T>
Tensor<T> window_cells(PoolDims d, Device device) {
  d.N = d.C = 1;
  const Tensor<T> ones = Tensor<T>::full({1, d.H, d.W, 1}, T(1), device);
  Tensor<T> count({1, d.P, d.Q, 1}, device);
  kernels<T>(device).sum_pool2d(d, 1, ones.data(), count.data(), Stream{});
  return count;
}

}  // namespace detail

/// y(N,P,Q,C) = max over each window; the gradient goes to the first maximum. Throws Error like pool_dims.
template <class T>
Variable<T> max_pool2d(const Variable<T>& x, const PoolOptions& options) {
  detail::check_input("max_pool2d", "input", x);
  const PoolDims d = pool_dims("max_pool2d", x.shape(), options);
  check(d.H * d.W <= std::numeric_limits<std::int32_t>::max(), "max_pool2d", "input ", x.shape(),
        " has more than 2^31 - 1 pixels in an image");
  const detail::PoolIndex p{d, Tensor<std::int32_t>({d.N, d.P, d.Q, d.C}, x.device())};
  Tensor<T> y({d.N, d.P, d.Q, d.C}, x.device());
  kernels<T>(x.device()).max_pool2d(d, x.value().data(), y.data(), p.index.data(), Stream{});
  return record<T>("max_pool2d", y, {x},
                   [p](const Backward<T>& c) { return std::vector{detail::pool_scatter(c.g, p)}; });
}

/// y(N,P,Q,C) = mean over the cells of each window that lie inside x. Throws Error like pool_dims.
template <class T>
Variable<T> average_pool2d(const Variable<T>& x, const PoolOptions& options) {
  detail::check_input("average_pool2d", "input", x);
  const PoolDims d = pool_dims("average_pool2d", x.shape(), options);
  const bool padded = (d.P - 1) * d.stride_h + d.window_h - d.pad_top > d.H || d.pad_top > 0 ||
                      (d.Q - 1) * d.stride_w + d.window_w - d.pad_left > d.W || d.pad_left > 0;
  if (!padded) return detail::sum_pool2d(x, d, 1 / static_cast<double>(d.window_h * d.window_w));
  return detail::sum_pool2d(x, d, 1) / Variable<T>(detail::window_cells<T>(d, x.device()));
}

/// y(N, H*scale_h, W*scale_w, C): every pixel repeated. Throws Error on a wrong rank or a scale below 1.
template <class T>
Variable<T> upsample2d(const Variable<T>& x, index_t scale_h, index_t scale_w) {
  detail::check_input("upsample2d", "input", x);
  check(x.rank() == 4, "upsample2d", "input ", x.shape(), " has rank ", x.rank(), ", expected 4 (N,H,W,C)");
  check(scale_h >= 1 && scale_w >= 1, "upsample2d", "scale ", scale_h, "x", scale_w, ", expected at least 1x1");
  const Shape& s = x.shape();
  tinygan::detail::product("upsample2d", {s[0], s[1], scale_h, s[2], scale_w, s[3]});
  const PoolDims d{s[0], s[1] * scale_h, s[2] * scale_w, s[3], s[1], s[2], scale_h, scale_w, scale_h, scale_w, 0, 0};
  return detail::sum_pool2d_grad(x, d, 1);
}

}  // namespace tinygan::ops
