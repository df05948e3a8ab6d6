#include "run/network_options.hpp"

#include <type_traits>

#include <tinygan/io/json.hpp>

#include "base/numbers.hpp"

namespace dcgan_mnist {

using tinygan::models::NetworkOptions;

namespace {

/// f(name in metadata, field) for every option with an effect on the layers. Dropout has none on a trained network.
template <class F>
void each_network_option(F&& f) {
  f("channels", &NetworkOptions::channels);
  f("size", &NetworkOptions::size);
  f("spectral_norm", &NetworkOptions::spectral_norm);
  f("minibatch_stddev", &NetworkOptions::minibatch_stddev);
  f("packing", &NetworkOptions::packing);
  f("discriminator_width", &NetworkOptions::discriminator_width);
}

}  // namespace

NetworkOptions network_options(const TrainOptions& o, const tinygan::data::ImageDataset& images) {
  tinygan::check(images.height == images.width, "--data", images.source, " has images of ", images.height, "x",
                 images.width, ", expected square ones");
  constexpr tinygan::index_t stddev_group = 4;  // Karras et al. 2018
  return {.size = images.height,
          .spectral_norm = o.spectral_norm,
          .minibatch_stddev = o.minibatch_stddev ? stddev_group : 0,
          .packing = o.packing,
          .dropout = o.dropout,
          .discriminator_width = o.discriminator_width};
}

void add_network_options(Metadata& metadata, const NetworkOptions& options) {
  const NetworkOptions usual;
  each_network_option([&](const char* name, auto field) {
    const auto value = options.*field;
    if (value == usual.*field) return;
    if constexpr (std::is_floating_point_v<std::decay_t<decltype(value)>>) metadata[name] = general(value, 17);
    else metadata[name] = std::to_string(value);
  });
}

NetworkOptions read_network_options(const Metadata& metadata, const std::string& file) {
  NetworkOptions options;
  each_network_option([&](const char* name, auto field) {
    const auto found = metadata.find(name);
    if (found == metadata.end()) return;
    using Value = std::decay_t<decltype(options.*field)>;
    using Number = std::conditional_t<std::is_same_v<Value, bool>, int, Value>;
    const auto value = read_number<Number>(found->second);
    tinygan::check(value.has_value(), file, "has the metadata '", name, "' ", tinygan::io::detail::shown(found->second),
                   ", expected a number");
    options.*field = static_cast<Value>(*value);
  });
  return options;
}

}  // namespace dcgan_mnist
