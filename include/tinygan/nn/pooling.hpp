// MaxPool2D, AveragePool2D and UpSample2D.
#pragma once

#include <tinygan/nn/layer.hpp>
#include <tinygan/ops/pooling.hpp>

namespace tinygan::nn {

namespace detail {

inline ops::PoolOptions square_pool(index_t window, index_t stride, Padding padding) {
  return {window, window, stride, stride, padding};
}

}  // namespace detail

/// y(N,P,Q,C) = max over square windows; a stride of 0 means the window's size.
template <class T = float>
class MaxPool2D : public Layer<T> {
 public:
  explicit MaxPool2D(index_t window = 2, index_t stride = 0, Padding padding = Padding::valid());
  Variable<T> forward(const Variable<T>& x, const Pass&) override { return ops::max_pool2d(x, options_); }
  Shape output_shape(const Shape& x) const override;
  std::string type() const override { return "max_pool2d"; }

 private:
  ops::PoolOptions options_;
};

template <class T>
MaxPool2D<T>::MaxPool2D(index_t window, index_t stride, Padding padding)
    : options_(detail::square_pool(window, stride == 0 ? window : stride, padding)) {}

template <class T>
Shape MaxPool2D<T>::output_shape(const Shape& x) const {
  const PoolDims d = ops::pool_dims("max_pool2d", x, options_);
  return {d.N, d.P, d.Q, d.C};
}

/// y(N,P,Q,C) = mean over square windows, cells outside x not counted; a stride of 0 means the window's size.
template <class T = float>
class AveragePool2D : public Layer<T> {
 public:
  explicit AveragePool2D(index_t window = 2, index_t stride = 0, Padding padding = Padding::valid());
  Variable<T> forward(const Variable<T>& x, const Pass&) override { return ops::average_pool2d(x, options_); }
  Shape output_shape(const Shape& x) const override;
  std::string type() const override { return "average_pool2d"; }

 private:
  ops::PoolOptions options_;
};

template <class T>
AveragePool2D<T>::AveragePool2D(index_t window, index_t stride, Padding padding)
    : options_(detail::square_pool(window, stride == 0 ? window : stride, padding)) {}

template <class T>
Shape AveragePool2D<T>::output_shape(const Shape& x) const {
  const PoolDims d = ops::pool_dims("average_pool2d", x, options_);
  return {d.N, d.P, d.Q, d.C};
}

/// y(N, scale H, scale W, C): every pixel of x repeated.
template <class T = float>
class UpSample2D : public Layer<T> {
 public:
  explicit UpSample2D(index_t scale = 2);
  Variable<T> forward(const Variable<T>& x, const Pass&) override { return ops::upsample2d(x, scale_, scale_); }
  Shape output_shape(const Shape& x) const override;
  std::string type() const override { return "upsample2d"; }

 private:
  index_t scale_;
};

template <class T>
UpSample2D<T>::UpSample2D(index_t scale) : scale_(scale) {
  check(scale >= 1, "upsample2d", "scale ", scale, ", expected at least 1");
}

template <class T>
Shape UpSample2D<T>::output_shape(const Shape& x) const {
  check(x.rank() == 4, "upsample2d", "input ", x, " has rank ", x.rank(), ", expected 4 (N,H,W,C)");
  return {x[0], x[1] * scale_, x[2] * scale_, x[3]};
}

}  // namespace tinygan::nn
