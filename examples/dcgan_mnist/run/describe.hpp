// Descriptions of a run: the head of its log, and env.json.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include <tinygan/base/device.hpp>
#include <tinygan/data/dataset.hpp>
#include <tinygan/nn/summary.hpp>

#include "base/options.hpp"

namespace dcgan_mnist {

/// Of a batch.
struct NetworkSummaries {
  tinygan::nn::ModelSummary generator, discriminator;
};

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
