// Networks and layers as ONNX files beside their results here, which onnxruntime has to repeat: see
// tests/examples/python_onnx.py.
#include <cstdlib>
#include <filesystem>

#include <tinygan/io/npz.hpp>
#include <tinygan/io/onnx.hpp>
#include <tinygan/models/lenet.hpp>
#include <tinygan/models/networks.hpp>
#include <tinygan/nn/activations.hpp>
#include <tinygan/nn/attention.hpp>
#include <tinygan/nn/conv2d.hpp>
#include <tinygan/nn/dense.hpp>
#include <tinygan/nn/embedding.hpp>
#include <tinygan/nn/group_norm.hpp>
#include <tinygan/nn/position_embedding.hpp>
#include <tinygan/nn/residual.hpp>

#include "support/catch.hpp"

using namespace tinygan;

namespace {

/// (N,H,W,C) as (N,C,H,W), other ranks as they are.
Variable<float> graph_layout(const Variable<float>& x) { return x.rank() == 4 ? ops::permute(x, {0, 3, 1, 2}) : x; }

/// Every element drawn anew, so that neither biases nor running statistics are those of a new network.
void draw_all(const nn::Module<float>& network, Generator& random) {
  const auto ends_in = [](const std::string& name, const char* end) { return name.ends_with(end); };
  for (const auto& [name, p] : network.named_parameters()) {
    if (p.rank() > 1) continue;
    const bool scale = ends_in(name, "gamma");
    p.value().copy_from(random_uniform<float>(p.shape(), random, scale ? 0.5f : -0.5f, scale ? 1.5f : 0.5f));
  }
  for (const auto& [name, b] : network.named_buffers()) {
    const bool variance = ends_in(name, "moving_variance");
    if (variance || ends_in(name, "moving_mean"))
      b.value().copy_from(random_uniform<float>(b.shape(), random, variance ? 0.5f : -0.5f, variance ? 1.5f : 0.5f));
  }
}

/// Writes NAME.onnx, and NAME.npz with input_N, labels_N and output_N for batches of 2 and 8.
class Cases {
 public:
  explicit Cases(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Of `tokens`, if above 0, the input holds the numbers 0 to tokens - 1, else normal ones.
  void add(const std::string& name, nn::Layer<float>& network, const Shape& input, index_t classes = 0,
           index_t tokens = 0) {
    const NoGrad no_grad;
    draw_all(network, random_);
    io::write_onnx(folder_ / (name + ".onnx"), network, input);
    io::NpzFile file;
    for (const index_t batch : {2, 8}) {
      const Variable<float> x = drawn(input.with(0, batch), tokens);
      nn::Pass pass = nn::Pass::infer();
      if (classes > 0) {
        Tensor<float> labels = Tensor<float>::zeros({batch, classes});
        for (index_t i = 0; i < batch; ++i) labels.data()[i * classes + (3 * i + 1) % classes] = 1;
        add_array(file, text("labels_", batch), labels);
        pass = pass.with_labels(Variable<float>(labels));
      }
      add_array(file, text("input_", batch), graph_layout(x).value());
      add_array(file, text("output_", batch), graph_layout(network(x, pass)).value());
    }
    io::write_npz(folder_ / (name + ".npz"), file);
  }
  template <class Layer>
  void layer(const std::string& name, Layer layer, const Shape& input, index_t classes = 0) {
    add("layer_" + name, layer, input, classes);
  }
  void pair(const std::string& name, models::Network network, const models::NetworkOptions& o) {
    models::Networks<float> n = models::make_networks<float>(network, o, random_);
    add(name + "_generator", n.generator, {1, models::latent_size}, o.classes);
    add(name + "_discriminator", n.discriminator, {o.packing, o.size, o.size, o.channels}, o.classes);
  }
  Generator& random() { return random_; }

 private:
  Tensor<float> drawn(const Shape& shape, index_t tokens) {
    if (tokens == 0) return random_normal<float>(shape, random_);
    return cast<float>(random_integers(shape, 0, static_cast<std::int32_t>(tokens - 1), random_));
  }
  static void add_array(io::NpzFile& file, const std::string& name, const Tensor<float>& t) {
    file.add<float>(name, t.to_vector(), {t.shape().begin(), t.shape().end()});
  }

  std::filesystem::path folder_;
  Generator random_{7};
};

/// y = embedding(x), x holding tokens.
class Tokens : public nn::Layer<float> {
 public:
  Tokens(index_t count, index_t width, Generator& random)
      : embedding_(&add_module("embedding", nn::Embedding<float>(count, width, {}, random))) {}

