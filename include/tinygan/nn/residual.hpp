// Residual: layers with a connection around them.
#pragma once

#include <type_traits>
#include <utility>

#include <tinygan/nn/sequential.hpp>

namespace tinygan::nn {

/// y = x + f(x), f(x) = last(...(first(x))) of the shape of x. Source: He et al., "Identity Mappings in Deep Residual
/// Networks", 2016.
template <class T = float>
class Residual : public Layer<T> {
 public:
  template <class... Layers>
  requires(sizeof...(Layers) > 0 && (std::is_base_of_v<Layer<T>, Layers> && ...)) explicit Residual(Layers... layers)
      : body_(&this->add_module("body", Sequential<T>(std::move(layers)...))) {}

  /// Throws Error if f changes the shape.
  Variable<T> forward(const Variable<T>& x, const Pass& pass) override;
  Shape output_shape(const Shape& x) const override;
  OnnxValue export_to(OnnxGraph& graph, const OnnxValue& x) const override;
  std::string type() const override { return "residual"; }
  std::string details() const override;
  bool normalises_over_batch() const override { return body_->normalises_over_batch(); }

 private:
  Sequential<T>* body_;  // a child module
};

template <class T>
Variable<T> Residual<T>::forward(const Variable<T>& x, const Pass& pass) {
  const Variable<T> y = (*body_)(x, pass);
  check(y.shape() == x.shape(), "residual", "input ", x.shape(), " and its layers' output ", y.shape(),
        ", expected the same shape");
  return x + y;
}

template <class T>
Shape Residual<T>::output_shape(const Shape& x) const {
  this->check_usable();
  const Shape y = body_->output_shape(x);
  check(y == x, "residual", "input ", x, " and its layers' output ", y, ", expected the same shape");
  return y;
}

template <class T>
OnnxValue Residual<T>::export_to(OnnxGraph& graph, const OnnxValue& x) const {
  const OnnxValue y = body_->export_to(graph, x);
  return {graph.add("Add", {x.name, y.name}), y.shape};
}

template <class T>
std::string Residual<T>::details() const {
  std::string names;
  for (const auto& [name, layer] : body_->layers()) names += (names.empty() ? "" : ", ") + layer->type();
  return names;
}

}  // namespace tinygan::nn
