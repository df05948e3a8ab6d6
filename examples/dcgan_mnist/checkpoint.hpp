// The weights file of a run.
#pragma once

#include <cstdint>
#include <filesystem>

#include <tinygan/gan/networks.hpp>

namespace dcgan_mnist {

/// Writes generator, discriminator and, if there is one, the averaged generator as "generator.*", "discriminator.*" and
/// "generator_ema.*", with the network's name and the step in the metadata. Throws Error if the file cannot be written.
void save_weights(const std::filesystem::path& path, const std::string& model, std::int64_t step,
                  const tinygan::gan::Networks<float>& networks, const tinygan::nn::Module<float>* average);

/// A generator read back.
struct LoadedGenerator {
  tinygan::gan::Networks<float> networks;
  std::string model, step;
  bool averaged = false;
};

/// The averaged generator of a weights file, or the raw one if asked for or if there is no other. Throws Error if the file is
/// no such file or does not fit the network it names.
LoadedGenerator load_generator(const std::filesystem::path& path, bool raw);

}  // namespace dcgan_mnist
