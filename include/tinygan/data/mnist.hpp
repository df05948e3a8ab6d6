// MNIST and the data sets of its family: finding, reading and verifying their files.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/data/dataset.hpp>
#include <tinygan/data/idx.hpp>
#include <tinygan/data/mnist_files.hpp>
#include <tinygan/io/checksum.hpp>

namespace tinygan::data {

/// Whether the labels of a split are read, or only its images.
enum class Labels { read, skip };

namespace detail {

/// One of MNIST's files: its name up to the "-idx", the MD5 sum of its content.
struct PublishedFile {
  const char* stem;
  const char* md5;
};
/// Images and labels of the training and of the test split.
inline constexpr PublishedFile published[2][2] = {
    {{"train-images", "6bbc9ace898e44ae57da46a324031adb"}, {"train-labels", "a25bea736e30d166cdddb491f175f624"}},
    {{"t10k-images", "2646ac647ad5339dbf082846283269ea"}, {"t10k-labels", "27ae3e4e09519cfbb04c329615203637"}}};

inline constexpr unsigned most_classes = 62;  // EMNIST's split by class: digits, upper and lower case

std::vector<std::uint8_t> read_labels(const std::filesystem::path& path, std::string& sum);

}  // namespace detail

/// True if images and labels of both splits of one set are in `directory` or below, under any of their names.
bool has_mnist(const std::filesystem::path& directory);

/// The folder with the training images: in `directory` if it is given, else in $TINYGAN_MNIST if that is set, else in
/// data/mnist of the working directory, else nullopt. `directory` may also be a file of images, which is then the
/// result. Throws Error if `directory` or $TINYGAN_MNIST has no images (there is no silent fallback), or has several
/// sets.
std::optional<std::filesystem::path> find_mnist(const std::filesystem::path& directory = {});

/// One split of a set, with the MD5 sums of its files; without labels for Labels::skip. Throws Error if a file is
/// missing or damaged, if images are not 28x28, if a label is above 61, or if the numbers of labels and images differ.
ImageDataset load_mnist(const MnistSet& set, Split split, Labels wanted = Labels::read);

/// load_mnist() of the set that choose_mnist_set() finds.
ImageDataset load_mnist(const std::filesystem::path& directory, Split split, Labels wanted = Labels::read);

/// Throws Error unless the files of `d`, labels included, are the published MNIST files of its split, byte for byte.
void verify_mnist(const ImageDataset& d);

}  // namespace tinygan::data

#ifdef TINYGAN_FUNC

namespace tinygan::data::detail {

TINYGAN_FUNC std::vector<std::uint8_t> read_labels(const std::filesystem::path& path, std::string& sum) {
  std::vector<std::uint8_t> raw = read_maybe_gzip(path);
  sum = io::md5(raw);
  std::vector<std::uint8_t> labels = parse_idx_labels(std::move(raw), path.string());
  const auto wrong = std::find_if(labels.begin(), labels.end(), [](std::uint8_t l) { return l >= most_classes; });
  if (wrong != labels.end())
    fail(path.string(), "label ", wrong - labels.begin(), " is ", int{*wrong}, ", expected 0 to ", most_classes - 1);
  return labels;
}

}  // namespace tinygan::data::detail

namespace tinygan::data {

TINYGAN_FUNC bool has_mnist(const std::filesystem::path& directory) {
  const auto complete = [](const MnistSet& s) {
    return !s.train_images.empty() && !s.train_labels.empty() && !s.test_images.empty() && !s.test_labels.empty();
  };
  return !find_mnist_sets(directory, complete).empty();
}

TINYGAN_FUNC std::optional<std::filesystem::path> find_mnist(const std::filesystem::path& directory) {
  const auto images_in = [](const std::filesystem::path& d) {
    const MnistSet set = choose_mnist_set(d, Split::train);
    return detail::is_file(d) ? d : set.folder;
  };
  if (!directory.empty()) return images_in(directory);
  if (const char* named = std::getenv("TINYGAN_MNIST"); named != nullptr && *named != '\0') {
    try {
      return images_in(named);
    } catch (const Error& e) {
      fail("TINYGAN_MNIST", e.what());
    }
  }
  const std::filesystem::path usual = std::filesystem::path("data") / "mnist";
  const auto has_images = [](const MnistSet& s) { return !s.train_images.empty(); };
  if (find_mnist_sets(usual, has_images).empty()) return std::nullopt;
  return images_in(usual);
}

TINYGAN_FUNC ImageDataset load_mnist(const MnistSet& set, Split split, Labels wanted) {
  const std::filesystem::path &images_path = set.images(split), &labels_path = set.labels(split);
  const auto [images_file, labels_file] = detail::published[split == Split::test];
  const std::string prefix = set.name.empty() ? "" : set.name + "-";
  check(!images_path.empty(), "MNIST", "no ", prefix, images_file.stem, " in ", set.folder.string());
  if (wanted == Labels::read)
    check(!labels_path.empty(), "MNIST", "no ", prefix, labels_file.stem, " in ", set.folder.string(), "; looked for ",
          prefix, labels_file.stem, "-idx1-ubyte.gz, ", prefix, labels_file.stem,
          "-idx1-ubyte, with '.' for any '-', and -idx2-int");
  ImageDataset d;
  d.source = set.folder.string() + (set.name.empty() ? "" : " (" + set.name + ")");
  d.split = split;
  std::vector<std::uint8_t> raw = read_maybe_gzip(images_path);
  d.images_md5 = io::md5(raw);
  IdxFile images = parse_idx(std::move(raw), images_path.string());
  check(images.dims.size() == 3 && images.dims[1] == 28 && images.dims[2] == 28, images_path.string(),
        "has the dimensions ", detail::extents(images.dims), ", expected Nx28x28");
  d.count = images.dims[0];
  d.height = d.width = 28;
  d.images = std::move(images.bytes);
  if (wanted == Labels::skip) return d;
  d.labels = detail::read_labels(labels_path, d.labels_md5);
  check(static_cast<index_t>(d.labels.size()) == d.count, labels_path.string(), "has ", d.labels.size(),
        " labels for the ", d.count, " images of ", images_path.string());
  return d;
}

TINYGAN_FUNC ImageDataset load_mnist(const std::filesystem::path& directory, Split split, Labels wanted) {
  return load_mnist(choose_mnist_set(directory, split), split, wanted);
}

TINYGAN_FUNC void verify_mnist(const ImageDataset& d) {
  const auto same = [&](const detail::PublishedFile& file, const std::string& found) {
    check(found == file.md5, "MNIST", file.stem, " in ", d.source, " has the MD5 sum ",
          found.empty() ? "(none)" : found, ", expected ", file.md5, ", that of the published file");
  };
  const auto& [images, labels] = detail::published[d.split == Split::test];
  same(images, d.images_md5);
  same(labels, d.labels_md5);
}

}  // namespace tinygan::data

#endif
