// ONNX files: their bytes, decoded by a reader of its own here; the operators of layers and networks; errors.
#include <tinygan/io/onnx.hpp>

#include <cstring>
#include <map>
#include <numeric>

#include <tinygan/models/lenet.hpp>
#include <tinygan/models/networks.hpp>
#include <tinygan/nn/activations.hpp>
#include <tinygan/nn/attention.hpp>
#include <tinygan/nn/group_norm.hpp>
#include <tinygan/ops/cast.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using support::error_of;

namespace {

using Bytes = std::vector<std::uint8_t>;

/// A decoded message: by field number the varints and the lengths' bytes, in the order of the file.
class Decoded {
 public:
  explicit Decoded(const Bytes& bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
      const std::uint64_t key = varint(bytes, at);
      const auto field = static_cast<unsigned>(key >> 3);
      if ((key & 7) == 0) {
        integers_[field].push_back(static_cast<std::int64_t>(varint(bytes, at)));
      } else {
        REQUIRE(((key & 7) == 2 || (key & 7) == 5));
        const auto length = static_cast<std::size_t>((key & 7) == 5 ? 4 : varint(bytes, at));
        REQUIRE(at + length <= bytes.size());
        const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at);
        bytes_[field].emplace_back(begin, begin + static_cast<std::ptrdiff_t>(length));
        at += length;
      }
    }
  }

  std::int64_t integer(unsigned field) const { return integers_.at(field).at(0); }
  std::vector<std::int64_t> integers(unsigned field) const {
    return integers_.contains(field) ? integers_.at(field) : std::vector<std::int64_t>{};
  }
  std::vector<Decoded> messages(unsigned field) const {
    std::vector<Decoded> all;
    if (bytes_.contains(field))
      for (const Bytes& b : bytes_.at(field)) all.emplace_back(b);
    return all;
  }
  Decoded message(unsigned field) const { return messages(field).at(0); }
  std::vector<std::string> strings(unsigned field) const {
    std::vector<std::string> all;
    if (bytes_.contains(field))
      for (const Bytes& b : bytes_.at(field)) all.emplace_back(b.begin(), b.end());
    return all;
  }
  std::string string(unsigned field) const { return strings(field).at(0); }
  template <class E>
  std::vector<E> elements(unsigned field) const {
    const Bytes& raw = bytes_.at(field).at(0);
    std::vector<E> all(raw.size() / sizeof(E));
    if (!raw.empty()) std::memcpy(all.data(), raw.data(), raw.size());
    return all;
  }

 private:
  static std::uint64_t varint(const Bytes& bytes, std::size_t& at) {
    std::uint64_t v = 0;
    for (unsigned shift = 0;; shift += 7) {
      REQUIRE((at < bytes.size() && shift < 64));
      v |= std::uint64_t{bytes[at] & 0x7Fu} << shift;
      if (bytes[at++] < 0x80) return v;
    }
  }

  std::map<unsigned, std::vector<std::int64_t>> integers_;
  std::map<unsigned, std::vector<Bytes>> bytes_;
};

/// "name: N 2 3" of a ValueInfoProto.
std::string value_info(const Decoded& v) {
  std::string s = v.string(1) + ":";
  const Decoded tensor = v.message(2).message(1);
  CHECK(tensor.integer(1) == 1);  // FLOAT
  for (const Decoded& dim : tensor.message(2).messages(1))
    s += " " + (dim.strings(2).empty() ? text(dim.integer(1)) : dim.string(2));
  return s;
}

/// "conv2d.Conv" is of the operator Conv: the operators of a graph, in order.
std::vector<std::string> ops_of(const nn::OnnxGraph& graph) {
  std::vector<std::string> all;
  for (const nn::OnnxNode& n : graph.nodes()) all.push_back(n.op);
  return all;
}

nn::OnnxInts ints(const nn::OnnxNode& n, const std::string& attribute) {
  for (const nn::OnnxAttribute& a : n.attributes)
    if (a.name == attribute) return std::get<nn::OnnxInts>(a.value);
  FAIL("no attribute " << attribute);
  return {};
}

