#include "weights/export.hpp"

#include <cstdio>

#include <tinygan/io/weights.hpp>

#include "run/checkpoint.hpp"
#include "run/network_options.hpp"
#include "weights/weight_layouts.hpp"

namespace dcgan_mnist {

namespace io = tinygan::io;

int export_weights(const ExportOptions& o) {
  const std::filesystem::path path = find_weights(o.weights);
  LoadedGenerator loaded = load_generator(path, o.raw);
  tinygan::io::load_weights<float>(io::read_safetensors(path), path.string(),
                                   {"discriminator", &loaded.networks.discriminator},
                                   {.strict = false});  // the generators are there as well
  const Layout layout = o.layout == "keras" ? Layout::keras : Layout::torch;
  io::SafetensorsFile file;
  file.metadata = {
      {"format", layout == Layout::torch ? "pt" : "keras"},  // what the safetensors package calls PyTorch's
      {"model", loaded.model},
      {"step", loaded.step},
      {"generator", loaded.averaged ? "averaged" : "raw"}};
  add_in_layout(file, "generator", loaded.networks.generator, {1, tinygan::models::latent_size}, layout);
  const tinygan::models::NetworkOptions& d = loaded.options;
  add_network_options(file.metadata, d);
  add_in_layout(file, "discriminator", loaded.networks.discriminator, {d.packing, d.size, d.size, d.channels}, layout);
  const std::string out = o.out.empty() ? loaded.model + "_" + o.layout + ".safetensors" : o.out;
  io::write_safetensors(out, file);
  std::printf("%s: %zu tensors of %s (%s, step %s, %s generator), for %s\n", out.c_str(), file.tensors.size(),
              path.string().c_str(), loaded.model.c_str(), loaded.step.c_str(), loaded.averaged ? "averaged" : "raw",
              layout == Layout::keras ? "Keras" : "PyTorch");
  return 0;
}

}  // namespace dcgan_mnist
