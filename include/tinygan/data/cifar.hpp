// CIFAR-10's binary files: images of 32x32 pixels in three channels, of ten classes.
//
// A file is records of 3073 bytes: the class, 0 to 9, then the planes of red, green and blue, each row-major. The data
// set has 10000 records in each of its five training files and its test file; files of fewer are read as well.
// Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009, and the data set's page.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/data/dataset.hpp>
#include <tinygan/data/idx.hpp>

namespace tinygan::data {

inline constexpr std::array<const char*, 10> cifar10_classes = {"airplane", "automobile", "bird",  "cat",  "deer",
                                                                "dog",      "frog",       "horse", "ship", "truck"};

/// Appends the images, (count,32,32,3), and labels of one file's bytes. Throws Error naming `name` unless these are
/// whole records, at least one, of the classes 0 to 9.
void append_cifar10(ImageDataset& d, std::span<const std::uint8_t> bytes, const std::string& name);

/// Reads data_batch_1.bin to data_batch_5.bin or test_batch.bin, plain or gzipped, of a directory or of
/// cifar-10-batches-bin in it. Throws Error naming the file if one is missing, and as append_cifar10 does.
ImageDataset load_cifar10(const std::filesystem::path& directory, Split split = Split::train);

}  // namespace tinygan::data

#ifdef TINYGAN_FUNC

namespace tinygan::data {

TINYGAN_FUNC void append_cifar10(ImageDataset& d, std::span<const std::uint8_t> bytes, const std::string& name) {
  constexpr std::size_t side = 32, plane = side * side, record = 1 + 3 * plane;
  check(!bytes.empty() && bytes.size() % record == 0, name, bytes.size(),
        " bytes, expected a multiple of 3073, the records of CIFAR-10's binary version");
  check(d.count == 0 || d.extents() == "32x32x3", name, "images of 32x32x3 after images of ", d.extents());
  const std::size_t count = bytes.size() / record;
  for (std::size_t i = 0; i < count; ++i)
    check(bytes[i * record] < cifar10_classes.size(), name, "record ", i, " has the class ", int{bytes[i * record]},
          ", expected 0 to 9");
  d.count += static_cast<index_t>(count);
  d.height = d.width = side;
  d.channels = 3;
  d.images.reserve(d.images.size() + count * 3 * plane);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* const planes = bytes.data() + i * record + 1;
    d.labels.push_back(bytes[i * record]);
    for (std::size_t p = 0; p < plane; ++p)
      d.images.insert(d.images.end(), {planes[p], planes[plane + p], planes[2 * plane + p]});
  }
}

TINYGAN_FUNC ImageDataset load_cifar10(const std::filesystem::path& directory, Split split) {
  namespace fs = std::filesystem;
  const std::vector<std::string> names =
      split == Split::test ? std::vector<std::string>{"test_batch.bin"}
                           : std::vector<std::string>{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                                      "data_batch_4.bin", "data_batch_5.bin"};
  ImageDataset d;
  d.source = directory.string();
  d.split = split;
  for (const std::string& name : names) {
    fs::path found;
    for (const fs::path& folder : {directory, directory / "cifar-10-batches-bin"})
      for (const char* const ending : {"", ".gz"}) {
        std::error_code ignored;
        if (found.empty() && fs::exists(folder / (name + ending), ignored)) found = folder / (name + ending);
      }
    check(!found.empty(), "CIFAR-10", "no ", name, " in ", directory.string(),
          " or in cifar-10-batches-bin there; unpack cifar-10-binary.tar.gz, the binary version");
    append_cifar10(d, read_maybe_gzip(found), found.string());
  }
  return d;
}

}  // namespace tinygan::data

#endif
