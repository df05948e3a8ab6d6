// Where the training images come from.
#pragma once

#include <cstdint>
#include <string>

#include <tinygan/data/dataset.hpp>

namespace dcgan_mnist {

/// Where the images that --data names lie, whatever folder the program is started in next time: "strokes" or the
/// absolute path of a directory or of one file of images. "auto" is $TINYGAN_MNIST or data/mnist, else "strokes",
/// saying so. Throws Error if they are missing, or are of several sets.
std::string find_images(const std::string& data);

/// The images there without their labels, which no step reads; with `count` above 0 the first so many. `images_md5` is
/// always set. Throws Error if their file is missing or damaged, or holds fewer images.
tinygan::data::ImageDataset training_images(const std::string& where, std::int64_t count);

}  // namespace dcgan_mnist
