// ONNX: networks for inference in other runtimes.
//
// A file is a ModelProto in protocol buffer encoding. These fields are written:
//   ModelProto       1 ir_version   2 producer_name   7 graph   8 opset_import (2 version)   14 metadata_props
//   GraphProto       1 node   2 name   5 initializer   11 input   12 output
//   NodeProto        1 input   2 output   3 name   4 op_type   5 attribute
//   AttributeProto   1 name   2 f (float)   3 i   4 s   8 ints   20 type (1 FLOAT, 2 INT, 3 STRING, 7 INTS)
//   TensorProto      1 dims   2 data_type (1 FLOAT, 7 INT64)   8 name   9 raw_data (little-endian)
//   ValueInfoProto   1 name   2 type (1 tensor_type: 1 elem_type, 2 shape: 1 dim: 1 dim_value, 2 dim_param)
//   metadata_props   1 key   2 value
// Source: onnx/onnx.proto of https://github.com/onnx/onnx.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/io/file.hpp>
#include <tinygan/io/protocol_buffer.hpp>
#include <tinygan/nn/layer.hpp>

namespace tinygan::io {

/// Names and metadata of an ONNX file.
struct OnnxOptions {
  std::string input = "input", output = "output";  ///< names; labels, if the network reads any, are "labels"
  std::string name = "network";                    ///< of the graph
  std::map<std::string, std::string> metadata{};
};

/// The inference of a network for input of this shape: batch norm by running statistics, no dropout. The batch extent
/// of the shape is one that the network accepts; the graph takes any other. Throws Error if a layer has no form in
/// ONNX.
template <class T>
nn::OnnxGraph onnx_graph(const nn::Layer<T>& network, const Shape& input, const OnnxOptions& options = {}) {
  check(input.rank() >= 1, "onnx", "input ", input, ", expected a batch axis");
  const NoGrad no_grad;
  nn::OnnxGraph graph({options.input, input});
  graph.finish(network.export_to(graph, graph.input()), options.output);
  return graph;
}

/// A graph as the bytes of an ONNX file of IR version 8, fp32. The batch extents are symbolic: "N" of the inputs, and
/// "N", "N/m" or "N_out" of the output. Throws Error on more than 2^31 - 1 bytes, the format's limit.
std::vector<std::uint8_t> encode_onnx(const nn::OnnxGraph& graph, const OnnxOptions& options = {});

/// Writes a network to an ONNX file, atomically. Images are (N,C,H,W) there, as is usual in ONNX, and labels one-hot
/// rows (N,classes). Throws Error like onnx_graph() and encode_onnx(), and if the file cannot be written.
template <class T>
void write_onnx(const std::filesystem::path& path, const nn::Layer<T>& network, const Shape& input,
                const OnnxOptions& options = {}) {
  write_file(path, encode_onnx(onnx_graph(network, input, options), options));
}

}  // namespace tinygan::io

#ifdef TINYGAN_FUNC

namespace tinygan::io::detail {

inline constexpr std::int64_t onnx_float = 1, onnx_int64 = 7;  // TensorProto.DataType

inline Message onnx_attribute(const nn::OnnxAttribute& a) {
  Message m;
  m.bytes(1, a.name);
  if (const auto* const i = std::get_if<std::int64_t>(&a.value)) return m.integer(3, *i).integer(20, 2);
  if (const auto* const f = std::get_if<float>(&a.value)) return m.real(2, *f).integer(20, 1);
  if (const auto* const s = std::get_if<std::string>(&a.value)) return m.bytes(4, *s).integer(20, 3);
  for (const std::int64_t i : std::get<nn::OnnxInts>(a.value)) m.integer(8, i);
  return m.integer(20, 7);
}

inline Message onnx_node(const nn::OnnxNode& n) {
  Message m;
  for (const std::string& input : n.inputs) m.bytes(1, input);
  m.bytes(2, n.output).bytes(3, n.output).bytes(4, n.op);
  for (const nn::OnnxAttribute& a : n.attributes) m.message(5, onnx_attribute(a));
  return m;
}

inline Message onnx_tensor(const nn::OnnxTensor& t) {
  Message m;
  for (const std::int64_t extent : t.dims) m.integer(1, extent);
  ByteWriter raw;
  if (const auto* const floats = std::get_if<std::vector<float>>(&t.values)) {
    for (const float v : *floats) raw.u32(std::bit_cast<std::uint32_t>(v));
    m.integer(2, onnx_float);
  } else {
    for (const std::int64_t v : std::get<nn::OnnxInts>(t.values)) raw.u64(static_cast<std::uint64_t>(v));
    m.integer(2, onnx_int64);
  }
  return m.bytes(8, t.name).bytes(9, raw.bytes());
}

inline Message onnx_value_info(const std::string& name, const std::string& batch, const nn::OnnxInts& sample) {
  Message shape;
  shape.message(1, Message().bytes(2, batch));
  for (const std::int64_t extent : sample) shape.message(1, Message().integer(1, extent));
  const Message tensor = Message().integer(1, onnx_float).message(2, shape);
  return Message().bytes(1, name).message(2, Message().message(1, tensor));
}

/// The batch extent of the output: "N", or "N/m" of packs.
inline std::string onnx_output_batch(index_t in, index_t out) {
  if (in == out) return "N";
  return in % out == 0 ? text("N/", in / out) : "N_out";
}

}  // namespace tinygan::io::detail

namespace tinygan::io {

TINYGAN_FUNC std::vector<std::uint8_t> encode_onnx(const nn::OnnxGraph& graph, const OnnxOptions& options) {
  using detail::Message;
  const nn::OnnxValue &x = graph.input(), &y = graph.output();
  Message g;
  for (const nn::OnnxNode& n : graph.nodes()) g.message(1, detail::onnx_node(n));
  g.bytes(2, options.name);
  for (const nn::OnnxTensor& t : graph.tensors()) g.message(5, detail::onnx_tensor(t));
  g.message(11, detail::onnx_value_info(x.name, "N", nn::onnx_sample_dims(x.shape)));
  if (graph.classes() > 0) g.message(11, detail::onnx_value_info(graph.labels_name, "N", {graph.classes()}));
  g.message(12, detail::onnx_value_info(y.name, detail::onnx_output_batch(x.shape[0], y.shape[0]),
                                        nn::onnx_sample_dims(y.shape)));
  Message model;
  model.integer(1, 8).bytes(2, std::string_view("tinygan"));
  model.message(8, Message().integer(2, nn::OnnxGraph::opset));
  for (const auto& [key, value] : options.metadata) model.message(14, Message().bytes(1, key).bytes(2, value));
  model.message(7, g);
  const std::size_t size = model.encoded().size(), most = std::numeric_limits<std::int32_t>::max();
  check(size <= most, "onnx", "the network has ", size, " bytes, expected at most ", most);
  return std::move(model).encoded();
}

}  // namespace tinygan::io

#endif
