// Where the training images come from.
#pragma once

#include <cstdint>
#include <string>

#include <tinygan/data/dataset.hpp>

namespace dcgan_mnist {

/// The data set that --data names: a directory, "strokes", or "auto", which takes $TINYGAN_MNIST or data/mnist and falls
/// back to stroke digits, saying so. With `count` above 0 the first so many images. `images_md5` is always set. Throws Error
/// if what was named is missing or damaged, or has fewer images.
tinygan::data::ImageDataset training_images(const std::string& data, std::int64_t count);

}  // namespace dcgan_mnist
