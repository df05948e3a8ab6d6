#include "evaluate/evaluation.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include <tinygan/data/mnist.hpp>
#include <tinygan/data/strokes.hpp>
#include <tinygan/io/file.hpp>

namespace dcgan_mnist {

namespace data = tinygan::data;
using tinygan::index_t;

namespace {

constexpr index_t side = 28;
constexpr std::size_t pixels = side * side;

std::span<const std::uint8_t> image_of(std::span<const std::uint8_t> images, std::size_t i) {
  return images.subspan(i * pixels, pixels);
}

std::vector<float> floats(std::span<const std::uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

/// Images in places of a grid, row after row; a place without an image stays black.
class Places {
 public:
  Places(std::size_t rows, std::size_t columns) : columns_(columns), bytes_(rows * columns * pixels) {}
  void put(std::size_t row, std::size_t column, std::span<const std::uint8_t> image) {
    std::ranges::copy(image, bytes_.begin() + static_cast<std::ptrdiff_t>((row * columns_ + column) * pixels));
  }
  Picture grid() const { return byte_grid(bytes_, static_cast<int>(columns_)); }

 private:
  std::size_t columns_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace

ReferenceImages reference_images(const std::string& where, index_t samples) {
  tinygan::check(
      !where.starts_with("stacked:"), where,
      "stacked digits have no rho, expected images of 28x28 of one channel; evaluate RUN counts their modes");
  if (where == "strokes") return {data::stroke_digits(4 * samples, 0), data::stroke_digits(samples, 1)};
  return {data::load_mnist(where, data::Split::train), data::load_mnist(where, data::Split::test)};
}

Picture byte_grid(std::span<const std::uint8_t> images, int columns, index_t channels) {
  const auto count = static_cast<index_t>(images.size() / pixels) / channels;
  return make_grid(tinygan::Tensor<float>::from(floats(images), {count, side, side, channels}), columns, 0, 255);
}

Picture neighbour_grid(std::span<const std::uint8_t> images, const data::ImageDataset& train,
                       tinygan::eval::Evaluator& evaluator) {
  constexpr std::size_t columns = 16;
  constexpr index_t near = 3;
  const std::span<const std::uint8_t> first = images.first(std::min(images.size(), columns * pixels));
  const tinygan::eval::Neighbours by_pixels = tinygan::eval::nearest(floats(first), floats(train.images), pixels, near);
  const tinygan::eval::Neighbours by_features = evaluator.neighbours(first, near);
  Places places(1 + 2 * near, columns);
  for (std::size_t i = 0; i < first.size() / pixels; ++i) {
    places.put(0, i, image_of(images, i));
    for (std::size_t k = 0; k < near; ++k) {
      places.put(1 + k, i, train.image(by_pixels.row[i * near + k]));
      places.put(1 + near + k, i, train.image(by_features.row[i * near + k]));
    }
  }
  return places.grid();
}

Picture class_grid(std::span<const std::uint8_t> images, const tinygan::eval::Quality& quality) {
  constexpr std::size_t columns = 10;
  const std::size_t classes = quality.classes.counts.size();
  Places places(classes + 1, columns);
  std::vector<std::size_t> placed(classes);
  for (std::size_t i = 0; i < quality.classes.classes.size(); ++i) {
    const auto c = static_cast<std::size_t>(quality.classes.classes[i]);
    if (placed[c] < columns) places.put(c, placed[c]++, image_of(images, i));
  }
  std::vector<std::size_t> order(quality.classes.confidence.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t worst = std::min(columns, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(worst), order.end(),
                    [&](std::size_t a, std::size_t b) {
                      return std::pair(quality.classes.confidence[a], a) < std::pair(quality.classes.confidence[b], b);
                    });
  for (std::size_t i = 0; i < worst; ++i) places.put(classes, i, image_of(images, order[i]));
  return places.grid();
}

void write_grids(const std::filesystem::path& folder, std::span<const std::uint8_t> images,
                 std::span<const std::uint8_t> real, index_t channels) {
  constexpr int columns = 10;
  const std::size_t shown = columns * columns * pixels * static_cast<std::size_t>(channels);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  tinygan::check(!error, folder.string(), "cannot create the directory: ", error.message());
  for (const auto& [name, all] : {std::pair("generated.png", images), std::pair("real.png", real)})
    tinygan::io::write_file(folder / name,
                            encode_png(byte_grid(all.first(std::min(all.size(), shown)), columns, channels)));
}

void write_pictures(const std::filesystem::path& folder, std::span<const std::uint8_t> images,
                    const ReferenceImages& reference, const tinygan::eval::Quality& quality,
                    tinygan::eval::Evaluator& evaluator) {
  write_grids(folder, images, reference.test.images, 1);
  tinygan::io::write_file(folder / "classes.png", encode_png(class_grid(images, quality)));
  tinygan::io::write_file(folder / "neighbours.png", encode_png(neighbour_grid(images, reference.train, evaluator)));
}

}  // namespace dcgan_mnist
