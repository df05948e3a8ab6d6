// OnnxGraph: the inference of a network as operators of ONNX, which layers append and io/onnx.hpp encodes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <tinygan/autograd/variable.hpp>
#include <tinygan/backend/activation.hpp>
#include <tinygan/backend/conv_dims.hpp>
#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>

namespace tinygan::nn {

/// Integers of an attribute or a constant: axes, extents.
using OnnxInts = std::vector<std::int64_t>;

/// A value of the graph: its name, and its shape in the library with the batch extent of the input that the graph was
/// made for. ONNX' operators take channels first: the value of a shape (N,H,W,C) is (N,C,H,W) in the graph.
struct OnnxValue {
  std::string name;
  Shape shape;
};

/// A named attribute of a node.
struct OnnxAttribute {
  std::string name;
  std::variant<std::int64_t, float, std::string, OnnxInts> value;
};

/// One operator with the names of its inputs and its output.
struct OnnxNode {
  std::string op;
  std::vector<std::string> inputs;
  std::string output;
  std::vector<OnnxAttribute> attributes;
};

/// A constant tensor of the graph.
struct OnnxTensor {
  std::string name;
  OnnxInts dims;
  std::variant<std::vector<float>, OnnxInts> values;
};

/// Nodes in topological order and the constants they use. The batch extent is unknown to the graph: no node or constant
/// may depend on the one in OnnxValue::shape. Source: the operators of ONNX, opset 17.
class OnnxGraph {
 public:
  static constexpr std::int64_t opset = 17;

  explicit OnnxGraph(OnnxValue input) : input_(std::move(input)) { names_.insert(input_.name); }

  /// Appends a node; returns the name of its output, which begins with the scope's.
  std::string add(const std::string& op, std::vector<std::string> inputs, std::vector<OnnxAttribute> attributes = {});
  /// The activation of a value; `x` itself for none.
  std::string activation(Activation f, const std::string& x);

  /// A constant; the name returned begins with the scope's.
  std::string constant(const std::string& name, OnnxInts dims, std::vector<float> values);
  /// The same of integers, along one axis.
  std::string constant(const std::string& name, const OnnxInts& values);
  /// The same of one float.
  std::string constant(const std::string& name, double value) {
    return constant(name, {}, {static_cast<float>(value)});
  }
  /// A parameter, buffer or computed kernel in its own layout: fp32 master weights where there are any.
  template <class T>
  std::string constant(const std::string& name, const Variable<T>& value) {
    return constant(name, value, value.shape());
  }
  /// The same with other dimensions of as many elements.
  template <class T>
  std::string constant(const std::string& name, const Variable<T>& value, const Shape& dims);

  /// The one-hot labels (N,classes), the graph's second input. Throws Error, naming `op`, if another layer has another
  /// number of classes.
  std::string labels(const char* op, index_t classes);

  /// The value with its elements in the library's order, the dimensions those of the graph or of the library.
  std::string flattenable(const OnnxValue& x);
  /// A value of shape (N, ...) from elements in the library's order.
  std::string reshaped(const std::string& x, const Shape& shape);
  /// (N,C,H,W) to (N,H,W,C) and back; a value of another rank as it is.
  std::string channels_last(const OnnxValue& x);
  /// The other way, of a value with the shape (N,H,W,C).
  std::string channels_first(const std::string& x, const Shape& shape);

  /// The samples [first, last) of a value, all behind `first` by default.
  std::string samples(const std::string& x, index_t first, index_t last = std::numeric_limits<index_t>::max());

  /// Names of constants and outputs begin with "name." until the scope ends.
  class Scope {
   public:
    Scope(OnnxGraph& graph, const std::string& name);
    ~Scope() { graph_->prefix_.resize(outer_); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    OnnxGraph* graph_;
    std::size_t outer_;
  };

  /// Makes `y` the graph's output, under this name.
  void finish(const OnnxValue& y, std::string name);

  const OnnxValue& input() const { return input_; }
  const OnnxValue& output() const { return output_; }
  index_t classes() const { return classes_; }  ///< of the labels; 0: there are none
  const std::vector<OnnxNode>& nodes() const { return nodes_; }
  const std::vector<OnnxTensor>& tensors() const { return tensors_; }

  static constexpr const char* labels_name = "labels";

 private:
  /// `name` in the scope, with a number behind it if it is in use.
  std::string unused_name(const std::string& name);

