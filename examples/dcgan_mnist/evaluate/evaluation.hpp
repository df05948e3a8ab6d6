// An evaluation's data, and the pictures that it leaves.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include <tinygan/data/dataset.hpp>
#include <tinygan/eval/evaluator.hpp>

#include "media/image_grid.hpp"

namespace dcgan_mnist {

/// Of the latent vectors of an evaluation, unlike those of the grids.
inline constexpr std::uint64_t evaluation_seed = 77;

/// Labelled training and test images at `where`, a value of find_images().
struct ReferenceImages {
  tinygan::data::ImageDataset train, test;
};

/// For an evaluation of `samples` images. Throws Error if labels or test images are missing. Of the built-in stroke
/// digits as many test images and four times as many training images are drawn.
ReferenceImages reference_images(const std::string& where, tinygan::index_t samples);

/// Images (columns * rows, 28, 28, channels) in a grid.
Picture byte_grid(std::span<const std::uint8_t> images, int columns, tinygan::index_t channels = 1);

/// Sixteen images, a column each: the generated image, then the nearest three training images by pixels, and the
/// nearest three by the classifier's features.
Picture neighbour_grid(std::span<const std::uint8_t> images, const tinygan::data::ImageDataset& train,
                       tinygan::eval::Evaluator& evaluator);

/// Up to ten images of each class, by the classifier: a row a class, in their order, without choice; then a row of
/// those it is least sure of.
Picture class_grid(std::span<const std::uint8_t> images, const tinygan::eval::Quality& quality);

/// generated.png and real.png in `folder`: the first 100 of images (N,28,28,channels) and of real ones, uncurated.
/// Throws Error if it cannot be made or a file not be written.
void write_grids(const std::filesystem::path& folder, std::span<const std::uint8_t> images,
                 std::span<const std::uint8_t> real, tinygan::index_t channels);

/// Those, classes.png and neighbours.png.
void write_pictures(const std::filesystem::path& folder, std::span<const std::uint8_t> images,
                    const ReferenceImages& reference, const tinygan::eval::Quality& quality,
                    tinygan::eval::Evaluator& evaluator);

}  // namespace dcgan_mnist
