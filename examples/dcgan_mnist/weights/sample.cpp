#include "weights/sample.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include <tinygan/io/file.hpp>
#include <tinygan/io/npz.hpp>

#include "base/latents.hpp"
#include "media/image_grid.hpp"

namespace dcgan_mnist {

namespace fs = std::filesystem;
using tinygan::index_t;
using tinygan::Tensor;

namespace {

constexpr std::int64_t most_in_a_grid = 250000;  // 500x500 images, 14501 pixels a side
constexpr index_t image_side = 28;               // at least; encode_png() knows the size of larger images

/// A grid is the default output.
bool draws_grid(const SampleOptions& o) { return !o.out.empty() || (o.pngs.empty() && o.npz.empty()); }

/// Of a conditional generator's grid without --class: as many that each of its rows has a class.
int columns_of_grid(const SampleOptions& o, std::int64_t classes = 0) {
  if (o.columns == 0 && classes > 0 && o.label < 0) return static_cast<int>((o.count + classes - 1) / classes);
  return o.columns > 0 ? o.columns : static_cast<int>(std::ceil(std::sqrt(static_cast<double>(o.count))));
}

/// One file per image: sample_000000.png, sample_000001.png, ...
void write_pngs(const fs::path& directory, const Tensor<float>& images, float low, float high) {
  std::error_code error;
  fs::create_directories(directory, error);
  tinygan::check(!error, directory.string(), "cannot create the directory: ", error.message());
  const std::vector<std::uint8_t> bytes = to_bytes(images, low, high);
  const index_t H = images.extent(1), W = images.extent(2), C = images.extent(3);
  for (index_t n = 0; n < images.extent(0); ++n) {
    char name[40];
    std::snprintf(name, sizeof name, "sample_%06lld.png", static_cast<long long>(n));
    const auto first = bytes.begin() + n * H * W * C;
    tinygan::io::write_file(directory / name, encode_png({W, H, C, {first, first + H * W * C}}));
  }
}

/// images (N,H,W), or (N,H,W,C) of several channels, and the latents (N,100) and classes (N), if any, that they were made of.
void write_npz(const fs::path& path, const Tensor<float>& images, const Tensor<float>& latents,
               const std::vector<std::int64_t>& classes, const ImageSource& source, bool floats) {
  std::vector<index_t> shape = {images.extent(0), images.extent(1), images.extent(2)};
  if (images.extent(3) > 1) shape.push_back(images.extent(3));
  tinygan::io::NpzFile file;
  if (floats) file.add<float>("images", images.to_vector(), shape);
  else file.add<std::uint8_t>("images", to_bytes(images, source.low(), source.high()), shape);
  file.add<float>("latents", latents.to_vector(), {latents.extent(0), latents.extent(1)});
  if (!classes.empty()) file.add<std::int64_t>("classes", classes, {images.extent(0)});
  tinygan::io::write_npz(path, file);
}

}  // namespace

std::string validation_error(const SampleOptions& o) {
  if (!draws_grid(o)) return {};
  if (o.count > most_in_a_grid)
    return tinygan::text("a grid of ", o.count, " images, at most ", most_in_a_grid, "; use --npz or --pngs");
  const GridSize size = grid_size(o.count, columns_of_grid(o), image_side, image_side);
  if (std::max(size.width, size.height) <= most_png_pixels()) return {};
  return tinygan::text("a grid of ", o.count, " images in ", columns_of_grid(o), " columns has ", size.width, 'x',
                       size.height, " pixels, a PNG file at most ", most_png_pixels(),
                       " a side; use more --columns, --npz or --pngs");
}

int sample(const SampleOptions& options) {
  SampleOptions o = options;
  if (draws_grid(o) && o.out.empty()) o.out = "samples.png";
  ImageSource source(o);
  const Tensor<float> latents = draw_latents(o.seed, o.count, o.truncation);
  const int columns = columns_of_grid(o, source.class_count());
  const std::vector<std::int64_t> classes = source.classes_of(o.count, [&](std::int64_t i) { return i / columns; });
  const Tensor<float> images = source(latents, classes);
  if (!o.out.empty()) write_grid(o.out, images, columns, source.low(), source.high());
  if (!o.pngs.empty()) write_pngs(o.pngs, images, source.low(), source.high());
  if (!o.npz.empty()) write_npz(o.npz, images, latents, classes, source, o.floats);

  std::string written;
  for (const std::string& path : {o.out, o.pngs, o.npz})
    if (!path.empty()) written += (written.empty() ? "" : ", ") + path;
  std::printf("%s: %lld images from %s, seed %llu\n", written.c_str(), static_cast<long long>(o.count),
              source.description().c_str(), static_cast<unsigned long long>(o.seed));
  return 0;
}

}  // namespace dcgan_mnist
