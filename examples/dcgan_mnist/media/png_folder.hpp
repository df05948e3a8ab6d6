// Folders of PNG images as data sets.
#pragma once

#include <filesystem>

#include <tinygan/data/dataset.hpp>

namespace dcgan_mnist {

/// Whether a directory, or a folder in it, holds a file with the extension .png (in any case).
bool has_png_images(const std::filesystem::path& directory);

/// The PNG files of a directory in the order of their names; if it has none itself, those of its folders, each of which
/// is a class: the n-th by name has label n. Files of 16 bits a channel are rounded to 8. Throws Error naming the file
/// if one is unreadable or no PNG file, or differs from the first in size or in being grey or RGB; also on more than
/// 256 folders.
tinygan::data::ImageDataset load_png_folder(const std::filesystem::path& directory);

}  // namespace dcgan_mnist