  OnnxValue input_, output_;
  index_t classes_ = 0;
  std::string prefix_;
  std::set<std::string> names_;
  std::vector<OnnxNode> nodes_;
  std::vector<OnnxTensor> tensors_;
};

/// The dimensions of a shape in the graph: (N,C,H,W) for (N,H,W,C), without the batch.
OnnxInts onnx_sample_dims(const Shape& shape);

/// One axis of a convolution or pooling, where the windows read from -pad_begin to in + pad_end: the padding behind.
constexpr index_t onnx_pad_end(index_t in, index_t out, index_t extent, index_t stride, index_t pad_begin) {
  return std::max<index_t>((out - 1) * stride + extent - in - pad_begin, 0);
}

template <class T>
std::string OnnxGraph::constant(const std::string& name, const Variable<T>& value, const Shape& dims) {
  const auto wide = value.master().to_vector();
  return constant(name, OnnxInts(dims.begin(), dims.end()), std::vector<float>(wide.begin(), wide.end()));
}

}  // namespace tinygan::nn

#ifdef TINYGAN_FUNC

namespace tinygan::nn {

TINYGAN_FUNC std::string OnnxGraph::add(const std::string& op, std::vector<std::string> inputs,
                                        std::vector<OnnxAttribute> attributes) {
  nodes_.push_back({op, std::move(inputs), unused_name(op), std::move(attributes)});
  return nodes_.back().output;
}

TINYGAN_FUNC std::string OnnxGraph::activation(Activation f, const std::string& x) {
  switch (f.kind) {
    case Activation::Kind::none: return x;
    case Activation::Kind::relu: return add("Relu", {x});
    case Activation::Kind::leaky_relu: return add("LeakyRelu", {x}, {{"alpha", static_cast<float>(f.slope)}});
    case Activation::Kind::sigmoid: return add("Sigmoid", {x});
    case Activation::Kind::tanh: return add("Tanh", {x});
  }
  fail("OnnxGraph", "unknown activation");
}

TINYGAN_FUNC std::string OnnxGraph::constant(const std::string& name, OnnxInts dims, std::vector<float> values) {
  tensors_.push_back({unused_name(name), std::move(dims), std::move(values)});
  return tensors_.back().name;
}

TINYGAN_FUNC std::string OnnxGraph::constant(const std::string& name, const OnnxInts& values) {
  tensors_.push_back({unused_name(name), {static_cast<std::int64_t>(values.size())}, values});
  return tensors_.back().name;
}

TINYGAN_FUNC std::string OnnxGraph::labels(const char* op, index_t classes) {
  check(classes_ == 0 || classes_ == classes, op, "labels of ", classes, " classes, a layer before has ", classes_);
  check(classes_ != 0 || names_.insert(labels_name).second, op, "the input of the graph is called labels");
  classes_ = classes;
  return labels_name;
}

TINYGAN_FUNC std::string OnnxGraph::flattenable(const OnnxValue& x) {
  const Shape& s = x.shape;
  const bool same_order = s.rank() != 4 || s[3] == 1 || s[1] * s[2] == 1;
  return same_order ? x.name : channels_last(x);
}

TINYGAN_FUNC std::string OnnxGraph::reshaped(const std::string& x, const Shape& shape) {
  const bool same_order = shape.rank() != 4 || shape[3] == 1 || shape[1] * shape[2] == 1;
  OnnxInts dims = onnx_sample_dims(shape);
  if (!same_order) dims = {shape[1], shape[2], shape[3]};
  dims.insert(dims.begin(), -1);
  const std::string y = add("Reshape", {x, constant("shape", dims)});
  return same_order ? y : channels_first(y, shape);
}

TINYGAN_FUNC std::string OnnxGraph::channels_last(const OnnxValue& x) {
  return x.shape.rank() == 4 ? add("Transpose", {x.name}, {{"perm", OnnxInts{0, 2, 3, 1}}}) : x.name;
}

TINYGAN_FUNC std::string OnnxGraph::channels_first(const std::string& x, const Shape& shape) {
  return shape.rank() == 4 ? add("Transpose", {x}, {{"perm", OnnxInts{0, 3, 1, 2}}}) : x;
}

TINYGAN_FUNC std::string OnnxGraph::samples(const std::string& x, index_t first, index_t last) {
  return add("Slice",
             {x, constant("first", OnnxInts{first}), constant("last", OnnxInts{last}), constant("axes", OnnxInts{0})});
}

TINYGAN_CTOR OnnxGraph::Scope::Scope(OnnxGraph& graph, const std::string& name)
    : graph_(&graph), outer_(graph.prefix_.size()) {
  graph.prefix_ += name + ".";
}

TINYGAN_FUNC void OnnxGraph::finish(const OnnxValue& y, std::string name) {
  check(!names_.contains(name), "OnnxGraph", "there are two values '", name, "'");
  prefix_.clear();
  output_ = {add("Identity", {y.name}), y.shape};
  // The node that computes y puts it out itself; an input or a constant needs the copy.
  const auto made = std::find_if(nodes_.begin(), nodes_.end(), [&](const OnnxNode& n) { return n.output == y.name; });
  if (made != nodes_.end()) {
    nodes_.pop_back();
    output_.name = y.name;
  }
  for (OnnxNode& n : nodes_) {
    std::replace(n.inputs.begin(), n.inputs.end(), output_.name, name);
    if (n.output == output_.name) n.output = name;
  }
  output_.name = std::move(name);
}

TINYGAN_FUNC std::string OnnxGraph::unused_name(const std::string& name) {
  std::string candidate = prefix_ + name;
  for (int i = 1; !names_.insert(candidate).second; ++i) candidate = text(prefix_, name, '_', i);
  return candidate;
}

TINYGAN_FUNC OnnxInts onnx_sample_dims(const Shape& shape) {
  if (shape.rank() == 4) return {shape[3], shape[1], shape[2]};
  return {shape.begin() + 1, shape.end()};
}

}  // namespace tinygan::nn

#endif
