// What a run says of itself: the head of its log and env.json.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include <tinygan/base/device.hpp>
#include <tinygan/data/dataset.hpp>
#include <tinygan/models/networks.hpp>

#include "base/options.hpp"

namespace dcgan_mnist {

/// What a run has to do with.
struct RunParts {
  const TrainOptions& options;
  tinygan::Device device;
  const tinygan::data::ImageDataset& images;
  const tinygan::gan::Networks<float>& networks;
  std::int64_t steps, steps_per_epoch;
};

/// Everything that decides the result and the speed of a run, its networks and its memory, for people.
std::string describe_run(const RunParts& run);

/// The program, the machine and the data, for machines: what a result can be traced back with.
nlohmann::ordered_json describe_environment(const RunParts& run);

}  // namespace dcgan_mnist
