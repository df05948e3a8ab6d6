// ImageSource: images by number, in memory or read from files when they are needed, and their labels.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/data/dataset.hpp>
#include <tinygan/data/image_folder.hpp>

namespace tinygan::data {

/// Where a loader reads images, one after the other, from any number of threads.
struct ImageSource {
  std::string name;
  index_t count = 0, height = 0, width = 0, channels = 1;
  std::vector<std::int32_t> labels;  ///< of each image, from 0 on; empty if there are none
  /// Writes image i, (height,width,channels), 8 bits per channel. Called from several threads at once.
  std::function<void(index_t i, std::span<std::uint8_t> pixels)> read;

  index_t pixels() const { return height * width * channels; }
};

/// The images of a data set. Throws Error on a wrong number of pixels or labels.
ImageSource image_source(ImageDataset images);

/// The images of a folder, decoded when they are read: for data sets beyond memory. The first image says the extents;
/// reading one of others throws Error. Throws Error naming the file as read_image does.
ImageSource image_source(ImageFolder folder, ImageDecoder decoder);

}  // namespace tinygan::data

#ifdef TINYGAN_FUNC

namespace tinygan::data {

TINYGAN_FUNC ImageSource image_source(ImageDataset images) {
  images.check_size();
  check(images.labels.empty() || std::cmp_equal(images.labels.size(), images.count), "image_source",
        images.labels.size(), " labels for ", images.count, " images of ", images.source, ", expected one each");
  ImageSource s{images.source, images.count, images.height, images.width, images.channels, {}, {}};
  s.labels.assign(images.labels.begin(), images.labels.end());
  s.read = [shared = std::make_shared<const ImageDataset>(std::move(images)), size = s.pixels()](
               index_t i, std::span<std::uint8_t> pixels) {
    std::copy_n(shared->images.begin() + i * size, size, pixels.begin());
  };
  return s;
}

TINYGAN_FUNC ImageSource image_source(ImageFolder folder, ImageDecoder decoder) {
  check(!folder.files.empty(), "image_source", "no files");
  const DecodedImage first = read_image(folder.files.front(), decoder);
  ImageSource s{
      folder.directory.string(), folder.count(), first.height, first.width, first.channels, folder.labels, {}};
  s.read = [shared = std::make_shared<const ImageFolder>(std::move(folder)), decoder = std::move(decoder), h = s.height,
            w = s.width, c = s.channels](index_t i, std::span<std::uint8_t> pixels) {
    const std::filesystem::path& file = shared->files[static_cast<std::size_t>(i)];
    const DecodedImage image = read_image(file, decoder);
    check(image.height == h && image.width == w && image.channels == c, file.string(), "is ",
          detail::extents_text(image), ", expected ", h, 'x', w, 'x', c, " like ", shared->files.front().string());
    std::copy(image.pixels.begin(), image.pixels.end(), pixels.begin());
  };
  return s;
}

}  // namespace tinygan::data

#endif