template <class E>
std::vector<E> constant(const nn::OnnxGraph& graph, const std::string& name) {
  for (const nn::OnnxTensor& t : graph.tensors())
    if (t.name == name) return std::get<std::vector<E>>(t.values);
  FAIL("no constant " << name);
  return {};
}

/// Values 0, 1, 2, ...
void count(const Variable<float>& v) {
  std::vector<float> values(static_cast<std::size_t>(v.size()));
  std::iota(values.begin(), values.end(), 0.0f);
  v.value().copy_from(values);
}

/// y = relu(x + f(x)).
class Residual : public nn::Layer<> {
 public:
  Residual(index_t features, Generator& random)
      : body_(add_module("body", nn::Sequential(nn::Dense(features, features, {}, random)))) {}
  Variable<float> forward(const Variable<float>& x, const nn::Pass& pass) override {
    return ops::relu(x + body_(x, pass));
  }
  Shape output_shape(const Shape& x) const override { return body_.output_shape(x); }
  nn::OnnxValue export_to(nn::OnnxGraph& graph, const nn::OnnxValue& x) const override {
    const nn::OnnxValue body = body_.export_to(graph, x);
    return {graph.add("Relu", {graph.add("Add", {x.name, body.name})}), body.shape};
  }
  std::string type() const override { return "residual"; }

 private:
  nn::Sequential<>& body_;
};

/// A layer without a form in ONNX.
class Squared : public nn::Layer<> {
 public:
  Variable<float> forward(const Variable<float>& x, const nn::Pass&) override { return ops::square(x); }
  Shape output_shape(const Shape& x) const override { return x; }
  std::string type() const override { return "squared"; }
};

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("A negative integer is a varint of ten bytes", "[onnx]") {
  const Bytes minus_one = {0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01};
  CHECK(io::detail::Message().integer(3, -1).encoded() == minus_one);
}

TEST_CASE("An ONNX file, byte for byte", "[onnx]") {
  const nn::Sequential<> model{nn::LeakyReLU<>(0.5)};
  const Bytes bytes = io::encode_onnx(io::onnx_graph(model, {1, 3}, {.input = "x", .output = "y"}), {.name = "g"});
  // clang-format off
  const Bytes expected = {
      0x08, 8, 0x12, 7, 't', 'i', 'n', 'y', 'g', 'a', 'n',              // IR version, producer
      0x42, 2, 0x10, 17,                                                // opset
      0x3A, 86,                                                         // graph
        0x0A, 37, 0x0A, 1, 'x', 0x12, 1, 'y', 0x1A, 1, 'y',             //   node: input, output, name
          0x22, 9, 'L', 'e', 'a', 'k', 'y', 'R', 'e', 'l', 'u',         //     operator
          0x2A, 15, 0x0A, 5, 'a', 'l', 'p', 'h', 'a',                   //     attribute
            0x15, 0x00, 0x00, 0x00, 0x3F, 0xA0, 0x01, 1,                //       0.5f, FLOAT
        0x12, 1, 'g',                                                   //   name
        0x5A, 20, 0x0A, 1, 'x', 0x12, 15, 0x0A, 13, 0x08, 1, 0x12, 9,   //   input: FLOAT, two extents
          0x0A, 3, 0x12, 1, 'N', 0x0A, 2, 0x08, 3,
        0x62, 20, 0x0A, 1, 'y', 0x12, 15, 0x0A, 13, 0x08, 1, 0x12, 9,   //   output
          0x0A, 3, 0x12, 1, 'N', 0x0A, 2, 0x08, 3};
  // clang-format on
  CHECK(bytes == expected);
}

