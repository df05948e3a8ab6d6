#include "run/info.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <vector>

#include <tinygan/data/mnist.hpp>
#include <tinygan/io/safetensors.hpp>

#include "base/numbers.hpp"
#include "base/options.hpp"
#include "media/image_folder.hpp"
#include "report/snapshots.hpp"
#include "run/checkpoint.hpp"

namespace dcgan_mnist {

namespace fs = std::filesystem;
namespace data = tinygan::data;
namespace io = tinygan::io;
using tinygan::index_t;

namespace {

std::string size_text(std::uintmax_t bytes) {
  if (bytes < 10000) return std::to_string(bytes) + " bytes";
  return fixed(static_cast<double>(bytes) / 1e6, 1) + " MB";
}

using io::detail::printable;

std::string shape_text(const std::vector<index_t>& shape) {
  std::string s = "(";
  for (const index_t extent : shape) s += (s.size() > 1 ? ", " : "") + std::to_string(extent);
  return s + ")";
}

/// Metadata, each tensor, and a count per first part of the names.
void print_tensors(const io::SafetensorsFile& file) {
  for (const auto& [key, value] : file.metadata)
    std::printf("  %s: %s\n", printable(key).c_str(), printable(value).c_str());
  std::vector<const io::SafetensorsEntry*> order;
  std::size_t width = 0, type_width = 4;
  for (const io::SafetensorsEntry& e : file.tensors) {
    order.push_back(&e);
    width = std::max(width, std::min<std::size_t>(printable(e.name).size(), 60));
    type_width = std::max(type_width, printable(e.dtype_name(), 20).size());
  }
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  std::map<std::string, index_t> count;
  for (const io::SafetensorsEntry* e : order) {
    std::printf("  %-*s  %-*s  %s\n", static_cast<int>(width), printable(e->name).c_str(), static_cast<int>(type_width),
                printable(e->dtype_name(), 20).c_str(), shape_text(e->shape).c_str());
    count[e->name.substr(0, e->name.find('.'))] += io::product(e->shape).value_or(0);
  }
  for (const auto& [part, n] : count)
    std::printf("  %s: %lld numbers\n", printable(part).c_str(), static_cast<long long>(n));
}

int weights_info(const fs::path& path) {
  const io::SafetensorsFile file = io::read_safetensors(path);
  std::printf("%s: safetensors file of %zu tensors, %s, MD5 %s\n", path.c_str(), file.tensors.size(),
              size_text(fs::file_size(path)).c_str(), io::md5(io::read_file(path)).c_str());
  print_tensors(file);
  return 0;
}

int checkpoint_info(const fs::path& directory) {
  const LoadedCheckpoint c = read_checkpoint(directory);
  std::printf("%s: checkpoint of step %lld, by tinygan %s; sizes and checksums are right\n", directory.c_str(),
              static_cast<long long>(c.meta.step), c.meta.library_version.c_str());
  std::printf("data: %s, MD5 %s\n", c.meta.data_source.c_str(), c.meta.data_md5.c_str());
  for (const auto& [name, value] : c.meta.options.items())
    std::printf("  %s: %s\n", name.c_str(), value.dump().c_str());
  std::printf("model.safetensors: %zu tensors\n", c.model.tensors.size());
  print_tensors(c.model);
  std::printf("state.safetensors: %zu tensors\n", c.state.tensors.size());
  print_tensors(c.state);
  return 0;
}

int run_info(const fs::path& directory) {
  std::printf("%s: run directory\n", directory.c_str());
  const TrainOptions options = read_options(directory / "options.json");
  const nlohmann::ordered_json json = to_json(options);
  for (const auto& [name, value] : json.items()) std::printf("  %s: %s\n", name.c_str(), value.dump().c_str());
  std::printf("started by: %s\n", command_of(options).c_str());
  const tinygan::io::Checkpoints checkpoints(directory);
  std::optional<index_t> latest;
  bool damaged = false;
  try {
    latest = checkpoints.latest();
  } catch (const tinygan::Error& e) {
    std::printf("DAMAGED: %s\n", e.what());
    damaged = true;
  }
  for (const index_t step : checkpoints.steps()) {
    const fs::path path = checkpoints.path(step);
    std::string verdict = "sizes and checksums are right";
    try {
      read_checkpoint(path);
    } catch (const tinygan::Error& e) {
      verdict = std::string("DAMAGED: ") + e.what();
      damaged = true;
    }
    std::printf("checkpoint of step %lld%s: %s\n", static_cast<long long>(step), step == latest ? " (latest)" : "",
                verdict.c_str());
  }
  const std::vector<index_t> steps = checkpoints.steps();
  if (steps.empty()) std::printf("no checkpoint yet\n");
  else if (!latest && !damaged) std::printf("no file 'latest': the newest intact checkpoint is used\n");
  const std::vector<Snapshot> grids = find_snapshots(directory);
  if (!grids.empty())
    std::printf("%zu grids of images, steps %lld to %lld\n", grids.size(), static_cast<long long>(grids.front().step),
                static_cast<long long>(grids.back().step));
  tinygan::check(!damaged, directory.string(), "holds a damaged checkpoint");
  return 0;
}

/// One split of a set; false if it is damaged.
bool print_split(const data::MnistSet& set, data::Split split) {
  std::printf("%s%s%s:\n", set.name.c_str(), set.name.empty() ? "" : " ", data::split_name(split));
  const bool images = !set.images(split).empty(), labels = !set.labels(split).empty();
  if (!images) std::printf("  no images\n");
  if (!labels) std::printf("  no labels\n");
  if (!images) return true;
  try {
    const data::ImageDataset d = data::load_mnist(set, split, labels ? data::Labels::read : data::Labels::skip);
    std::printf("  %lld images of %s, %lld labels\n", static_cast<long long>(d.count), d.extents().c_str(),
                static_cast<long long>(d.labels.size()));
    std::printf("  images MD5 %s\n", d.images_md5.c_str());
    if (!labels) return true;
    std::printf("  labels MD5 %s\n", d.labels_md5.c_str());
    const std::vector<index_t> counts = data::class_counts(d);
    std::printf("  images per class 0 to %zu:", counts.size() - 1);
    for (const index_t n : counts) std::printf(" %lld", static_cast<long long>(n));
    bool official = true;
    try {
      data::verify_mnist(d);
    } catch (const tinygan::Error&) {
      official = false;
    }
    std::printf("\n  %s\n",
                official ? "these are MNIST's files as published" : "these are NOT MNIST's files as published");
    return true;
  } catch (const tinygan::Error& e) {
    std::printf("  %s\n", e.what());
    return false;
  }
}

int data_directory_info(const fs::path& directory, const std::vector<data::MnistSet>& sets) {
  bool images = false, intact = true;
  for (const data::MnistSet& set : sets) {
    std::printf("%s: directory of MNIST files\n", set.folder.c_str());
    for (const data::Split split : {data::Split::train, data::Split::test}) {
      images = images || !set.images(split).empty();
      intact = print_split(set, split) && intact;
    }
  }
  tinygan::check(images, directory.string(), "holds no images");
  tinygan::check(intact, directory.string(), "holds a damaged data set");
  return 0;
}

int image_folder_info(const fs::path& directory) {
  const data::ImageDataset d = load_image_folder(directory);
  std::printf("%s: folder of images\n  %lld images of %s, MD5 of all pixels %s\n", directory.c_str(),
              static_cast<long long>(d.count), d.extents().c_str(), io::md5(d.images).c_str());
  if (d.labels.empty()) return 0;
  std::vector<index_t> counts = data::class_counts(d);
  counts.resize(d.labels.back() + std::size_t{1});  // folders are classes in order
  std::printf("  images per class 0 to %zu:", counts.size() - 1);
  for (const index_t n : counts) std::printf(" %lld", static_cast<long long>(n));
  std::printf("\n");
  return 0;
}

int idx_info(const fs::path& path) {
  const std::vector<std::uint8_t> bytes = data::read_maybe_gzip(path);
  const data::IdxHeader header = data::parse_idx_header(bytes, path.string());
  const std::string type = data::detail::find_idx_type(header.type)->name;
  std::printf("%s: IDX file of %s, shape %s, MD5 of the uncompressed file %s\n", path.c_str(),
              header.type == data::detail::idx_byte ? "bytes" : (type + "s").c_str(), shape_text(header.dims).c_str(),
              io::md5(bytes).c_str());
  return 0;
}

}  // namespace

int info(const InfoOptions& options) {
  const fs::path path = options.path;
  std::error_code ignored;
  tinygan::check(fs::exists(path, ignored), options.path, "file not found");
  if (!fs::is_directory(path, ignored)) return path.extension() == ".safetensors" ? weights_info(path) : idx_info(path);
  if (fs::exists(path / "meta.json", ignored)) return checkpoint_info(path);
  if (fs::exists(path / "options.json", ignored)) return run_info(path);
  const std::vector<data::MnistSet> sets = data::find_mnist_sets(path);
  if (!sets.empty()) return data_directory_info(path, sets);
  if (has_images(path)) return image_folder_info(path);
  tinygan::fail(
      options.path,
      "is not a run directory (options.json), a checkpoint (meta.json), a directory of MNIST files or a folder "
      "of PNG or JPEG images");
}

}  // namespace dcgan_mnist
