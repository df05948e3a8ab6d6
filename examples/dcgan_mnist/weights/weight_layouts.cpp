#include "weights/weight_layouts.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <tinygan/nn/conv2d.hpp>
#include <tinygan/nn/dense.hpp>
#include <tinygan/tensor/permute.hpp>

namespace dcgan_mnist {

using tinygan::index_t;
using tinygan::Shape;
using tinygan::Tensor;
namespace nn = tinygan::nn;

namespace {

/// One axis, whose elements stand for an image (H,W,C), in the order (C,H,W).
Tensor<float> channels_first(const Tensor<float>& a, int axis, const Shape& hwc) {
  std::vector<index_t> extents(a.shape().begin(), a.shape().end());
  extents.erase(extents.begin() + axis);
  extents.insert(extents.begin() + axis, hwc.begin(), hwc.end());
  std::vector<int> order;
  for (int i = 0; i < static_cast<int>(extents.size()); ++i) order.push_back(i);
  std::rotate(order.begin() + axis, order.begin() + axis + 2, order.begin() + axis + 3);
  return tinygan::permute(a.reshape(Shape(extents)), order).reshape(a.shape());
}

using Layers = std::vector<std::pair<std::string, const nn::Layer<float>*>>;

bool keeps_features(const nn::Layer<float>& layer) { return layer.type() == "batch_norm" || layer.type() == "dropout"; }

/// For each layer whose input or output features are a flattened image: its shape (H,W,C).
struct Features {
  std::optional<Shape> in, out;
};

std::vector<Features> image_features(const Layers& layers, const Shape& input) {
  std::vector<Features> features(layers.size());
  std::vector<Shape> shapes = {input};
  for (const auto& [name, layer] : layers) shapes.push_back(layer->output_shape(shapes.back()));
  const auto image = [](const Shape& s) { return Shape{s[1], s[2], s[3]}; };
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const bool flattens = shapes[i].rank() == 4 && shapes[i + 1].rank() == 2;
    const bool unflattens = shapes[i].rank() == 2 && shapes[i + 1].rank() == 4;
    if (flattens) {
      for (std::size_t j = i + 1; j < layers.size(); ++j) {
        features[j].in = image(shapes[i]);
        if (!keeps_features(*layers[j].second)) break;
        features[j].out = features[j].in;
      }
    }
    if (unflattens) {
      for (std::size_t j = i; j-- > 0;) {
        features[j].out = image(shapes[i + 1]);
        if (!keeps_features(*layers[j].second)) break;
        features[j].in = features[j].out;
      }
    }
  }
  return features;
}

/// PyTorch's name of a tensor.
std::string torch_name(const std::string& layer_type, const std::string& tensor) {
  static const std::map<std::string, std::string> batch_norm = {
      {"gamma", "weight"}, {"beta", "bias"}, {"moving_mean", "running_mean"}, {"moving_variance", "running_var"}};
  if (layer_type == "batch_norm") return batch_norm.at(tensor);
  return tensor == "kernel" ? "weight" : tensor;
}

Tensor<float> torch_tensor(const std::string& layer_type, const std::string& tensor, Tensor<float> a,
                           const Features& features) {
  if (layer_type == "dense") {
    if (tensor == "kernel" && features.in) a = channels_first(a, 0, *features.in);
    if (features.out) a = channels_first(a, a.rank() - 1, *features.out);
    return tensor == "kernel" ? tinygan::permute(a, {1, 0}) : a;
  }
  if (layer_type == "batch_norm") return features.out ? channels_first(a, 0, *features.out) : a;
  return tensor == "kernel" ? tinygan::to_kcrs(a) : a;  // both kinds of convolution
}

/// "dense_1" is of type "dense"; Keras calls "batch_norm_1" "batch_normalization_1".
std::string keras_name(const std::string& layer_name, const std::string& layer_type) {
  const std::string type = layer_type == "batch_norm" ? "batch_normalization" : layer_type;
  return type + layer_name.substr(layer_type.size());
}

/// The parameters and buffers of a layer. A kernel with spectral norm is the one that inference uses, without u.
std::vector<nn::Named<float>> exported_tensors(const nn::Layer<float>& layer) {
  std::vector<nn::Named<float>> tensors = layer.named_parameters();
  const auto* const dense = dynamic_cast<const nn::Dense<float>*>(&layer);
  const auto* const conv = dynamic_cast<const nn::Conv2D<float>*>(&layer);
  for (nn::Named<float>& b : layer.named_buffers()) {
    if (b.name != "spectral_norm.u") tensors.push_back(std::move(b));
    else if (dense) tensors[0].variable = dense->used_kernel(nn::Pass::infer());
    else if (conv) tensors[0].variable = conv->used_kernel(nn::Pass::infer());
  }
  return tensors;
}

}  // namespace

void add_in_layout(tinygan::io::SafetensorsFile& file, const std::string& prefix, const nn::Sequential<float>& model,
                   const Shape& input, Layout layout) {
  const Layers layers = model.layers();
  const std::vector<Features> features = image_features(layers, input);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto& [name, layer] = layers[i];
    const std::vector<nn::Named<float>> tensors = exported_tensors(*layer);
    if (tensors.empty()) continue;
    const std::string type = layer->type();
    const auto known = {"dense", "conv2d", "conv2d_transpose", "batch_norm"};
    tinygan::check(std::find(known.begin(), known.end(), type) != known.end(), "export", "no rule for a layer of type ",
                   type);

    const std::string path = prefix + "." + (layout == Layout::keras ? keras_name(name, type) : name) + ".";
    for (const nn::Named<float>& t : tensors) {
      Tensor<float> a = t.variable.value().to(tinygan::Device::cpu());
      if (layout == Layout::torch) a = torch_tensor(type, t.name, std::move(a), features[i]);
      const std::vector<index_t> shape(a.shape().begin(), a.shape().end());
      file.add<float>(path + (layout == Layout::torch ? torch_name(type, t.name) : t.name), a.host(), shape);
    }
    const std::int64_t no_batches = 0;  // part of the state_dict; unused, since momentum is given
    if (layout == Layout::torch && type == "batch_norm")
      file.add<std::int64_t>(path + "num_batches_tracked", {&no_batches, 1}, {});
  }
}

}  // namespace dcgan_mnist
