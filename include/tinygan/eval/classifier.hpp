// Classifier: a trained LeNet and what its file says of it.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <tinygan/base/outline.hpp>
#include <tinygan/data/dataset.hpp>
#include <tinygan/io/checksum.hpp>
#include <tinygan/io/weights.hpp>
#include <tinygan/models/lenet.hpp>

namespace tinygan::eval {

/// A classifier's view of N images: features (N,128) and logits (N,classes), row-major.
struct Judgement {
  index_t count = 0, classes = 0;
  std::vector<float> features, logits;

  /// The features of image i.
  std::span<const float> row(index_t i) const;
  /// Keeps the first n images. Expects 0 < n <= count.
  void keep_first(index_t n);
};

/// The share of the images whose largest logit is that of their label. Throws Error unless there is a label for each.
double accuracy(const Judgement& judgement, std::span<const std::uint8_t> labels);

/// A trained LeNet: logits, features and judgements of images in batches.
class Classifier {
 public:
  static constexpr index_t height = 28, width = 28, feature_size = models::LeNet<float>::feature_size;

  /// From the bytes of a file that examples/mnist_classifier.cpp wrote. Throws Error naming `name` if they are not such
  /// a file.
  Classifier(std::span<const std::uint8_t> bytes, const std::string& name, Device device = Device::cpu());

  /// Of images (N,28,28), 0 black to 255 white, in batches that bound the memory. Throws Error unless they are
  /// complete.
  Judgement operator()(std::span<const std::uint8_t> images);

  /// The share of the images that it reads as labelled. Throws Error on another size and without labels.
  double accuracy(const data::ImageDataset& images);

  index_t classes() const { return model_.classes(); }
  const std::string& md5() const { return md5_; }  ///< of the file: figures of different classifiers do not compare

 private:
  std::string md5_;
  Device device_;
  models::LeNet<float> model_;
};

}  // namespace tinygan::eval

#ifdef TINYGAN_FUNC

namespace tinygan::eval::detail {

/// The file, checked to be a classifier's, and its number of classes.
TINYGAN_FUNC index_t classifier_classes(const io::SafetensorsFile& file, const std::string& name) {
  const auto value = [&](const char* key) {
    const auto found = file.metadata.find(key);
    check(found != file.metadata.end(), name, "has no metadata '", key, "', expected a classifier's file");
    return found->second;
  };
  const std::string format = value("format"), model = value("model"), classes = value("classes");
  check(format == "tinygan-classifier-1" && model == "lenet", name, "holds ", io::detail::shown(model), " in format ",
        io::detail::shown(format), ", expected lenet in tinygan-classifier-1");
  index_t count = 0;
  const auto [end, error] = std::from_chars(classes.data(), classes.data() + classes.size(), count);
  check(error == std::errc() && end == classes.data() + classes.size() && count >= 2 && count <= 256, name, "is of ",
        io::detail::shown(classes), " classes, expected a number from 2 to 256");
  return count;
}

TINYGAN_FUNC models::LeNet<float> load_classifier(std::span<const std::uint8_t> bytes, const std::string& name,
                                                  Device device) {
  const io::SafetensorsFile file = io::decode_safetensors(bytes, name);
  Generator random(0);
  models::LeNet<float> model(classifier_classes(file, name), random);
  io::load_weights<float>(file, name, io::NamedModule<float>{"", &model});
  model.to(device);
  return model;
}

}  // namespace tinygan::eval::detail

namespace tinygan::eval {

TINYGAN_FUNC std::span<const float> Judgement::row(index_t i) const {
  const auto size = features.size() / static_cast<std::size_t>(count);
  return std::span(features).subspan(static_cast<std::size_t>(i) * size, size);
}

TINYGAN_FUNC void Judgement::keep_first(index_t n) {
  const std::size_t kept = static_cast<std::size_t>(n), all = static_cast<std::size_t>(count);
  features.resize(features.size() / all * kept);
  logits.resize(logits.size() / all * kept);
  count = n;
}

TINYGAN_FUNC double accuracy(const Judgement& judgement, std::span<const std::uint8_t> labels) {
  check(std::cmp_equal(labels.size(), judgement.count) && !labels.empty(), "accuracy", labels.size(), " labels for ",
        judgement.count, " images, expected one each");
  index_t right = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto row = judgement.logits.begin() + static_cast<std::ptrdiff_t>(i) * judgement.classes;
    right += std::max_element(row, row + judgement.classes) - row == labels[i];
  }
  return static_cast<double>(right) / static_cast<double>(judgement.count);
}

TINYGAN_CTOR Classifier::Classifier(std::span<const std::uint8_t> bytes, const std::string& name, Device device)
    : md5_(io::md5(bytes)), device_(device), model_(detail::load_classifier(bytes, name, device)) {}

TINYGAN_FUNC Judgement Classifier::operator()(std::span<const std::uint8_t> images) {
  constexpr std::size_t pixels = height * width, batch = 500;
  check(!images.empty() && images.size() % pixels == 0, "Classifier", images.size(), " bytes, expected images of ",
        height, "x", width);
  const NoGrad no_grad;
  const std::size_t count = images.size() / pixels;
  Judgement all{static_cast<index_t>(count), model_.classes(), {}, {}};
  for (std::size_t first = 0; first < count; first += batch) {
    const std::span<const std::uint8_t> bytes = images.subspan(first * pixels, std::min(batch, count - first) * pixels);
    std::vector<float> x(bytes.size());
    std::transform(bytes.begin(), bytes.end(), x.begin(), [](std::uint8_t b) { return static_cast<float>(b) / 255; });
    const Variable<float> features = model_.features(
        Tensor<float>::from(x, {static_cast<index_t>(bytes.size() / pixels), height, width, 1}, device_));
    for (const auto& [to, from] :
         {std::pair{&all.features, features}, std::pair{&all.logits, model_.logits(features)}}) {
      const std::vector<float> values = from.value().to_vector();
      to->insert(to->end(), values.begin(), values.end());
    }
  }
  return all;
}

TINYGAN_FUNC double Classifier::accuracy(const data::ImageDataset& images) {
  check(images.height == height && images.width == width, "Classifier", "images of ", images.height, "x", images.width,
        ", expected ", height, "x", width);
  return eval::accuracy((*this)(images.images), images.labels);
}

}  // namespace tinygan::eval

#endif
