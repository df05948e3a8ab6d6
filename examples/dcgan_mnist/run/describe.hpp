// What a run says of itself: the head of its log and env.json.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include <tinygan/base/device.hpp>
#include <tinygan/data/dataset.hpp>
#include <tinygan/nn/sequential.hpp>

#include "base/options.hpp"

namespace dcgan_mnist {

/// A network's layers as a table, and its sizes.
struct NetworkSummary {
  std::string table;
  tinygan::index_t parameters = 0, activation_bytes = 0;  ///< of a batch
};
struct NetworkSummaries {
  NetworkSummary generator, discriminator;
};

/// Of a network for inputs of this shape.
template <class T>
NetworkSummary summary_of(const tinygan::nn::Layer<T>& network, const tinygan::Shape& input) {
  NetworkSummary s{tinygan::nn::summary(network, input), network.parameter_count(), 0};
  tinygan::Shape shape = input;
  for (const auto& [name, layer] : network.layers()) {
    shape = layer->output_shape(shape);
    s.activation_bytes += shape.size() * static_cast<tinygan::index_t>(sizeof(T));
  }
  return s;
}

/// What a run has to do with.
struct RunParts {
  const TrainOptions& options;
  tinygan::Device device;
  const tinygan::data::ImageDataset& images;
  const NetworkSummaries& networks;
  std::int64_t steps, steps_per_epoch;
};

/// Everything that decides the result and the speed of a run, its networks and its memory, for people.
std::string describe_run(const RunParts& run);

/// The program, the machine and the data, for machines: what a result can be traced back with.
nlohmann::ordered_json describe_environment(const RunParts& run);

}  // namespace dcgan_mnist
