#include "run/network_options.hpp"

#include <optional>
#include <type_traits>

#include <tinygan/io/json.hpp>

#include "base/numbers.hpp"

namespace dcgan_mnist {

using tinygan::models::NetworkOptions;
using tinygan::models::Norm;

namespace {

/// f(name in metadata, field) for every option with an effect on the layers. Dropout has none on a trained network.
template <class F>
void each_network_option(F&& f) {
  f("channels", &NetworkOptions::channels);
  f("size", &NetworkOptions::size);
  f("classes", &NetworkOptions::classes);
  f("hidden_layers", &NetworkOptions::hidden_layers);
  f("norm", &NetworkOptions::norm);
  f("spectral_norm", &NetworkOptions::spectral_norm);
  f("minibatch_stddev", &NetworkOptions::minibatch_stddev);
  f("packing", &NetworkOptions::packing);
  f("discriminator_width", &NetworkOptions::discriminator_width);
}

// The text of an option's value, and the value of a text; nullopt for other texts.

std::string text_of(tinygan::index_t value) { return std::to_string(value); }
std::string text_of(bool value) { return value ? "true" : "false"; }
std::string text_of(double value) { return general(value, 17); }
std::string text_of(Norm value) { return value == Norm::batch ? "batch" : "virtual"; }

template <class T>
std::optional<T> value_of(const std::string& text) {
  if constexpr (std::is_same_v<T, bool> || std::is_enum_v<T>) {
    for (const T value : {static_cast<T>(0), static_cast<T>(1)})
      if (text == text_of(value)) return value;
    return {};
  } else {
    return read_number<T>(text);
  }
}

}  // namespace

NetworkOptions network_options(const TrainOptions& o, const tinygan::data::ImageDataset& images) {
  tinygan::check(images.height == images.width, "--data", images.source, " has images of ", images.height, "x",
                 images.width, ", expected square ones");
  constexpr tinygan::index_t stddev_group = 4;  // Karras et al. 2018
  tinygan::check(!o.conditional || !images.labels.empty(), "--conditional", images.source,
                 " has no labels, expected one for each image");
  return {.channels = images.channels,
          .size = images.height,
          .classes = o.conditional ? static_cast<tinygan::index_t>(class_counts(images).size()) : 0,
          .hidden_layers = o.hidden_layers,
          .norm = o.norm == "virtual" ? Norm::virtual_batch : Norm::batch,
          .spectral_norm = o.spectral_norm,
          .minibatch_stddev = o.minibatch_stddev ? stddev_group : 0,
          .packing = o.packing,
          .dropout = o.dropout,
          .discriminator_width = o.discriminator_width};
}

void add_network_options(Metadata& metadata, const NetworkOptions& options) {
  const NetworkOptions usual;
  each_network_option([&](const char* name, auto field) {
    if (options.*field != usual.*field) metadata[name] = text_of(options.*field);
  });
}

NetworkOptions read_network_options(const Metadata& metadata, const std::string& file) {
  NetworkOptions options;
  each_network_option([&](const char* name, auto field) {
    const auto found = metadata.find(name);
    if (found == metadata.end()) return;
    const auto value = value_of<std::decay_t<decltype(options.*field)>>(found->second);
    tinygan::check(value.has_value(), file, "has the metadata '", name, "' ", tinygan::io::detail::shown(found->second),
                   ", which is no value of it");
    options.*field = *value;
  });
  return options;
}

}  // namespace dcgan_mnist
