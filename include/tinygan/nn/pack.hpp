// Pack: several images as the channels of one, for a discriminator that judges them together.
#pragma once

#include <tinygan/nn/layer.hpp>
#include <tinygan/ops/shape.hpp>

namespace tinygan::nn {

/// (N,H,W,C) to (N/m,H,W,mC): pack i has images i, i + N/m, ..., i + (m-1) N/m side by side in its channels. As the
/// first layer of a discriminator: D(x_1, ..., x_m), which sees whether the images of a pack are alike.
/// Source: Lin, Khetan, Fanti, Oh, "PacGAN: The power of two samples in generative adversarial networks", 2018.
template <class T = float>
class Pack : public Layer<T> {
 public:
  /// Throws Error unless images >= 1.
  explicit Pack(index_t images);

  Variable<T> forward(const Variable<T>& x, const Pass&) override;
  /// Throws Error on a rank other than 4, and unless m divides N.
  Shape output_shape(const Shape& x) const override;
  OnnxValue export_to(OnnxGraph& graph, const OnnxValue& x) const override;
  std::string type() const override { return "pack"; }
  std::string details() const override { return text(images_, " images"); }

 private:
  index_t images_;
};

template <class T>
Pack<T>::Pack(index_t images) : images_(images) {
  check(images >= 1, "pack", images, " images, expected at least 1");
}

template <class T>
Variable<T> Pack<T>::forward(const Variable<T>& x, const Pass&) {
  const index_t packs = output_shape(x.shape())[0];
  std::vector<Variable<T>> images;
  for (index_t i = 0; i < images_; ++i) images.push_back(ops::slice(x, 0, i * packs, (i + 1) * packs));
  return ops::concat(images, -1);
}

template <class T>
Shape Pack<T>::output_shape(const Shape& x) const {
  this->check_usable();
  check(x.rank() == 4, "pack", "input ", x, " has rank ", x.rank(), ", expected 4 (N,H,W,C)");
  check(x[0] % images_ == 0, "pack", "a batch of ", x[0], " images, expected a multiple of ", images_);
  return {x[0] / images_, x[1], x[2], images_ * x[3]};
}

template <class T>
OnnxValue Pack<T>::export_to(OnnxGraph& graph, const OnnxValue& x) const {
  const Shape shape = output_shape(x.shape);
  const OnnxInts image = onnx_sample_dims(x.shape), pack = onnx_sample_dims(shape);
  const std::string split = graph.constant("split", OnnxInts{images_, -1, image[0], image[1], image[2]}),
                    merged = graph.constant("merged", OnnxInts{-1, pack[0], pack[1], pack[2]});
  const std::string images = graph.add("Reshape", {x.name, split});  // (m, N/m, C, H, W)
  const std::string packs = graph.add("Transpose", {images}, {{"perm", OnnxInts{1, 0, 2, 3, 4}}});
  return {graph.add("Reshape", {packs, merged}), shape};
}

}  // namespace tinygan::nn
