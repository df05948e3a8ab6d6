// Folders of PNG and JPEG images as data sets.
#pragma once

#include <filesystem>

#include <tinygan/data/dataset.hpp>

namespace dcgan_mnist {

/// Whether a directory, or a folder in it, holds a file with the extension .png, .jpg or .jpeg (in any case).
bool has_images(const std::filesystem::path& directory);

/// The images of a directory in the order of their names; if it has none itself, those of its folders, each of which is
/// a class: see data::image_folder. What a file is, its first bytes say. Throws Error naming the file if one cannot be
/// decoded, or differs from the first in size or in being grey or RGB; also on more than 256 folders.
tinygan::data::ImageDataset load_image_folder(const std::filesystem::path& directory);

}  // namespace dcgan_mnist