TEST_CASE("A network in an ONNX file: nodes, constants, inputs and metadata", "[onnx]") {
  Generator random(1);
  nn::Sequential<> model(nn::AddLabels<>(2), nn::Dense<>(3, 2, {.activation = Activation::leaky_relu(0.5)}, random));
  for (const auto& [name, p] : model.named_parameters()) count(p);
  const support::TemporaryFolder folder;
  io::write_onnx(folder.path() / "g.onnx", model, {1, 1},
                 {.input = "z", .output = "y", .name = "g", .metadata = {{"step", "7"}}});
  const Decoded file(io::read_file(folder.path() / "g.onnx"));
  CHECK(file.integer(1) == 8);
  CHECK(file.string(2) == "tinygan");
  CHECK(file.message(8).integer(2) == 17);
  CHECK(file.message(14).strings(1) == Strings{"step"});
  CHECK(file.message(14).strings(2) == Strings{"7"});

  const Decoded graph = file.message(7);
  CHECK(graph.string(2) == "g");
  const std::vector<Decoded> nodes = graph.messages(1), inputs = graph.messages(11), outputs = graph.messages(12);
  REQUIRE(nodes.size() == 3);
  CHECK(nodes[0].string(4) == "Concat");
  CHECK(nodes[0].strings(1) == Strings{"z", "labels"});
  CHECK(nodes[0].strings(2) == Strings{"add_labels.Concat"});
  const Decoded axis = nodes[0].message(5);
  CHECK(axis.string(1) == "axis");
  CHECK(axis.integer(3) == 1);
  CHECK(axis.integer(20) == 2);  // INT
  CHECK(nodes[1].string(4) == "Gemm");
  CHECK(nodes[1].strings(1) == Strings{"add_labels.Concat", "dense.kernel", "dense.bias"});
  CHECK(nodes[2].string(4) == "LeakyRelu");
  CHECK(nodes[2].strings(1) == Strings{"dense.Gemm"});
  CHECK(nodes[2].string(3) == "y");
  CHECK(nodes[2].strings(2) == Strings{"y"});
  CHECK(nodes[2].message(5).elements<float>(2) == std::vector<float>{0.5f});
  CHECK(nodes[2].message(5).integer(20) == 1);  // FLOAT

  REQUIRE(inputs.size() == 2);
  CHECK(value_info(inputs[0]) == "z: N 1");
  CHECK(value_info(inputs[1]) == "labels: N 2");
  REQUIRE(outputs.size() == 1);
  CHECK(value_info(outputs[0]) == "y: N 2");

  const std::vector<Decoded> tensors = graph.messages(5);
  REQUIRE(tensors.size() == 2);
  CHECK(tensors[0].string(8) == "dense.kernel");
  CHECK(tensors[0].integers(1) == nn::OnnxInts{3, 2});
  CHECK(tensors[0].integer(2) == 1);  // FLOAT
  CHECK(tensors[0].elements<float>(9) == std::vector<float>{0, 1, 2, 3, 4, 5});
  CHECK(tensors[1].integers(1) == nn::OnnxInts{2});
}

TEST_CASE("Attributes of every type, and integer constants", "[onnx]") {
  nn::OnnxGraph graph({"x", {1, 2, 2, 1}});
  const std::string scales = graph.constant("scales", {4}, {1, 1, 2, 2}), shape = graph.constant("shape", {-1, 4});
  const std::string y = graph.add("Resize", {"x", "", scales}, {{"mode", "nearest"}});
  graph.finish(
      {graph.add("Reshape", {graph.add("Transpose", {y}, {{"perm", nn::OnnxInts{0, 300, -1}}}), shape}), {1, 4}}, "y");
  const Decoded g = Decoded(io::encode_onnx(graph)).message(7);
  const std::vector<Decoded> nodes = g.messages(1);
  CHECK(nodes[0].strings(1) == Strings{"x", "", "scales"});
  CHECK(nodes[0].message(5).string(4) == "nearest");
  CHECK(nodes[0].message(5).integer(20) == 3);  // STRING
  CHECK(nodes[1].message(5).integers(8) == nn::OnnxInts{0, 300, -1});
  CHECK(nodes[1].message(5).integer(20) == 7);  // INTS
  CHECK(g.messages(5)[1].integer(2) == 7);      // INT64
  CHECK(g.messages(5)[1].elements<std::int64_t>(9) == nn::OnnxInts{-1, 4});
  CHECK(value_info(g.message(11)) == "x: N 1 2 2");  // channels first
}

