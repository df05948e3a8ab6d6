#include "checkpoint.hpp"

#include <algorithm>

#include <tinygan/train/weights.hpp>

namespace dcgan_mnist {

namespace io = tinygan::io;
namespace gan = tinygan::gan;

void save_weights(const std::filesystem::path& path, const std::string& model, std::int64_t step,
                  const gan::Networks<float>& networks, const tinygan::nn::Module<float>* average) {
  io::SafetensorsFile file;
  file.metadata = {{"format", "tinygan-dcgan-1"}, {"model", model}, {"step", std::to_string(step)}};
  tinygan::train::add_weights<float>(file, {"generator", &networks.generator});
  tinygan::train::add_weights<float>(file, {"discriminator", &networks.discriminator});
  if (average) tinygan::train::add_weights<float>(file, {"generator_ema", average});
  io::write_safetensors(path, file);
}

LoadedGenerator load_generator(const std::filesystem::path& path, bool raw) {
  const io::SafetensorsFile file = io::read_safetensors(path);
  const std::string name = path.string();
  const auto entry = [&](const char* key) {
    const auto found = file.metadata.find(key);
    tinygan::check(found != file.metadata.end(), name, "has no metadata '", key, "'; it is no weights file of dcgan_mnist");
    return found->second;
  };
  tinygan::check(entry("format") == "tinygan-dcgan-1", name, "has the format '", entry("format"),
                 "', expected 'tinygan-dcgan-1'");
  LoadedGenerator loaded;
  loaded.model = entry("model");
  loaded.step = entry("step");
  loaded.averaged = !raw && std::any_of(file.tensors.begin(), file.tensors.end(), [](const io::SafetensorsEntry& e) {
    return e.name.rfind("generator_ema.", 0) == 0;
  });
  tinygan::Generator unused(0);
  loaded.networks = gan::make_networks<float>(gan::network_from_name(loaded.model), unused);
  tinygan::train::load_weights<float>(file, name,
                                      {loaded.averaged ? "generator_ema" : "generator", &loaded.networks.generator});
  return loaded;
}

}  // namespace dcgan_mnist
