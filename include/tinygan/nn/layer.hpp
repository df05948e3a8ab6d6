// Layer: a module with one input and one output, which Sequential chains.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <tinygan/nn/module.hpp>
#include <tinygan/nn/onnx_graph.hpp>
#include <tinygan/nn/pass.hpp>

namespace tinygan::nn {

/// A module of one input and one output, which Sequential chains. Layers of one's own derive from it.
template <class T = float>
class Layer : public Module<T> {
 public:
  /// The layer's result. Throws Error on a shape that does not fit.
  virtual Variable<T> forward(const Variable<T>& x, const Pass& pass) = 0;
  /// forward(x, pass), inference by default. Throws Error like forward(), on an empty input, and if the layer was moved
  /// from.
  Variable<T> operator()(const Variable<T>& x, const Pass& pass = Pass::infer()) {
    this->check_usable();
    check(x.defined(), this->type(),
          "input is empty: default-constructed or moved from, expected a variable with a value");
    return forward(x, pass);
  }

  /// The shape of forward's result for an input of this shape, batch axis included. Throws Error as forward would.
  virtual Shape output_shape(const Shape& input) const = 0;

  /// Appends forward's inference to a graph of ONNX operators; returns its result for x. Throws Error if the layer has
  /// no such form, as a layer that does not override this.
  virtual OnnxValue export_to(OnnxGraph& graph, const OnnxValue& x) const;

  /// The text of a summary's second column: kernel, stride, fused activation.
  virtual std::string details() const { return {}; }

  /// Whether a training pass normalises by statistics of the batch, so that each image's output depends on all others.
  /// Gradient penalties, which are per image, refuse such a discriminator.
  virtual bool normalises_over_batch() const { return false; }

  /// The layers of a container, itself for a layer.
  virtual std::vector<std::pair<std::string, const Layer*>> layers() const { return {{this->type(), this}}; }
};

template <class T>
OnnxValue Layer<T>::export_to(OnnxGraph&, const OnnxValue&) const {
  fail(this->type(), "the layer has no form in ONNX: it does not override export_to");
}

/// "leaky_relu 0.2", or "" for none.
inline std::string activation_text(Activation f) {
  if (f.kind == Activation::Kind::none) return {};
  const char* const name = activation_info(f.kind).name;
  return f.kind == Activation::Kind::leaky_relu ? text(name, ' ', f.slope) : name;
}

}  // namespace tinygan::nn