TEST_CASE("The batch is symbolic, that of packs by their size", "[onnx]") {
  const auto output = [](const nn::Layer<>& network, const Shape& input) {
    return value_info(Decoded(io::encode_onnx(io::onnx_graph(network, input))).message(7).message(12));
  };
  CHECK(output(nn::ReLU<>(), {5, 2, 3, 4}) == "output: N 4 2 3");
  CHECK(output(nn::Pack<>(2), {2, 2, 3, 4}) == "output: N/2 8 2 3");
  CHECK(output(nn::AddReference<>(Tensor<float>::zeros({3, 4})), {2, 4}) == "output: N_out 4");
}

TEST_CASE("Images are turned once, where features become an image or an image becomes features", "[onnx]") {
  Generator random(2);
  const models::Networks<float> n = models::make_networks<float>(models::Network::small, {.hidden_layers = 0}, random);
  const Strings norm{"BatchNormalization", "LeakyRelu"};
  CHECK(ops_of(io::onnx_graph(n.generator, {1, 100})) == Strings{"Gemm", norm[0], norm[1], "Reshape", "Transpose",
                                                                 "ConvTranspose", norm[0], norm[1], "ConvTranspose",
                                                                 "Tanh"});
  CHECK(ops_of(io::onnx_graph(n.discriminator, {1, 28, 28, 1})) ==
        Strings{"Conv", "LeakyRelu", "Conv", "LeakyRelu", "Conv", "LeakyRelu", "Transpose", "Flatten", "Gemm"});
  CHECK(ops_of(io::onnx_graph(nn::Flatten<>(), {1, 2, 3, 1})) == Strings{"Flatten"});
  CHECK(ops_of(io::onnx_graph(nn::Flatten<>(), {1, 1, 1, 4})) == Strings{"Flatten"});
  CHECK(ops_of(io::onnx_graph(nn::Reshape<>({1, 1, 4}), {1, 4})) == Strings{"Reshape"});
  const models::LeNet<float> lenet(10, random);
  const nn::OnnxGraph graph = io::onnx_graph(lenet, {1, 28, 28, 1});
  CHECK(graph.nodes().front().output == "features.conv2d.Conv");
  CHECK(graph.nodes().back().inputs == Strings{"features.dense.Relu", "head.dense.kernel", "head.dense.bias"});
}

TEST_CASE("The kernels of convolutions have their channels first", "[onnx]") {
  Generator random(3);
  const nn::Conv2D<> conv(2, 3, {.kernel = {1, 2}}, random);
  count(conv.kernel());
  const nn::OnnxGraph graph = io::onnx_graph(conv, {1, 4, 4, 2});
  CHECK(graph.tensors()[0].dims == nn::OnnxInts{3, 2, 1, 2});
  CHECK(constant<float>(graph, "kernel") == std::vector<float>{0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11});
  const nn::Conv2DTranspose<> transposed(3, 2, {.kernel = {1, 2}, .bias = false}, random);  // kernel (1,2,out 2,in 3)
  count(transposed.kernel());
  const nn::OnnxGraph adjoint = io::onnx_graph(transposed, {1, 4, 4, 3});
  CHECK(adjoint.tensors().size() == 1);
  CHECK(adjoint.tensors()[0].dims == nn::OnnxInts{3, 2, 1, 2});
  CHECK(constant<float>(adjoint, "kernel") == std::vector<float>{0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11});
}

