// The classifier that is part of the program: LeNet, trained on MNIST by examples/mnist_classifier.cpp.
#pragma once

#include <string>

#include <tinygan/eval/classifier.hpp>

namespace dcgan_mnist {

/// The classifier in `file`, or the program's own if `file` is empty. Throws Error if the file is not a classifier's,
/// or if the program's own is not the published one, byte for byte.
tinygan::eval::Classifier load_classifier(const std::string& file, tinygan::Device device);

/// Whether a classifier is the published one, whose figures docs/quality.md holds.
bool is_published(const tinygan::eval::Classifier& classifier);

}  // namespace dcgan_mnist
