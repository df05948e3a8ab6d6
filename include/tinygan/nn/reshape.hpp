// Flatten and Reshape.
#pragma once

#include <tinygan/nn/layer.hpp>
#include <tinygan/ops/shape.hpp>

namespace tinygan::nn {

/// (N, ...) to (N, rest), without a copy.
template <class T = float>
class Flatten : public Layer<T> {
 public:
  Variable<T> forward(const Variable<T>& x, const Pass&) override { return ops::flatten(x); }
  Shape output_shape(const Shape& x) const override;
  OnnxValue export_to(OnnxGraph& graph, const OnnxValue& x) const override;
  std::string type() const override { return "flatten"; }
};

template <class T>
Shape Flatten<T>::output_shape(const Shape& x) const {
  check(x.rank() >= 1, "flatten", "a scalar has no batch axis");
  return {x[0], x.size() / x[0]};
}

template <class T>
OnnxValue Flatten<T>::export_to(OnnxGraph& graph, const OnnxValue& x) const {
  return {graph.add("Flatten", {graph.flattenable(x)}, {{"axis", 1}}), output_shape(x.shape)};
}

/// (N, ...) to (N, shape...), without a copy. Throws Error if the sizes differ.
template <class T = float>
class Reshape : public Layer<T> {
 public:
  explicit Reshape(const Shape& shape) : shape_(shape) {}
  Variable<T> forward(const Variable<T>& x, const Pass&) override { return ops::reshape(x, output_shape(x.shape())); }
  Shape output_shape(const Shape& x) const override;
  OnnxValue export_to(OnnxGraph& graph, const OnnxValue& x) const override;
  std::string type() const override { return "reshape"; }

 private:
  Shape shape_;
};

template <class T>
Shape Reshape<T>::output_shape(const Shape& x) const {
  check(x.rank() >= 1 && x.size() / x[0] == shape_.size(), "reshape", "input ", x, ", expected ", shape_.size(),
        " elements per sample for ", shape_);
  std::vector<index_t> extents{x[0]};
  extents.insert(extents.end(), shape_.begin(), shape_.end());
  return Shape(extents);
}

template <class T>
OnnxValue Reshape<T>::export_to(OnnxGraph& graph, const OnnxValue& x) const {
  const Shape shape = output_shape(x.shape);
  return {graph.reshaped(graph.flattenable(x), shape), shape};
}

}  // namespace tinygan::nn
