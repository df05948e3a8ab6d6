#include "info.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <map>

#include <tinygan/data/mnist.hpp>
#include <tinygan/io/safetensors.hpp>

#include "checkpoint.hpp"
#include "options.hpp"
#include "snapshots.hpp"

namespace dcgan_mnist {

namespace fs = std::filesystem;
namespace data = tinygan::data;
namespace io = tinygan::io;
using tinygan::index_t;

namespace {

std::string size_text(std::uintmax_t bytes) {
  char text[40];
  if (bytes < 10000) std::snprintf(text, sizeof text, "%ju bytes", bytes);
  else std::snprintf(text, sizeof text, "%.1f MB", static_cast<double>(bytes) / 1e6);
  return text;
}

/// Foreign text as it may be printed.
std::string printable(const std::string& s) {
  const std::string quoted = io::detail::shown(s);
  return quoted.substr(1, quoted.size() - 2);
}

std::string shape_text(const std::vector<index_t>& shape) {
  std::string s = "(";
  for (const index_t extent : shape) s += (s.size() > 1 ? ", " : "") + std::to_string(extent);
  return s + ")";
}

std::size_t elements(const io::SafetensorsEntry& e) {
  return e.bytes.size() / static_cast<std::size_t>(io::dtype_info(e.dtype).size);
}

/// Metadata, each tensor, and a count per first part of the names.
void print_tensors(const io::SafetensorsFile& file) {
  for (const auto& [key, value] : file.metadata)
    std::printf("  %s: %s\n", printable(key).c_str(), printable(value).c_str());
  std::vector<const io::SafetensorsEntry*> order;
  std::size_t width = 0;
  for (const io::SafetensorsEntry& e : file.tensors) {
    order.push_back(&e);
    width = std::max(width, std::min<std::size_t>(printable(e.name).size(), 60));
  }
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  std::map<std::string, std::size_t> count;
  for (const io::SafetensorsEntry* e : order) {
    std::printf("  %-*s  %-4s  %s\n", static_cast<int>(width), printable(e->name).c_str(),
                io::dtype_info(e->dtype).name, shape_text(e->shape).c_str());
    count[e->name.substr(0, e->name.find('.'))] += elements(*e);
  }
  for (const auto& [part, n] : count) std::printf("  %s: %zu numbers\n", printable(part).c_str(), n);
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
  const tinygan::train::Checkpoints checkpoints(directory);
  const std::optional<index_t> latest = checkpoints.latest();
  bool damaged = false;
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
  if (!latest) std::printf("no checkpoint yet\n");
  const std::vector<Snapshot> grids = find_snapshots(directory);
  if (!grids.empty())
    std::printf("%zu grids of images, steps %lld to %lld\n", grids.size(), static_cast<long long>(grids.front().step),
                static_cast<long long>(grids.back().step));
  tinygan::check(!damaged, directory.string(), "holds a damaged checkpoint");
  return 0;
}

/// One split of a directory of MNIST files; false if it is not there or damaged.
bool print_split(const fs::path& directory, data::Split split) {
  std::printf("%s:\n", data::split_name(split));
  try {
    const data::ImageDataset d = data::load_mnist(directory, split);
    std::printf("  %lld images of %lldx%lld, %lld labels\n", static_cast<long long>(d.count),
                static_cast<long long>(d.height), static_cast<long long>(d.width),
                static_cast<long long>(d.labels.size()));
    std::printf("  images MD5 %s\n  labels MD5 %s\n", d.images_md5.c_str(), d.labels_md5.c_str());
    std::printf("  images per class 0 to 9:");
    for (const index_t n : data::class_counts(d)) std::printf(" %lld", static_cast<long long>(n));
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

int data_directory_info(const fs::path& directory) {
  std::printf("%s: directory of MNIST files\n", directory.c_str());
  const bool train = print_split(directory, data::Split::train), test = print_split(directory, data::Split::test);
  tinygan::check(train && test, directory.string(), "holds no complete data set");
  return 0;
}

int idx_info(const fs::path& path) {
  std::vector<std::uint8_t> bytes = data::read_maybe_gzip(path);
  const std::string sum = io::md5(bytes);
  const data::IdxFile file = data::parse_idx(std::move(bytes), path.string());
  std::printf("%s: IDX file of bytes, shape %s, MD5 of the uncompressed file %s\n", path.c_str(),
              shape_text(file.dims).c_str(), sum.c_str());
  return 0;
}

/// Whether any of the names begins a file name in the directory.
bool has_data_files(const fs::path& directory) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("train-images") || name.starts_with("train-labels") || name.starts_with("t10k-")) return true;
  }
  return false;
}

}  // namespace

int info(const InfoOptions& options) {
  const fs::path path = options.path;
  std::error_code ignored;
  tinygan::check(fs::exists(path, ignored), options.path, "there is nothing of this name");
  if (!fs::is_directory(path, ignored)) return path.extension() == ".safetensors" ? weights_info(path) : idx_info(path);
  if (fs::exists(path / "meta.json", ignored)) return checkpoint_info(path);
  if (fs::exists(path / "options.json", ignored)) return run_info(path);
  if (has_data_files(path)) return data_directory_info(path);
  tinygan::fail(options.path,
                "is no run directory (options.json), no checkpoint (meta.json) and no directory of MNIST files");
}

}  // namespace dcgan_mnist
