#include "training_images.hpp"

#include <cstdio>

#include <tinygan/data/mnist.hpp>
#include <tinygan/data/strokes.hpp>

namespace dcgan_mnist {

namespace data = tinygan::data;

namespace {

constexpr tinygan::index_t stroke_count = 60000;  // as many as MNIST has, so that epochs compare

}  // namespace

data::ImageDataset training_images(const std::string& where) {
  if (where == "strokes") return data::stroke_digits(stroke_count, 0);
  const auto found = data::find_mnist(where == "auto" ? "" : where);
  if (found) return data::load_mnist(*found, data::Split::train);
  std::fprintf(stderr,
               "NOTE: no MNIST files found (looked at $TINYGAN_MNIST and data/mnist): training on built-in stroke digits.\n"
               "      Give --data DIR to train on the real ones.\n");
  return data::stroke_digits(stroke_count, 0);
}

}  // namespace dcgan_mnist
