// MNIST: finding the four files, reading them, checking that they are the published ones.
#pragma once

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/data/dataset.hpp>
#include <tinygan/data/idx.hpp>
#include <tinygan/io/checksum.hpp>

namespace tinygan::data {

namespace detail {

/// One of the four files: its name up to the "-idx", its number of dimensions, the MD5 sum of its content.
struct MnistFile {
  const char* stem;
  int rank;
  const char* md5;
};
inline constexpr MnistFile mnist_files[2][2] = {
    {{"train-images", 3, "6bbc9ace898e44ae57da46a324031adb"}, {"train-labels", 1, "a25bea736e30d166cdddb491f175f624"}},
    {{"t10k-images", 3, "2646ac647ad5339dbf082846283269ea"}, {"t10k-labels", 1, "27ae3e4e09519cfbb04c329615203637"}}};

constexpr const MnistFile& mnist_images(Split s) { return mnist_files[s == Split::test][0]; }
constexpr const MnistFile& mnist_labels(Split s) { return mnist_files[s == Split::test][1]; }

/// The names under which a file is found: as published, and with the dot that some programs make of a dash.
inline std::array<std::string, 4> mnist_names(const MnistFile& f) {
  const std::string dash = text(f.stem, "-idx", f.rank, "-ubyte"), dot = text(f.stem, ".idx", f.rank, "-ubyte");
  return {dash + ".gz", dash, dot + ".gz", dot};
}

inline bool present(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

/// The path of a file in `directory`; throws Error telling which names were looked for.
inline std::filesystem::path find_mnist_file(const std::filesystem::path& directory, const MnistFile& file) {
  std::error_code ignored;
  check(present(directory), "MNIST", "there is no directory ", directory.string());
  check(std::filesystem::is_directory(directory, ignored), "MNIST", directory.string(), " is not a directory");
  std::string looked_for;
  for (const std::string& name : mnist_names(file)) {
    if (present(directory / name)) return directory / name;
    looked_for += (looked_for.empty() ? "" : ", ") + name;
  }
  fail("MNIST", "no ", file.stem, " in ", directory.string(), "; looked for ", looked_for);
}

}  // namespace detail

/// True if all four files are in `directory`, under any of their names.
inline bool has_mnist(const std::filesystem::path& directory) {
  for (const auto& split : detail::mnist_files)
    for (const auto& file : split) {
      const auto names = detail::mnist_names(file);
      if (std::none_of(names.begin(), names.end(), [&](const auto& n) { return detail::present(directory / n); }))
        return false;
    }
  return true;
}

/// Where the files are: `directory` if one is given, else $TINYGAN_MNIST if it is set, else data/mnist below the
/// working directory, else nowhere. Throws Error if one of the first two is named and lacks a file: what the user asked
/// for is never silently replaced.
inline std::optional<std::filesystem::path> find_mnist(const std::filesystem::path& directory = {}) {
  const auto complete = [](const std::filesystem::path& d) {
    for (const auto& split : detail::mnist_files)
      for (const auto& file : split) detail::find_mnist_file(d, file);
    return d;
  };
  if (!directory.empty()) return complete(directory);
  if (const char* named = std::getenv("TINYGAN_MNIST"); named != nullptr && *named != '\0') {
    try {
      return complete(named);
    } catch (const Error& e) {
      fail("TINYGAN_MNIST", e.what());
    }
  }
  const std::filesystem::path usual = std::filesystem::path("data") / "mnist";
  if (has_mnist(usual)) return usual;
  return std::nullopt;
}

/// One split of MNIST, or of a set of the same format (Fashion-MNIST), with the MD5 sums of its files. Throws Error if
/// a file is missing or damaged, images are not 28x28, labels are not 0 to 9, or there are not as many as images.
inline ImageDataset load_mnist(const std::filesystem::path& directory, Split split) {
  const auto images_path = detail::find_mnist_file(directory, detail::mnist_images(split));
  const auto labels_path = detail::find_mnist_file(directory, detail::mnist_labels(split));
  ImageDataset d;
  d.source = directory.string();
  d.split = split;

  const auto read = [](const std::filesystem::path& path, std::string& sum) {
    std::vector<std::uint8_t> raw = read_maybe_gzip(path);
    sum = io::md5(raw);
    return parse_idx(std::move(raw), path.string());
  };
  IdxFile images = read(images_path, d.images_md5), labels = read(labels_path, d.labels_md5);
  check(images.dims.size() == 3 && images.dims[1] == 28 && images.dims[2] == 28, images_path.string(),
        "has the dimensions ", detail::extents(images.dims), ", expected Nx28x28");
  check(labels.dims.size() == 1, labels_path.string(), "has the dimensions ", detail::extents(labels.dims),
        ", expected N");
  check(labels.dims[0] == images.dims[0], labels_path.string(), "has ", labels.dims[0], " labels for the ",
        images.dims[0], " images of ", images_path.string());
  const auto wrong = std::find_if(labels.bytes.begin(), labels.bytes.end(), [](std::uint8_t l) { return l > 9; });
  if (wrong != labels.bytes.end())
    fail(labels_path.string(), "label ", wrong - labels.bytes.begin(), " is ", int{*wrong}, ", expected 0 to 9");

  d.count = images.dims[0];
  d.height = d.width = 28;
  d.images = std::move(images.bytes);
  d.labels = std::move(labels.bytes);
  return d;
}

/// Throws Error unless the files behind `d` are, byte for byte, the published MNIST files of its split.
inline void verify_mnist(const ImageDataset& d) {
  const auto same = [&](const detail::MnistFile& file, const std::string& found) {
    check(found == file.md5, "MNIST", file.stem, " in ", d.source, " has the MD5 sum ",
          found.empty() ? "(none)" : found, ", the published file has ", file.md5);
  };
  same(detail::mnist_images(d.split), d.images_md5);
  same(detail::mnist_labels(d.split), d.labels_md5);
}

}  // namespace tinygan::data
