// The files of a checkpoint: weights, the rest of the state, and what they belong to.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <tinygan/io/checkpoints.hpp>
#include <tinygan/io/safetensors.hpp>
#include <tinygan/models/networks.hpp>

namespace dcgan_mnist {

/// What meta.json says beside the sizes and MD5 sums of the other two files.
struct CheckpointMeta {
  std::int64_t step = 0;
  std::string library_version;
  nlohmann::ordered_json options;  ///< those that decide the result
  std::string data_source, data_md5;
  nlohmann::ordered_json best;  ///< the best metric so far, null if none was measured
};

/// model.safetensors, state.safetensors and meta.json.
std::vector<tinygan::io::FileContent> encode_checkpoint(const CheckpointMeta& meta,
                                                        const tinygan::io::SafetensorsFile& model,
                                                        const tinygan::io::SafetensorsFile& state);

struct LoadedCheckpoint {
  CheckpointMeta meta;
  tinygan::io::SafetensorsFile model, state;
};

/// Reads a checkpoint's directory. Throws Error naming the file, what was found and what was expected, unless every
/// byte is as it was written and the format is one that this program knows.
LoadedCheckpoint read_checkpoint(const std::filesystem::path& directory);

/// A checkpoint of a run, and what is to be said of the choice.
struct ChosenCheckpoint {
  std::filesystem::path path;
  LoadedCheckpoint content;
  std::vector<std::string> warnings;
};

/// The checkpoint that a run's `latest` names; if that file is missing or wrong, or the checkpoint is not there or damaged, the
/// newest whole one. Nothing if the run has none and no `latest`. Throws Error if none is whole, or if a newer tinygan
/// wrote one.
std::optional<ChosenCheckpoint> choose_checkpoint(const std::filesystem::path& run);

/// A weights file without tensors, the network's name and the step in its metadata: for generator, discriminator and, if there is
/// one, the averaged generator as "generator.*", "discriminator.*" and "generator_ema.*".
tinygan::io::SafetensorsFile make_weights_file(const std::string& model, std::int64_t step);

/// Reads a weights file as make_weights_file() begins them. Throws Error if it is none.
tinygan::io::SafetensorsFile read_weights(const std::filesystem::path& path);

/// The weights file that the user named: itself, the one in a checkpoint's directory, or the one in a run directory's
/// checkpoint by choose_checkpoint(), whose warnings go to standard error. Throws Error if there is none.
std::filesystem::path find_weights(const std::filesystem::path& named);

/// A generator read back.
struct LoadedGenerator {
  tinygan::models::Networks<float> networks;
  std::string model, step;
  bool averaged = false;
};

/// The averaged generator of a weights file, or the raw one if asked for or if there is no other. Throws Error if the
/// file is no such file or does not fit the network it names.
LoadedGenerator load_generator(const std::filesystem::path& path, bool raw);

}  // namespace dcgan_mnist
