// Where the training images come from.
#pragma once

#include <cstdint>
#include <string>

#include <tinygan/data/dataset.hpp>

namespace dcgan_mnist {

/// Where the images that --data names lie, whatever folder the program is started in next time: "strokes" or an
/// absolute directory. "auto" is $TINYGAN_MNIST or data/mnist, else "strokes", saying so. Throws Error if a file is
/// missing.
std::string find_images(const std::string& data);

/// The images there, with `count` above 0 the first so many. `images_md5` is always set. Throws Error if files are
/// missing or damaged, or hold fewer images.
tinygan::data::ImageDataset training_images(const std::string& where, std::int64_t count);

}  // namespace dcgan_mnist