  Variable<float> forward(const Variable<float>& x, const nn::Pass&) override {
    return (*embedding_)(cast<std::int32_t>(x.value()));
  }
  Shape output_shape(const Shape& x) const override {
    std::vector<index_t> extents(x.begin(), x.end());
    extents.push_back(embedding_->embedding().shape()[1]);
    return Shape(extents);
  }
  nn::OnnxValue export_to(nn::OnnxGraph& graph, const nn::OnnxValue& x) const override {
    return embedding_->export_to(graph, x);
  }
  std::string type() const override { return "tokens"; }

 private:
  nn::Embedding<float>* embedding_;
};

std::vector<Activation> activations() {
  return {Activation::none, Activation::relu, Activation::leaky_relu(0.3), Activation::sigmoid, Activation::tanh};
}

}  // namespace

TEST_CASE("Layers as ONNX files", "[.][onnx_files]") {
  const char* const folder = std::getenv("TINYGAN_ONNX_FOLDER");
  REQUIRE(folder != nullptr);
  Cases cases(folder);
  Generator& random = cases.random();

  int number = 0;
  for (const Activation f : activations()) {
    const std::string i = text(number++);
    cases.layer("dense_" + i, nn::Dense<float>(5, 3, {.bias = number % 2 == 0, .activation = f}, random), {1, 5});
    cases.layer("activation_" + i, nn::ActivationLayer<float>(f, "activation"), {1, 2, 3, 4});
    cases.layer("batch_norm_" + i, nn::BatchNorm<float>(3, {.epsilon = 0.1, .activation = f}), {1, 4, 5, 3});
    cases.layer("layer_norm_" + i, nn::LayerNorm<float>(6, {.epsilon = 0.1, .activation = f}), {1, 4, 5, 6});
  }
  cases.layer("dense_sequence", nn::Dense<float>(5, 3, {.activation = Activation::relu}, random), {1, 4, 5});
  cases.layer("dense_pixels", nn::Dense<float>(5, 3, {}, random), {1, 2, 4, 5});
  cases.layer("residual", nn::Residual<float>(nn::LayerNorm<float>(5), nn::Dense<float>(5, 5, {}, random)), {1, 4, 5});
  cases.layer("residual_images", nn::Residual<float>(nn::Conv2D<float>(3, 3, {.padding = Padding::same()}, random)),
              {1, 4, 5, 3});
  cases.layer("position_embedding", nn::PositionEmbedding<float>(6, 5, {}, random), {1, 4, 5});
  cases.layer("gelu", nn::GELU<float>(), {1, 2, 3, 4});
  cases.layer("silu", nn::SiLU<float>(), {1, 5});
  cases.layer("conv2d_groups", nn::Conv2D<float>(4, 6, {.groups = 2}, random), {1, 5, 6, 4});
  cases.layer("conv2d_depthwise", nn::Conv2D<float>(3, 6, {.padding = Padding::same(), .groups = 3}, random),
              {1, 5, 6, 3});
  cases.layer("conv2d_transpose_spectral_norm",
              nn::Conv2DTranspose<float>(3, 2, {.stride = 2, .spectral_norm = true}, random), {1, 3, 4, 3});
  cases.layer("batch_norm_rows", nn::BatchNorm<float>(3), {1, 3});
  cases.layer("layer_norm_rows", nn::LayerNorm<float>(7), {1, 7});
  cases.layer("softmax_rows", nn::Softmax<float>(), {1, 7});
  cases.layer("softmax_images", nn::Softmax<float>(), {1, 2, 3, 4});
  cases.layer("dropout", nn::Dropout<float>(0.5), {1, 7});
  cases.layer("dense_spectral", nn::Dense<float>(5, 3, {.spectral_norm = true}, random), {1, 5});
  cases.layer("conv2d_spectral", nn::Conv2D<float>(3, 4, {.kernel = 3, .spectral_norm = true}, random), {1, 5, 6, 3});

  cases.layer("group_norm", nn::GroupNorm<float>(2, 6, {.epsilon = 0.1}), {1, 4, 5, 6});
  cases.layer("group_norm_rows", nn::GroupNorm<float>(3, 6), {1, 6});
  cases.layer("group_norm_sequence", nn::GroupNorm<float>(2, 6), {1, 5, 6});
  cases.layer("group_norm_volume", nn::GroupNorm<float>(2, 4), {1, 2, 3, 5, 4});
  cases.layer("instance_norm", nn::InstanceNorm<float>(3), {1, 4, 5, 3});
  cases.layer("instance_norm_affine", nn::InstanceNorm<float>(3, {.epsilon = 0.1, .affine = true}), {1, 4, 5, 3});
  cases.layer("attention", nn::MultiHeadAttention<float>(6, 2, {}, random), {1, 5, 6});
  cases.layer("attention_causal", nn::MultiHeadAttention<float>(6, 3, {.causal = true, .bias = false}, random),
              {1, 5, 6});
  Tokens sequence(7, 4, random), image(7, 4, random);
  cases.add("layer_embedding_sequence", sequence, {1, 5}, 0, 7);
  cases.add("layer_embedding_image", image, {1, 3, 5}, 0, 7);
  nn::Sequential<float> transformer(Tokens(7, 6, random), nn::MultiHeadAttention<float>(6, 2, {.causal = true}, random),
                                    nn::LayerNorm<float>(6), nn::Dense<float>(6, 7, {}, random));
  cases.add("layer_transformer", transformer, {1, 5}, 0, 7);

  // Every padding at kernels below, at and above the stride, on extents that the stride does not divide.
  number = 0;
  for (const Padding padding : {Padding::same(), Padding::valid(), Padding::sides(2, 1, 0, 2)})
    for (const index_t kernel : {1, 2, 3, 5})
      for (const index_t stride : {1, 2, 3})
        for (const index_t dilation : {1, 2}) {
          const nn::Conv2DOptions o{
              .kernel = {kernel, 2}, .stride = {stride, 2}, .padding = padding, .dilation = {dilation, 1}};
          const std::string i = text(number++);
          cases.layer("conv2d_" + i, nn::Conv2D<float>(3, 4, o, random), {1, 9, 10, 3});
          if (padding.kind == Padding::Kind::explicit_ && kernel < 3) continue;  // the padding would leave nothing
          cases.layer("conv2d_transpose_" + i, nn::Conv2DTranspose<float>(3, 4, o, random), {1, 4, 3, 3});
          if (padding.kind == Padding::Kind::same || stride == 1) continue;
          nn::Conv2DOptions more = o;
          more.output_padding = {1, 1};
          cases.layer("conv2d_transpose_more_" + i, nn::Conv2DTranspose<float>(3, 4, more, random), {1, 4, 3, 3});
        }
  number = 0;
  for (const Padding padding : {Padding::same(), Padding::valid(), Padding::sides(1, 0, 0, 1)})
    for (const index_t window : {2, 3})
      for (const index_t stride : {1, 2, 3}) {
        const std::string i = text(number++);
        cases.layer("max_pool2d_" + i, nn::MaxPool2D<float>(window, stride, padding), {1, 7, 8, 3});
        cases.layer("average_pool2d_" + i, nn::AveragePool2D<float>(window, stride, padding), {1, 7, 8, 3});
      }
  cases.layer("upsample2d", nn::UpSample2D<float>(3), {1, 2, 3, 2});

  cases.layer("flatten_images", nn::Flatten<float>(), {1, 2, 3, 4});
  cases.layer("flatten_grey", nn::Flatten<float>(), {1, 2, 3, 1});
  cases.layer("flatten_pixel", nn::Flatten<float>(), {1, 1, 1, 4});
  cases.layer("flatten_cube", nn::Flatten<float>(), {1, 2, 3});
  cases.layer("reshape_images", nn::Reshape<float>({2, 3, 4}), {1, 24});
  cases.layer("reshape_grey", nn::Reshape<float>({2, 3, 1}), {1, 6});
  cases.layer("reshape_pixel", nn::Reshape<float>({1, 1, 4}), {1, 4});
  cases.layer("reshape_of_images", nn::Reshape<float>({4, 2, 3}), {1, 2, 3, 4});
  cases.layer("reshape_to_rows", nn::Reshape<float>({4, 6}), {1, 2, 3, 4});

  cases.layer("pack", nn::Pack<float>(2), {2, 3, 2, 3});
  cases.layer("minibatch_stddev_images", nn::MinibatchStddev<float>(4), {1, 2, 3, 3});
  cases.layer("minibatch_stddev_rows", nn::MinibatchStddev<float>(4), {1, 5});
  cases.layer("add_labels", nn::AddLabels<float>(3), {1, 5}, 3);
  cases.layer("projection", nn::Projection<float>(5, 3, {}, random), {1, 5}, 3);
  cases.layer("projection_spectral", nn::Projection<float>(5, 3, {.bias = false, .spectral_norm = true}, random),
              {1, 5}, 3);
  nn::Sequential<float> virtual_norm(
      nn::AddReference<float>(random_normal<float>({5, 12}, random)),
      nn::VirtualBatchNorm<float>(12, 5, {.epsilon = 0.1, .activation = Activation::leaky_relu(0.2)}),
      nn::Reshape<float>({2, 2, 3}), nn::VirtualBatchNorm<float>(3, 5), nn::DropReference<float>(5));
  cases.add("layer_virtual_batch_norm", virtual_norm, {1, 12});
}

TEST_CASE("Networks as ONNX files", "[.][onnx_files]") {
  const char* const folder = std::getenv("TINYGAN_ONNX_FOLDER");
  REQUIRE(folder != nullptr);
  Cases cases(folder);
  using models::Network, models::Norm;
  for (std::size_t i = 0; i < models::network_names.size(); ++i) {
    const auto network = static_cast<Network>(i);
    const std::string name = models::network_names[i];
    cases.pair(name + "_conditional", network, {.classes = 10});
    if (network == Network::article) continue;  // 160 MB once more; the trainer's export has it
    cases.pair(name, network, {});
    if (network == Network::linear) continue;
    cases.pair(name + "_virtual", network, {.norm = Norm::virtual_batch});
  }
  const models::NetworkOptions all{
      .norm = Norm::virtual_batch, .spectral_norm = true, .minibatch_stddev = 4, .packing = 2, .dropout = 0.5};
  models::NetworkOptions all_conditional = all;
  all_conditional.packing = 1;
  all_conditional.classes = 10;
  for (const Network network : {Network::small, Network::libtorch, Network::dcgan}) {
    const std::string name = models::network_names[static_cast<std::size_t>(network)];
    cases.pair(name + "_all", network, all);
    cases.pair(name + "_all_conditional", network, all_conditional);
  }
  cases.pair("tinygan_32_colour", Network::tinygan, {.channels = 3, .size = 32});
  cases.pair("dcgan_64", Network::dcgan, {.channels = 3, .size = 64});
  models::LeNet<float> lenet(10, cases.random());
  cases.add("lenet", lenet, {1, 28, 28, 1});
}
