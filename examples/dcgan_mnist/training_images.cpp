#include "training_images.hpp"

#include <cstdio>
#include <optional>

#include <tinygan/data/mnist.hpp>
#include <tinygan/data/strokes.hpp>
#include <tinygan/io/checksum.hpp>

namespace dcgan_mnist {

namespace data = tinygan::data;

namespace {

constexpr tinygan::index_t stroke_count = 60000;  // as many as MNIST has, so that epochs compare

std::optional<std::filesystem::path> find_files(const std::string& where) {
  if (where == "strokes") return {};
  const auto found = data::find_mnist(where == "auto" ? "" : where);
  if (!found)
    std::fprintf(stderr,
                 "NOTE: no MNIST files found (looked at $TINYGAN_MNIST and data/mnist): training on built-in stroke digits.\n"
                 "      Give --data DIR to train on the real ones.\n");
  return found;
}

}  // namespace

data::ImageDataset training_images(const std::string& where, std::int64_t count) {
  const auto files = find_files(where);
  data::ImageDataset d =
      files ? data::load_mnist(*files, data::Split::train) : data::stroke_digits(count > 0 ? count : stroke_count, 0);
  tinygan::check(count <= d.count, "--images", count, " images asked for, ", d.source, " has ", d.count);
  if (count > 0 && count < d.count) {
    d.count = count;
    d.images.resize(static_cast<std::size_t>(count * d.pixels()));
    d.labels.resize(static_cast<std::size_t>(count));
    d.images_md5.clear();
  }
  if (d.images_md5.empty()) d.images_md5 = tinygan::io::md5(d.images);
  return d;
}

}  // namespace dcgan_mnist
