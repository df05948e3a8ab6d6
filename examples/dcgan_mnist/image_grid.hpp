// Grids of grey images as PNG files.
#pragma once

#include <filesystem>

#include <tinygan/tensor/tensor.hpp>

namespace dcgan_mnist {

/// Images (N,H,W,1) in rows of `columns`, `low` black and `high` white, a pixel between them. Throws Error if the file
/// cannot be written.
void write_grid(const std::filesystem::path& path, const tinygan::Tensor<float>& images, int columns, float low, float high);

}  // namespace dcgan_mnist
