#include "run/training_images.hpp"

#include <cstdio>
#include <filesystem>
#include <string_view>

#include <tinygan/data/stacked.hpp>
#include <tinygan/data/strokes.hpp>
#include <tinygan/io/checksum.hpp>

#include "media/image_folder.hpp"

namespace dcgan_mnist {

namespace data = tinygan::data;
namespace fs = std::filesystem;

namespace {

constexpr tinygan::index_t stroke_count = 60000;    // as many as MNIST has, so that epochs compare
constexpr tinygan::index_t stacked_count = 128000;  // as in the literature
constexpr std::string_view stacked = "stacked", stacked_of = "stacked:";

/// Whether `where` is a folder of PNG or JPEG images and holds no file of MNIST's family, which come first.
bool is_image_folder(const fs::path& where) {
  std::error_code ignored;
  return fs::is_directory(where, ignored) && data::find_mnist_sets(where).empty() && has_images(where);
}

}  // namespace

std::string find_images(const std::string& where) {
  if (where == "strokes") return where;
  if (where == stacked) return find_images("stacked:auto");
  if (where.starts_with(stacked_of)) {
    const std::string digits = where.substr(stacked_of.size());
    tinygan::check(!is_image_folder(digits), "--data", digits, " is a folder of images, expected digits to stack");
    return std::string(stacked_of) + find_images(digits);
  }
  if (where != "auto" && is_image_folder(where)) return fs::absolute(where).lexically_normal().string();
  const auto found = data::find_mnist(where == "auto" ? "" : where);
  if (found) return fs::absolute(*found).lexically_normal().string();
  std::fprintf(stderr,
               "NOTE: no MNIST images found in $TINYGAN_MNIST or data/mnist: training on built-in stroke digits.\n"
               "      Give --data DIR to train on the real ones.\n");
  return "strokes";
}

data::ImageDataset training_images(const std::string& where, std::int64_t count, data::Labels labels) {
  const auto load = [&]() -> data::ImageDataset {
    if (where == "strokes") return data::stroke_digits(count > 0 ? count : stroke_count, 0);
    if (where.starts_with(stacked_of))
      return data::stack_digits(training_images(where.substr(stacked_of.size()), 0, data::Labels::skip),
                                count > 0 ? count : stacked_count, 0);
    if (is_image_folder(where)) return load_image_folder(where);
    return data::load_mnist(where, data::Split::train, labels);
  };
  data::ImageDataset d = load();
  tinygan::check(count <= d.count, "--images", count, " images, expected at most ", d.count, ", the number in ",
                 d.source);
  if (labels == data::Labels::skip) d.labels.clear();
  if (count > 0) d.keep_first(count);
  if (d.images_md5.empty()) d.images_md5 = tinygan::io::md5(d.images);
  if (d.labels.empty()) d.labels_md5.clear();
  if (!d.labels.empty() && d.labels_md5.empty()) d.labels_md5 = tinygan::io::md5(d.labels);
  return d;
}

}  // namespace dcgan_mnist
