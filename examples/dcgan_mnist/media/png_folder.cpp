#include "media/png_folder.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <tinygan/cpu/thread_pool.hpp>
#include <tinygan/io/file.hpp>

#include "media/image_grid.hpp"

namespace dcgan_mnist {

namespace fs = std::filesystem;
using tinygan::index_t;

namespace {

bool is_png(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return extension == ".png";
}

/// The entries of a directory that `wanted` takes, by name, without hidden ones. Throws Error if it cannot be listed.
template <class Wanted>
std::vector<fs::path> entries(const fs::path& directory, const Wanted& wanted) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error))
    if (!at->path().filename().string().starts_with('.') && wanted(*at)) found.push_back(at->path());
  tinygan::check(!error, directory.string(), "cannot list the directory: ", error.message());
  std::sort(found.begin(), found.end());
  return found;
}

bool is_folder(const fs::directory_entry& entry) {
  std::error_code ignored;
  return entry.is_directory(ignored);
}

std::vector<fs::path> png_files(const fs::path& directory) {
  return entries(directory, [](const fs::directory_entry& e) { return is_png(e.path()) && !is_folder(e); });
}

std::string describe(const Picture& p) {
  return tinygan::text(p.width, 'x', p.height, p.channels == 3 ? " RGB" : " grey");
}

}  // namespace

bool has_png_images(const fs::path& directory) {
  if (!png_files(directory).empty()) return true;
  const std::vector<fs::path> folders = entries(directory, is_folder);
  return std::ranges::any_of(folders, [](const fs::path& folder) { return !png_files(folder).empty(); });
}

tinygan::data::ImageDataset load_png_folder(const fs::path& directory) {
  std::vector<fs::path> files = png_files(directory);
  tinygan::data::ImageDataset d;
  d.source = directory.string();
  if (files.empty()) {
    std::size_t label = 0;
    for (const fs::path& folder : entries(directory, is_folder)) {
      const std::vector<fs::path> of_class = png_files(folder);
      if (of_class.empty()) continue;
      tinygan::check(label < 256, directory.string(), "has more than 256 folders of PNG images, expected at most 256");
      files.insert(files.end(), of_class.begin(), of_class.end());
      d.labels.resize(files.size(), static_cast<std::uint8_t>(label++));
    }
  }
  tinygan::check(!files.empty(), directory.string(), "holds no PNG images");
  const auto read = [](const fs::path& path) { return decode_png(tinygan::io::read_file(path), path.string()); };
  const Picture first = read(files.front());
  d.count = static_cast<index_t>(files.size());
  d.height = first.height;
  d.width = first.width;
  d.channels = first.channels;
  d.images.resize(static_cast<std::size_t>(d.count * d.pixels()));
  tinygan::cpu::parallel_for(d.count, 64, [&](index_t begin, index_t end) {
    for (index_t i = begin; i < end; ++i) {
      const fs::path& path = files[static_cast<std::size_t>(i)];
      const Picture picture = read(path);
      tinygan::check(
          picture.width == first.width && picture.height == first.height && picture.channels == first.channels,
          path.string(), "is ", describe(picture), ", expected ", describe(first), " like ", files.front().string());
      std::ranges::copy(picture.pixels, d.images.begin() + i * d.pixels());
    }
  });
  return d;
}

}  // namespace dcgan_mnist
