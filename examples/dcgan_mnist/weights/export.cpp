#include "weights/export.hpp"

#include <cstdio>

#include <tinygan/io/onnx.hpp>
#include <tinygan/io/weights.hpp>

#include "run/checkpoint.hpp"
#include "run/network_options.hpp"
#include "weights/weight_layouts.hpp"

namespace dcgan_mnist {

namespace io = tinygan::io;

namespace {

/// What a file says of its networks.
Metadata metadata_of(const LoadedGenerator& loaded) {
  Metadata metadata = {
      {"model", loaded.model}, {"step", loaded.step}, {"generator", loaded.averaged ? "averaged" : "raw"}};
  add_network_options(metadata, loaded.options);
  return metadata;
}

std::string description(const LoadedGenerator& loaded, const std::filesystem::path& path) {
  return tinygan::text(path.string(), " (", loaded.model, ", step ", loaded.step, ", ",
                       loaded.averaged ? "averaged" : "raw", " generator)");
}

/// One safetensors file with the weights of both networks.
void export_safetensors(const LoadedGenerator& loaded, const std::filesystem::path& path, const ExportOptions& o) {
  const Layout layout = o.layout == "keras" ? Layout::keras : Layout::torch;
  io::SafetensorsFile file;
  file.metadata = metadata_of(loaded);
  file.metadata["format"] = layout == Layout::torch ? "pt" : "keras";  // what the safetensors package calls PyTorch's
  add_in_layout(file, "generator", loaded.networks.generator, {1, tinygan::models::latent_size}, layout);
  const tinygan::models::NetworkOptions& d = loaded.options;
  add_in_layout(file, "discriminator", loaded.networks.discriminator, {d.packing, d.size, d.size, d.channels}, layout);
  const std::string out = o.out.empty() ? loaded.model + "_" + o.layout + ".safetensors" : o.out;
  io::write_safetensors(out, file);
  std::printf("%s: %zu tensors of %s, for %s\n", out.c_str(), file.tensors.size(), description(loaded, path).c_str(),
              layout == Layout::keras ? "Keras" : "PyTorch");
}

/// One ONNX file for each network.
void export_onnx(const LoadedGenerator& loaded, const std::filesystem::path& path, const ExportOptions& o) {
  std::filesystem::path stem = o.out.empty() ? loaded.model : o.out;
  if (stem.extension() == ".onnx") stem.replace_extension();
  const std::string generator = stem.string() + "_generator.onnx",
                    discriminator = stem.string() + "_discriminator.onnx";
  io::OnnxOptions options{.input = "latents", .output = "images", .name = "generator", .metadata = metadata_of(loaded)};
  options.metadata["pixel_low"] = tinygan::text(loaded.networks.pixel_low);
  options.metadata["pixel_high"] = tinygan::text(loaded.networks.pixel_high);
  io::write_onnx(generator, loaded.networks.generator, {1, tinygan::models::latent_size}, options);
  options.input = "images", options.output = "logits", options.name = "discriminator";
  const tinygan::models::NetworkOptions& d = loaded.options;
  io::write_onnx(discriminator, loaded.networks.discriminator, {d.packing, d.size, d.size, d.channels}, options);
  std::printf("%s, %s: the networks of %s, for ONNX runtimes\n", generator.c_str(), discriminator.c_str(),
              description(loaded, path).c_str());
}

}  // namespace

int export_weights(const ExportOptions& o) {
  const std::filesystem::path path = find_weights(o.weights);
  LoadedGenerator loaded = load_generator(path, o.raw);
  tinygan::io::load_weights<float>(io::read_safetensors(path), path.string(),
                                   {"discriminator", &loaded.networks.discriminator},
                                   {.strict = false});  // the generators are there as well
  if (o.layout == "onnx") export_onnx(loaded, path, o);
  else export_safetensors(loaded, path, o);
  return 0;
}

}  // namespace dcgan_mnist
