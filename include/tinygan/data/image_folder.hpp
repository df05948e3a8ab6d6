// Folders of images as data sets: the library lists the files, and the program's own function decodes them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <tinygan/base/ascii.hpp>
#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/cpu/thread_pool.hpp>
#include <tinygan/data/dataset.hpp>
#include <tinygan/io/extents.hpp>
#include <tinygan/io/file.hpp>

namespace tinygan::data {

/// A decoded image: (height, width, channels), 8 bits per channel.
struct DecodedImage {
  index_t height = 0, width = 0, channels = 0;
  std::vector<std::uint8_t> pixels;
};

/// The image in a file's bytes; `name` is for error texts. Called from several threads at once.
using ImageDecoder = std::function<DecodedImage(std::span<const std::uint8_t> bytes, const std::string& name)>;

/// The image files of a directory, by name; if it has none itself, those of its folders, each of which is a class.
struct ImageFolder {
  std::filesystem::path directory;
  std::vector<std::filesystem::path> files;
  std::vector<std::int32_t> labels;  ///< of each file: the n-th folder by name has label n; empty without folders
  std::vector<std::string> classes;  ///< names of the folders

  index_t count() const { return static_cast<index_t>(files.size()); }
};

/// Lists the files with one of these extensions, in any case; hidden ones, and folders without images, are left out.
/// Throws Error if the directory cannot be listed or holds no image.
ImageFolder image_folder(const std::filesystem::path& directory,
                         const std::vector<std::string>& extensions = {".png", ".jpg", ".jpeg"});

/// Reads and decodes one file. Throws Error naming it unless the decoder gives as many pixels as its extents say.
DecodedImage read_image(const std::filesystem::path& file, const ImageDecoder& decoder);

/// Reads all images. Throws Error naming the file as the decoder does, if one differs from the first in its extents,
/// and on more than 256 classes.
ImageDataset load_images(const ImageFolder& folder, const ImageDecoder& decoder);

}  // namespace tinygan::data

#ifdef TINYGAN_FUNC

namespace tinygan::data::detail {

/// The entries of a directory that `wanted` takes, by name, without hidden ones.
template <class Wanted>
std::vector<std::filesystem::path> entries(const std::filesystem::path& directory, const Wanted& wanted) {
  namespace fs = std::filesystem;
  std::vector<fs::path> found;
  std::error_code error, ignored;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error))
    if (!at->path().filename().string().starts_with('.') && wanted(at->path(), at->is_directory(ignored)))
      found.push_back(at->path());
  check(!error, directory.string(), "cannot list the directory: ", error.message());
  std::sort(found.begin(), found.end());
  return found;
}

TINYGAN_FUNC std::string extents_text(const DecodedImage& i) { return text(i.height, 'x', i.width, 'x', i.channels); }

}  // namespace tinygan::data::detail

namespace tinygan::data {

TINYGAN_FUNC ImageFolder image_folder(const std::filesystem::path& directory,
                                      const std::vector<std::string>& extensions) {
  namespace fs = std::filesystem;
  const auto images = [&](const fs::path& in) {
    return detail::entries(in, [&](const fs::path& path, bool is_folder) {
      const std::string extension = tinygan::detail::lower_case(path.extension().string());
      return !is_folder && std::find(extensions.begin(), extensions.end(), extension) != extensions.end();
    });
  };
  ImageFolder found{directory, images(directory), {}, {}};
  if (found.files.empty()) {
    for (const fs::path& folder :
         detail::entries(directory, [](const fs::path&, bool is_folder) { return is_folder; })) {
      const std::vector<fs::path> of_class = images(folder);
      if (of_class.empty()) continue;
      found.files.insert(found.files.end(), of_class.begin(), of_class.end());
      found.labels.resize(found.files.size(), static_cast<std::int32_t>(found.classes.size()));
      found.classes.push_back(folder.filename().string());
    }
  }
  std::string wanted;
  for (const std::string& e : extensions) wanted += (wanted.empty() ? "" : ", ") + e;
  check(!found.files.empty(), directory.string(), "holds no images, nor do its folders; looked for ", wanted);
  return found;
}

TINYGAN_FUNC DecodedImage read_image(const std::filesystem::path& file, const ImageDecoder& decoder) {
  DecodedImage image = decoder(io::read_file(file), file.string());
  const index_t extents[] = {image.height, image.width, image.channels};
  const bool valid = image.height >= 1 && image.width >= 1 && image.channels >= 1;
  const auto expected = valid ? io::product(extents) : std::nullopt;
  check(expected && static_cast<std::size_t>(*expected) == image.pixels.size(), file.string(), "the decoder gave ",
        image.pixels.size(), " bytes for ", detail::extents_text(image), " pixels");
  return image;
}

TINYGAN_FUNC ImageDataset load_images(const ImageFolder& folder, const ImageDecoder& decoder) {
  check(!folder.files.empty(), "load_images", "no files");
  check(folder.classes.size() <= 256, folder.directory.string(), folder.classes.size(),
        " folders of images, expected at most 256");
  const DecodedImage first = read_image(folder.files.front(), decoder);
  ImageDataset d;
  d.source = folder.directory.string();
  d.count = folder.count();
  d.height = first.height;
  d.width = first.width;
  d.channels = first.channels;
  d.labels.assign(folder.labels.begin(), folder.labels.end());
  const index_t pixels = d.pixels();
  d.images.resize(static_cast<std::size_t>(d.count * pixels));
  cpu::parallel_for(d.count, 64, [&](index_t begin, index_t end) {
    for (index_t i = begin; i < end; ++i) {
      const std::filesystem::path& file = folder.files[static_cast<std::size_t>(i)];
      const DecodedImage image = read_image(file, decoder);
      const bool same = image.height == d.height && image.width == d.width && image.channels == d.channels;
      check(same, file.string(), "is ", detail::extents_text(image), ", expected ", detail::extents_text(first),
            " like ", folder.files.front().string());
      std::copy(image.pixels.begin(), image.pixels.end(), d.images.begin() + i * pixels);
    }
  });
  return d;
}

}  // namespace tinygan::data

#endif