TEST_CASE("The padding of convolutions and poolings, by sides", "[onnx]") {
  Generator random(4);
  const auto pads = [](const nn::Layer<>& layer, const Shape& x) {
    return ints(io::onnx_graph(layer, x).nodes()[0], "pads");  // top, left, bottom, right
  };
  const auto conv = [&](index_t kernel, index_t stride, Padding padding) {
    return nn::Conv2D<>(1, 1, {.kernel = kernel, .stride = stride, .padding = padding}, random);
  };
  CHECK(pads(conv(5, 2, Padding::same()), {1, 28, 27, 1}) == nn::OnnxInts{1, 2, 2, 2});
  CHECK(pads(conv(1, 2, Padding::same()), {1, 4, 5, 1}) == nn::OnnxInts{0, 0, 0, 0});
  // Of the rows behind the last window none is padding.
  CHECK(pads(conv(3, 2, Padding::sides(1, 2, 0, 1)), {1, 5, 5, 1}) == nn::OnnxInts{1, 0, 1, 0});
  CHECK(pads(nn::MaxPool2D<>(3, 2, Padding::same()), {1, 6, 7, 1}) == nn::OnnxInts{0, 1, 1, 1});
  CHECK(pads(nn::AveragePool2D<>(3, 2, Padding::same()), {1, 6, 7, 1}) == nn::OnnxInts{0, 1, 1, 1});

  const auto transposed = [&](const nn::Conv2DOptions& o) {
    const nn::OnnxNode n = io::onnx_graph(nn::Conv2DTranspose<>(1, 1, o, random), {1, 3, 3, 1}).nodes()[0];
    return std::vector<nn::OnnxInts>{ints(n, "kernel_shape"), ints(n, "pads"), ints(n, "output_padding")};
  };
  using List = std::vector<nn::OnnxInts>;
  CHECK(transposed({.kernel = 5, .stride = 2, .padding = Padding::same()}) == List{{5, 5}, {1, 1, 2, 2}, {0, 0}});
  CHECK(transposed({.kernel = {2, 1}, .stride = {3, 2}, .padding = Padding::same()}) ==
        List{{2, 1}, {0, 0, 0, 0}, {1, 1}});
  CHECK(transposed({.kernel = 3, .stride = 2, .padding = Padding::all(1), .output_padding = 1}) ==
        List{{3, 3}, {1, 1, 0, 0}, {0, 0}});
  CHECK(transposed({.kernel = 3, .stride = 2, .output_padding = 1}) == List{{3, 3}, {0, 0, 0, 0}, {1, 1}});
  // Two rows without taps at stride 2 are one of output padding, and one of zeros behind the kernel.
  CHECK(transposed({.kernel = 1, .stride = 2, .output_padding = 1}) == List{{2, 2}, {0, 0, 0, 0}, {1, 1}});
}

TEST_CASE("A kernel with spectral norm is written as inference uses it", "[onnx]") {
  Generator random(5);
  const nn::Dense<> dense(4, 3, {.spectral_norm = true}, random);
  const std::vector<float> written = constant<float>(io::onnx_graph(dense, {1, 4}), "kernel");
  CHECK(written == dense.used_kernel(nn::Pass::infer()).value().to_vector());
  CHECK(written != dense.kernel().value().to_vector());
}

TEST_CASE("A bfloat16 network is written by its master weights", "[onnx]") {
  Generator random(6);
  const nn::Dense<bfloat16> dense(4, 3, {}, random);
  const std::vector<float> master = dense.kernel().master().to_vector();
  CHECK(constant<float>(io::onnx_graph(dense, {1, 4}), "kernel") == master);
  CHECK(cast<float>(dense.kernel()).value().to_vector() != master);
  const nn::Dense<bfloat16> normalised(4, 3, {.spectral_norm = true}, random);
  CHECK(constant<float>(io::onnx_graph(normalised, {1, 4}), "kernel") ==
        cast<float>(normalised.used_kernel(nn::Pass::infer())).value().to_vector());
}

TEST_CASE("A network of doubles is written in fp32", "[onnx]") {
  Generator random(6);
  const nn::Conv2D<double> conv(1, 2, {.kernel = 1, .bias = false}, random);
  const std::vector<double> kernel = conv.kernel().value().to_vector();
  CHECK(constant<float>(io::onnx_graph(conv, {1, 2, 2, 1}), "kernel") ==
        std::vector<float>(kernel.begin(), kernel.end()));
}

TEST_CASE("What a network passes through unchanged is its output by a node of its own", "[onnx]") {
  const nn::OnnxGraph graph = io::onnx_graph(nn::Dropout<>(0.5), {1, 3});
  REQUIRE(graph.nodes().size() == 1);
  CHECK(graph.nodes()[0].op == "Identity");
  CHECK(graph.nodes()[0].inputs == Strings{"input"});
  CHECK(graph.output().name == "output");
}

