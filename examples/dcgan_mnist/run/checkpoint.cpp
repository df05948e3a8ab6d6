#include "run/checkpoint.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <tinygan/io/checksum.hpp>
#include <tinygan/io/weights.hpp>

#include "base/byte_text.hpp"
#include "run/network_options.hpp"

namespace dcgan_mnist {

namespace fs = std::filesystem;
namespace io = tinygan::io;
namespace models = tinygan::models;
using nlohmann::ordered_json;

namespace {

constexpr int checkpoint_format = 1;
constexpr const char* weights_format = "tinygan-dcgan-1";
constexpr const char* model_name = "model.safetensors";
constexpr const char* state_name = "state.safetensors";
constexpr const char* meta_name = "meta.json";

/// A checkpoint in a newer format, which this program cannot read.
class NewerFormat : public tinygan::Error {
 public:
  using Error::Error;
};

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

ordered_json describe(const io::FileContent& file) {
  return {{"bytes", file.bytes.size()}, {"md5", io::md5(file.bytes)}};
}

/// The member of that name. Throws Error naming the file if it is missing or not of the type that `is` checks.
const ordered_json& member(const ordered_json& object, const char* name, const std::string& file,
                           bool (ordered_json::*is)() const noexcept) {
  const auto found = object.find(name);
  tinygan::check(found != object.end() && ((*found).*is)(), file, "has no valid '", name,
                 "'; the file is damaged or not part of a checkpoint");
  return *found;
}

/// Reads meta.json. Its checksum is the last member, of all other members.
ordered_json read_meta(const fs::path& path) {
  const std::string name = path.string();
  const std::vector<std::uint8_t> bytes = io::read_file(path);
  ordered_json json = ordered_json::parse(bytes.begin(), bytes.end(), nullptr, false);
  tinygan::check(json.is_object(), name, "is not a JSON object; the file is damaged or not part of a checkpoint");
  const auto format = member(json, "format", name, &ordered_json::is_number_integer).get<std::int64_t>();
  if (format > checkpoint_format)
    throw NewerFormat(tinygan::text(name, ": checkpoint format ", format, ", expected ", checkpoint_format,
                                    "; a newer tinygan wrote it"));
  tinygan::check(format == checkpoint_format, name, "checkpoint format ", format, ", expected ", checkpoint_format);
  const std::string sum = member(json, "md5", name, &ordered_json::is_string).get<std::string>();
  json.erase("md5");
  const std::string found = io::md5(bytes_of(json.dump()));
  tinygan::check(found == sum, name, "is damaged: its MD5 sum is ", found, ", expected ", sum);
  return json;
}

/// Reads a file of a checkpoint. Throws Error unless size and checksum match meta.json.
io::SafetensorsFile read_verified(const fs::path& path, const ordered_json& files, const std::string& meta_file) {
  const ordered_json& expected = member(files, path.filename().c_str(), meta_file, &ordered_json::is_object);
  const auto size = member(expected, "bytes", meta_file, &ordered_json::is_number_unsigned).get<std::uint64_t>();
  const auto sum = member(expected, "md5", meta_file, &ordered_json::is_string).get<std::string>();
  const std::vector<std::uint8_t> bytes = io::read_file(path);
  tinygan::check(bytes.size() == size, path.string(), "is damaged: it has ", bytes.size(), " bytes, expected ", size);
  const std::string found = io::md5(bytes);
  tinygan::check(found == sum, path.string(), "is damaged: its MD5 sum is ", found, ", expected ", sum);
  return io::decode_safetensors(bytes, path.string());
}

}  // namespace

std::vector<io::FileContent> encode_checkpoint(const CheckpointMeta& meta, const io::SafetensorsFile& model,
                                               const io::SafetensorsFile& state) {
  std::vector<io::FileContent> files;
  files.push_back({model_name, io::encode_safetensors(model, model_name)});
  files.push_back({state_name, io::encode_safetensors(state, state_name)});
  ordered_json json{{"format", checkpoint_format},
                    {"library_version", meta.library_version},
                    {"step", meta.step},
                    {"options", meta.options},
                    {"data", {{"source", encode_path(meta.data_source)}, {"md5", meta.data_md5}}},
                    {"best", meta.best},
                    {"files", {{model_name, describe(files[0])}, {state_name, describe(files[1])}}}};
  if (!meta.labels_md5.empty()) json["data"]["labels_md5"] = meta.labels_md5;
  json["md5"] = io::md5(bytes_of(json.dump()));
  const std::string text = json.dump(2) + "\n";
  files.push_back({meta_name, {text.begin(), text.end()}});
  return files;
}

LoadedCheckpoint read_checkpoint(const fs::path& directory) {
  std::error_code ignored;
  tinygan::check(fs::is_directory(directory, ignored), directory.string(), "checkpoint not found");
  const fs::path meta_path = directory / meta_name;
  const std::string name = meta_path.string();
  const ordered_json json = read_meta(meta_path);
  LoadedCheckpoint c;
  c.meta.step = member(json, "step", name, &ordered_json::is_number_integer).get<std::int64_t>();
  c.meta.library_version = member(json, "library_version", name, &ordered_json::is_string).get<std::string>();
  c.meta.options = member(json, "options", name, &ordered_json::is_object);
  const ordered_json& data = member(json, "data", name, &ordered_json::is_object);
  c.meta.data_source = member(data, "source", name, &ordered_json::is_string).get<std::string>();
  c.meta.data_md5 = member(data, "md5", name, &ordered_json::is_string).get<std::string>();
  if (data.contains("labels_md5"))
    c.meta.labels_md5 = member(data, "labels_md5", name, &ordered_json::is_string).get<std::string>();
  c.meta.best = json.value("best", ordered_json());
  const auto named = io::Checkpoints::step_of(directory.filename().string());
  tinygan::check(!named || *named == c.meta.step, name, "is of step ", c.meta.step, ", its folder is named ",
                 directory.filename().string());
  const ordered_json& files = member(json, "files", name, &ordered_json::is_object);
  c.model = read_verified(directory / model_name, files, name);
  c.state = read_verified(directory / state_name, files, name);
  return c;
}

std::optional<ChosenCheckpoint> choose_checkpoint(const fs::path& run) {
  const io::Checkpoints checkpoints(run);
  std::vector<std::string> problems;
  std::int64_t named = -1;
  try {
    named = checkpoints.latest().value_or(-1);
  } catch (const tinygan::Error& e) {
    problems.emplace_back(e.what());
  }
  std::vector<std::int64_t> candidates = checkpoints.steps();  // the best last
  if (named < 0 && problems.empty()) {
    if (candidates.empty()) return {};
    problems.push_back(tinygan::text((run / "latest").string(), ": file not found"));
  }
  const std::vector<std::int64_t> all = candidates;
  if (named >= 0) {
    std::erase(candidates, named);
    candidates.push_back(named);
  }
  for (; !candidates.empty(); candidates.pop_back()) {
    ChosenCheckpoint chosen{checkpoints.path(candidates.back()), {}, problems};
    try {
      chosen.content = read_checkpoint(chosen.path);
    } catch (const NewerFormat&) {
      throw;
    } catch (const tinygan::Error& e) {
      problems.emplace_back(e.what());
      continue;
    }
    const std::int64_t step = candidates.back();
    if (!problems.empty())
      chosen.warnings.push_back(tinygan::text("using the newest intact checkpoint, of step ", step));
    else if (all.back() > step)
      chosen.warnings.push_back(tinygan::text("using the checkpoint of step ", step, ", which 'latest' names; ",
                                              checkpoints.path(all.back()).string(), " is later and is kept"));
    return chosen;
  }
  std::string reasons;
  for (const std::string& problem : problems) reasons += (reasons.empty() ? "" : "; ") + problem;
  tinygan::fail(run.string(), "has no intact checkpoint: ", reasons);
}

io::SafetensorsFile make_weights_file(const std::string& model, const models::NetworkOptions& networks,
                                      std::int64_t step) {
  io::SafetensorsFile file;
  file.metadata = {{"format", weights_format}, {"model", model}, {"step", std::to_string(step)}};
  add_network_options(file.metadata, networks);
  return file;
}

io::SafetensorsFile read_weights(const fs::path& path) {
  io::SafetensorsFile file = io::read_safetensors(path);
  const std::string name = path.string();
  for (const char* key : {"format", "model", "step"})
    tinygan::check(file.metadata.contains(key), name, "has no metadata '", key,
                   "', expected a weights file of dcgan_mnist");
  tinygan::check(file.metadata["format"] == weights_format, name, "has the format '", file.metadata["format"],
                 "', expected '", weights_format, "'");
  return file;
}

fs::path find_weights(const fs::path& named) {
  std::error_code ignored;
  if (!fs::is_directory(named, ignored)) return named;
  if (fs::exists(named / model_name, ignored)) return named / model_name;
  const auto chosen = choose_checkpoint(named);
  tinygan::check(chosen.has_value(), named.string(),
                 "is neither a checkpoint nor a run directory that has one: it holds no ", model_name,
                 " and no file 'latest'");
  for (const std::string& warning : chosen->warnings) std::fprintf(stderr, "WARNING: %s\n", warning.c_str());
  return chosen->path / model_name;
}

LoadedGenerator load_generator(const fs::path& path, bool raw) {
  const io::SafetensorsFile file = read_weights(path);
  LoadedGenerator loaded;
  loaded.model = file.metadata.at("model");
  loaded.step = file.metadata.at("step");
  loaded.averaged = !raw && std::any_of(file.tensors.begin(), file.tensors.end(), [](const io::SafetensorsEntry& e) {
    return e.name.rfind("generator_ema.", 0) == 0;
  });
  loaded.options = read_network_options(file.metadata, path.string());
  tinygan::Generator unused(0);
  loaded.networks = models::make_networks<float>(models::network_from_name(loaded.model), loaded.options, unused);
  io::load_weights<float>(file, path.string(),
                          {loaded.averaged ? "generator_ema" : "generator", &loaded.networks.generator},
                          {.strict = false});  // the file holds the discriminator and the other generator as well
  return loaded;
}

}  // namespace dcgan_mnist
