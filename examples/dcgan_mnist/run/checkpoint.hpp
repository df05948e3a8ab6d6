// The files of a checkpoint: weights, the rest of the state, and metadata.
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

/// The content of meta.json, without the sizes and MD5 sums of the other two files.
struct CheckpointMeta {
  std::int64_t step = 0;
  std::string library_version;
  nlohmann::ordered_json options;  ///< those that determine the result
  std::string data_source, data_md5;
  nlohmann::ordered_json best;  ///< the best metric so far, null if none was measured
  std::string labels_md5{};     ///< empty in a run without labels
};

/// model.safetensors, state.safetensors and meta.json.
std::vector<tinygan::io::FileContent> encode_checkpoint(const CheckpointMeta& meta,
                                                        const tinygan::io::SafetensorsFile& model,
                                                        const tinygan::io::SafetensorsFile& state);

struct LoadedCheckpoint {
  CheckpointMeta meta;
  tinygan::io::SafetensorsFile model, state;
};

/// Reads a checkpoint's directory. Throws Error naming the file if a checksum does not match or the format is unknown.
LoadedCheckpoint read_checkpoint(const std::filesystem::path& directory);

/// A checkpoint of a run, and warnings about the choice.
struct ChosenCheckpoint {
  std::filesystem::path path;
  LoadedCheckpoint content;
  std::vector<std::string> warnings;
};

/// The checkpoint that a run's `latest` names; if `latest` is missing or invalid, or its checkpoint missing or damaged,
/// the newest intact one. Nullopt if the run has no checkpoint and no `latest`. Throws Error if no checkpoint is
/// intact, or if one is of a newer tinygan.
std::optional<ChosenCheckpoint> choose_checkpoint(const std::filesystem::path& run);

/// A weights file without tensors, with the network's name, its options and the step in its metadata: for
/// "generator.*", "discriminator.*" and, if there is an averaged generator, "generator_ema.*".
tinygan::io::SafetensorsFile make_weights_file(const std::string& model,
                                               const tinygan::models::NetworkOptions& networks, std::int64_t step);

/// Reads a weights file. Throws Error if the metadata of make_weights_file() is missing.
tinygan::io::SafetensorsFile read_weights(const std::filesystem::path& path);

/// The weights file for a path: the file itself, the one in a checkpoint's directory, or the one in the checkpoint that
/// choose_checkpoint() finds in a run directory, with its warnings on standard error. Throws Error if there is none.
std::filesystem::path find_weights(const std::filesystem::path& named);

/// A generator with trained weights.
struct LoadedGenerator {
  tinygan::models::Networks<float> networks;
  tinygan::models::NetworkOptions options;
  std::string model, step;
  bool averaged = false;
};

/// The averaged generator of a weights file, or the raw one if `raw` or if there is no averaged one. Throws Error if
/// the file is not a weights file or does not match the network it names.
LoadedGenerator load_generator(const std::filesystem::path& path, bool raw);

}  // namespace dcgan_mnist
