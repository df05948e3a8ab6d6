// Where the training images come from.
#pragma once

#include <cstdint>
#include <string>

#include <tinygan/data/mnist.hpp>

#include "base/options.hpp"

namespace dcgan_mnist {

/// Resolves `where`, the value of --data, to "strokes", the absolute path of images or of a folder of images, or
/// "stacked:" and one of the first two. "auto" is $TINYGAN_MNIST or data/mnist, else "strokes" with a note on standard
/// error; "stacked" is "stacked:auto". Throws Error if the images are missing or of several sets.
std::string find_images(const std::string& where);

/// The images at `where`, with labels if they are wanted and there are any, the first `count` if count > 0.
/// `images_md5` is always set, `labels_md5` where there are labels. Throws Error if a file is missing or damaged, or
/// there are fewer images.
tinygan::data::ImageDataset training_images(const std::string& where, std::int64_t count, tinygan::data::Labels labels);

/// Labels::read if the networks of a run get the classes of its images.
inline tinygan::data::Labels wanted_labels(const TrainOptions& options) {
  return options.conditional ? tinygan::data::Labels::read : tinygan::data::Labels::skip;
}

}  // namespace dcgan_mnist