TEST_CASE("A layer of one's own appends its operators, and those of its children", "[onnx]") {
  Generator random(7);
  const nn::Sequential<> model(Residual(3, random), Residual(3, random));
  const nn::OnnxGraph graph = io::onnx_graph(model, {1, 3});
  CHECK(ops_of(graph) == Strings{"Gemm", "Add", "Relu", "Gemm", "Add", "Relu"});
  CHECK(graph.nodes()[4].inputs == Strings{"residual.Relu", "residual_1.dense.Gemm"});
}

TEST_CASE("Group norm is instance norm of the groups, and attention matrix products", "[onnx]") {
  const nn::OnnxGraph norm = io::onnx_graph(nn::GroupNorm<>(2, 6), {1, 4, 5, 6});
  CHECK(ops_of(norm) == Strings{"Reshape", "InstanceNormalization", "Reshape", "Mul", "Add"});
  CHECK(ops_of(io::onnx_graph(nn::InstanceNorm<>(6), {1, 5, 6})) ==
        Strings{"Transpose", "Reshape", "InstanceNormalization", "Reshape", "Transpose"});
  Generator random(9);
  const nn::Sequential<> model(nn::MultiHeadAttention<>(6, 2, {.causal = true, .bias = false}, random));
  const nn::OnnxGraph attention = io::onnx_graph(model, {1, 5, 6});
  CHECK(constant<float>(attention, "multi_head_attention.later").size() == 25);
  CHECK(constant<float>(attention, "multi_head_attention.query.kernel").size() == 36);
  CHECK(attention.nodes().back().op == "MatMul");
}

TEST_CASE("Names are unique without scopes, too", "[onnx]") {
  nn::OnnxGraph graph({"x", {1, 3}});
  CHECK(graph.constant("axes", nn::OnnxInts{1}) == "axes");
  CHECK(graph.constant("axes", nn::OnnxInts{1}) == "axes_1");
  CHECK(graph.add("Relu", {"x"}) == "Relu");
  CHECK(graph.add("Relu", {"x"}) == "Relu_1");
}

TEST_CASE("What has no form in ONNX is an error that names the layer", "[onnx]") {
  Generator random(8);
  const auto error = [](const nn::Layer<>& layer, const Shape& input, const io::OnnxOptions& options = {}) {
    return error_of([&] { io::onnx_graph(layer, input, options); });
  };
  CHECK(error(nn::Sequential<>(nn::ReLU<>(), Squared()), {1, 3}) ==
        "squared: the layer has no form in ONNX: it does not override export_to (layer 1 of the model, squared, after "
        "relu)");
  CHECK(error(nn::Sequential<>(nn::AddLabels<>(3), nn::AddLabels<>(4)), {1, 2}) ==
        "add_labels: labels of 4 classes, a layer before has 3 (layer 1 of the model, add_labels_1, after add_labels)");
  CHECK(error(nn::BatchNorm<>(3), {1, 2, 3}) ==
        "batch_norm: input (1, 2, 3) has rank 3, expected 2 or 4 in a graph of ONNX operators");
  CHECK(error(nn::AddLabels<>(3), {1, 2}, {.input = "labels"}) ==
        "add_labels: the input of the graph is called labels");
  CHECK(error(nn::ReLU<>(), {1, 2}, {.input = "x", .output = "x"}) == "OnnxGraph: there are two values 'x'");
  CHECK(error(nn::ReLU<>(), {}) == "onnx: input (), expected a batch axis");
  CHECK(error(nn::Dense<>(3, 2, {}, random), {1, 2}) == "dense: input (1, 2), expected (.., 3)");
  const support::TemporaryFolder folder;
  CHECK(support::contains(error_of([&] {
                            io::write_onnx(folder.path() / "none" / "a.onnx", nn::ReLU<>(), {1, 2});
                          }),
                          "cannot write"));
}
