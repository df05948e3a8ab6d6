#include "run/training_images.hpp"

#include <cstdio>
#include <filesystem>

#include <tinygan/data/mnist.hpp>
#include <tinygan/data/strokes.hpp>
#include <tinygan/io/checksum.hpp>

namespace dcgan_mnist {

namespace data = tinygan::data;

namespace {

constexpr tinygan::index_t stroke_count = 60000;  // as many as MNIST has, so that epochs compare

}  // namespace

std::string find_images(const std::string& where) {
  if (where == "strokes") return where;
  const auto found = data::find_mnist(where == "auto" ? "" : where);
  if (found) return std::filesystem::absolute(*found).lexically_normal().string();
  std::fprintf(stderr,
               "NOTE: no MNIST images found in $TINYGAN_MNIST or data/mnist: training on built-in stroke digits.\n"
               "      Give --data DIR to train on the real ones.\n");
  return "strokes";
}

data::ImageDataset training_images(const std::string& where, std::int64_t count, data::Labels labels) {
  data::ImageDataset d = where == "strokes" ? data::stroke_digits(count > 0 ? count : stroke_count, 0)
                                            : data::load_mnist(where, data::Split::train, labels);
  tinygan::check(count <= d.count, "--images", count, " images, expected at most ", d.count, ", the number in ",
                 d.source);
  if (count > 0) d.keep_first(count);
  if (d.images_md5.empty()) d.images_md5 = tinygan::io::md5(d.images);
  return d;
}

}  // namespace dcgan_mnist
