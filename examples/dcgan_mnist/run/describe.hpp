// Descriptions of a run: the head of its log, and env.json.
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

/// The summary of a network for inputs of this shape.
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

/// The parts of a run that are described.
struct RunParts {
  const TrainOptions& options;
  tinygan::Device device;
  const tinygan::data::ImageDataset& images;
  const NetworkSummaries& networks;
  std::int64_t steps, steps_per_epoch;
};

/// Options, environment, data, networks and memory of a run, for people.
std::string describe_run(const RunParts& run);

/// The seconds of a session, its share of grids, checkpoints and evaluations, and those of the background thread.
std::string describe_time(double all, double paused, double background);

/// Program, machine and data of a run, for machines.
nlohmann::ordered_json describe_environment(const RunParts& run);

}  // namespace dcgan_mnist
