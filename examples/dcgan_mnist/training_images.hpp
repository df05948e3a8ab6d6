// Where the training images come from.
#pragma once

#include <string>

#include <tinygan/data/dataset.hpp>

namespace dcgan_mnist {

/// The data set that --data names: a directory, "strokes", or "auto", which takes $TINYGAN_MNIST or data/mnist and falls
/// back to stroke digits, saying so. Throws Error if what was named is missing or damaged.
tinygan::data::ImageDataset training_images(const std::string& data);

}  // namespace dcgan_mnist
