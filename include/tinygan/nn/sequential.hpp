// Sequential: layers one after the other.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <type_traits>

#include <tinygan/nn/layer.hpp>
#include <tinygan/profile/scope.hpp>

namespace tinygan::nn {

/// y = last(...(first(x))). Layers are named by their type and a running number, as Keras does: conv2d, conv2d_1, ...
/// An Error of a layer after the first names it and its position.
template <class T = float>
class Sequential : public Layer<T> {
 public:
  Sequential() = default;
  template <class... Layers>
  requires(sizeof...(Layers) > 0 &&
           (std::is_base_of_v<Layer<T>, Layers> && ...)) explicit Sequential(Layers... layers) {
    (add(std::move(layers)), ...);
  }

  /// Appends a layer. Throws Error if it, or this model, was moved from.
  template <class Added>
  requires std::is_base_of_v<Layer<T>, Added> Sequential& add(Added layer) {
    const std::string type = layer.type(), name = next_name(type);
    append(type, name, this->add_module(name, std::move(layer)));
    return *this;
  }

  Variable<T> forward(const Variable<T>& x, const Pass& pass) override;
  Shape output_shape(const Shape& x) const override;
  std::string type() const override { return "sequential"; }
  OnnxValue export_to(OnnxGraph& graph, const OnnxValue& x) const override;
  bool normalises_over_batch() const override;

  std::vector<std::pair<std::string, const Layer<T>*>> layers() const override;

 private:
  void check_layers() const;
  std::string next_name(const std::string& type) const;
  void append(const std::string& type, const std::string& name, Layer<T>& layer);

  /// Runs the part of layer i and adds the layer to the text of an Error. An Error of the first layer is about the
  /// caller's input; its text stays the same.
  template <class Part>
  void at_layer(std::size_t i, Part part) const {
    if (i == 0) return part();
    try {
      part();
    } catch (const Error& e) {
      throw Error(
          text(e.what(), " (layer ", i, " of the model, ", layers_[i].first, ", after ", layers_[i - 1].first, ")"));
    }
  }

  std::vector<std::pair<std::string, Layer<T>*>> layers_;  // child modules
  std::map<std::string, int> count_;
};

template <class T>
Variable<T> Sequential<T>::forward(const Variable<T>& x, const Pass& pass) {
  check_layers();
  Variable<T> y = x;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const profile::Scope scope(layers_[i].first.c_str());
    at_layer(i, [&] { y = layers_[i].second->forward(y, pass); });
  }
  return y;
}

template <class T>
Shape Sequential<T>::output_shape(const Shape& x) const {
  check_layers();
  Shape shape = x;
  for (std::size_t i = 0; i < layers_.size(); ++i) at_layer(i, [&] { shape = layers_[i].second->output_shape(shape); });
  return shape;
}

template <class T>
OnnxValue Sequential<T>::export_to(OnnxGraph& graph, const OnnxValue& x) const {
  check_layers();
  OnnxValue y = x;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const OnnxGraph::Scope scope(graph, layers_[i].first);
    at_layer(i, [&] { y = layers_[i].second->export_to(graph, y); });
  }
  return y;
}

template <class T>
bool Sequential<T>::normalises_over_batch() const {
  return std::any_of(layers_.begin(), layers_.end(), [](const auto& l) { return l.second->normalises_over_batch(); });
}

template <class T>
std::vector<std::pair<std::string, const Layer<T>*>> Sequential<T>::layers() const {
  return {layers_.begin(), layers_.end()};
}

template <class T>
void Sequential<T>::check_layers() const {
  this->check_usable();
  check(!layers_.empty(), "sequential", "there are no layers, expected at least 1");
}

template <class T>
std::string Sequential<T>::next_name(const std::string& type) const {
  const auto before = count_.find(type);
  return before == count_.end() ? type : text(type, '_', before->second);
}

template <class T>
void Sequential<T>::append(const std::string& type, const std::string& name, Layer<T>& layer) {
  layers_.push_back({name, &layer});
  ++count_[type];
}

}  // namespace tinygan::nn
