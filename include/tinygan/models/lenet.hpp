// LeNet: the classifier of 28x28 greyscale images on whose features generated images are judged.
#pragma once

#include <tinygan/nn/conv2d.hpp>
#include <tinygan/nn/dense.hpp>
#include <tinygan/nn/dropout.hpp>
#include <tinygan/nn/pooling.hpp>
#include <tinygan/nn/reshape.hpp>
#include <tinygan/nn/sequential.hpp>

namespace tinygan::models {

/// Images (N,28,28,1) with pixels in [0,1] -> 128 features after ReLU -> logits (N,classes): two 5x5 convolutions of 32
/// and 64 channels, each before a 2x2 maximum, and two dense layers; 0.45 million parameters.
/// Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998, with ReLU, maximum and
/// dropout in place of sigmoid and mean.
template <class T = float>
class LeNet : public nn::Layer<T> {
 public:
  static constexpr index_t feature_size = 128;

  /// Throws Error unless classes >= 2.
  explicit LeNet(index_t classes = 10, Generator& random = default_generator());

  /// The features (N,128) of images.
  Variable<T> features(const Variable<T>& images, const nn::Pass& pass = nn::Pass::infer()) {
    return (*features_)(images, pass);
  }
  /// The logits of features.
  Variable<T> logits(const Variable<T>& features, const nn::Pass& pass = nn::Pass::infer()) {
    return (*head_)(features, pass);
  }

  Variable<T> forward(const Variable<T>& x, const nn::Pass& pass) override { return logits(features(x, pass), pass); }
  Shape output_shape(const Shape& x) const override { return head_->output_shape(features_->output_shape(x)); }
  nn::OnnxValue export_to(nn::OnnxGraph& graph, const nn::OnnxValue& x) const override;
  std::string type() const override { return "lenet"; }
  std::vector<std::pair<std::string, const nn::Layer<T>*>> layers() const override;
  index_t classes() const { return classes_; }

 private:
  index_t classes_;
  nn::Sequential<T>*features_, *head_;  // child modules
};

template <class T>
LeNet<T>::LeNet(index_t classes, Generator& random) : classes_(classes) {
  check(classes >= 2, "lenet", classes, " classes, expected at least 2");
  const nn::Initializer he = nn::Initializer::he_normal();
  const nn::Conv2DOptions conv{
      .kernel = 5, .padding = Padding::same(), .activation = Activation::relu, .kernel_initializer = he};
  nn::Sequential<T> features, head;
  features.add(nn::Conv2D<T>(1, 32, conv, random))
      .add(nn::MaxPool2D<T>(2))
      .add(nn::Conv2D<T>(32, 64, conv, random))
      .add(nn::MaxPool2D<T>(2))
      .add(nn::Flatten<T>())
      .add(nn::Dense<T>(7 * 7 * 64, feature_size, {.activation = Activation::relu, .kernel_initializer = he}, random));
  head.add(nn::Dropout<T>(0.5)).add(nn::Dense<T>(feature_size, classes, {}, random));
  features_ = &this->add_module("features", std::move(features));
  head_ = &this->add_module("head", std::move(head));
}

template <class T>
auto LeNet<T>::layers() const -> std::vector<std::pair<std::string, const nn::Layer<T>*>> {
  std::vector<std::pair<std::string, const nn::Layer<T>*>> all;
  for (const auto& [name, layer] : features_->layers()) all.push_back({"features." + name, layer});
  for (const auto& [name, layer] : head_->layers()) all.push_back({"head." + name, layer});
  return all;
}

template <class T>
nn::OnnxValue LeNet<T>::export_to(nn::OnnxGraph& graph, const nn::OnnxValue& x) const {
  const nn::OnnxValue features = [&] {
    const nn::OnnxGraph::Scope scope(graph, "features");
    return features_->export_to(graph, x);
  }();
  const nn::OnnxGraph::Scope scope(graph, "head");
  return head_->export_to(graph, features);
}

}  // namespace tinygan::models
