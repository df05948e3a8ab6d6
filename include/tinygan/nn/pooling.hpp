// MaxPool2D, AveragePool2D and UpSample2D.
#pragma once

#include <tinygan/nn/layer.hpp>
#include <tinygan/ops/pooling.hpp>

namespace tinygan::nn {

namespace detail {

inline ops::PoolOptions square_pool(index_t window, index_t stride, Padding padding) {
  return {window, window, stride, stride, padding};
}

/// The attributes of ONNX' MaxPool and AveragePool.
inline std::vector<OnnxAttribute> onnx_pool_attributes(const PoolDims& d) {
  return {{"kernel_shape", OnnxInts{d.window_h, d.window_w}},
          {"strides", OnnxInts{d.stride_h, d.stride_w}},
          {"pads", OnnxInts{d.pad_top, d.pad_left, onnx_pad_end(d.H, d.P, d.window_h, d.stride_h, d.pad_top),
                            onnx_pad_end(d.W, d.Q, d.window_w, d.stride_w, d.pad_left)}}};
}

}  // namespace detail

/// y(N,P,Q,C) = max over square windows; a stride of 0 means the window's size.
template <class T = float>
class MaxPool2D : public Layer<T> {
 public:
  explicit MaxPool2D(index_t window = 2, index_t stride = 0, Padding padding = Padding::valid());
  Variable<T> forward(const Variable<T>& x, const Pass&) override { return ops::max_pool2d(x, options_); }
  Shape output_shape(const Shape& x) const override;
  OnnxValue export_to(OnnxGraph& graph, const OnnxValue& x) const override;
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

template <class T>
OnnxValue MaxPool2D<T>::export_to(OnnxGraph& graph, const OnnxValue& x) const {
  const PoolDims d = ops::pool_dims("max_pool2d", x.shape, options_);
  return {graph.add("MaxPool", {x.name}, detail::onnx_pool_attributes(d)), output_shape(x.shape)};
}

/// y(N,P,Q,C) = mean over square windows, cells outside x not counted; a stride of 0 means the window's size.
template <class T = float>
class AveragePool2D : public Layer<T> {
 public:
  explicit AveragePool2D(index_t window = 2, index_t stride = 0, Padding padding = Padding::valid());
  Variable<T> forward(const Variable<T>& x, const Pass&) override { return ops::average_pool2d(x, options_); }
  Shape output_shape(const Shape& x) const override;
  OnnxValue export_to(OnnxGraph& graph, const OnnxValue& x) const override;
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

template <class T>
OnnxValue AveragePool2D<T>::export_to(OnnxGraph& graph, const OnnxValue& x) const {
  const PoolDims d = ops::pool_dims("average_pool2d", x.shape, options_);
  std::vector<OnnxAttribute> attributes = detail::onnx_pool_attributes(d);
  attributes.push_back({"count_include_pad", 0});
  return {graph.add("AveragePool", {x.name}, std::move(attributes)), output_shape(x.shape)};
}

/// y(N, scale H, scale W, C): every pixel of x repeated.
template <class T = float>
class UpSample2D : public Layer<T> {
 public:
  explicit UpSample2D(index_t scale = 2);
  Variable<T> forward(const Variable<T>& x, const Pass&) override { return ops::upsample2d(x, scale_, scale_); }
  Shape output_shape(const Shape& x) const override;
  OnnxValue export_to(OnnxGraph& graph, const OnnxValue& x) const override;
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

template <class T>
OnnxValue UpSample2D<T>::export_to(OnnxGraph& graph, const OnnxValue& x) const {
  const Shape shape = output_shape(x.shape);
  const auto scale = static_cast<float>(scale_);
  const std::string scales = graph.constant("scales", {4}, {1, 1, scale, scale});
  const std::vector<OnnxAttribute> nearest{
      {"mode", "nearest"}, {"coordinate_transformation_mode", "asymmetric"}, {"nearest_mode", "floor"}};
  return {graph.add("Resize", {x.name, "", scales}, nearest), shape};
}

}  // namespace tinygan::nn
