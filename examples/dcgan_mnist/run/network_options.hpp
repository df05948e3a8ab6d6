// The options of a run's networks, and their form in the metadata of weights files.
#pragma once

#include <map>
#include <string>

#include <tinygan/data/dataset.hpp>
#include <tinygan/models/network_options.hpp>

#include "base/options.hpp"

namespace dcgan_mnist {

/// Of a run on these images.
tinygan::models::NetworkOptions network_options(const TrainOptions& options, const tinygan::data::ImageDataset& images);

using Metadata = std::map<std::string, std::string>;

/// Adds the options that shape the networks and are not the default, so that they can be made again.
void add_network_options(Metadata& metadata, const tinygan::models::NetworkOptions& options);

/// The options that metadata names, the default for others: files of older versions name none. Throws Error, naming
/// `file`, on a value that the option does not have.
tinygan::models::NetworkOptions read_network_options(const Metadata& metadata, const std::string& file);

}  // namespace dcgan_mnist
