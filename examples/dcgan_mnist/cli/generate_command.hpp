// Command-line options that the subcommands which use trained weights share.
#pragma once

#include "cli/command_line.hpp"
#include "weights/generate.hpp"

namespace dcgan_mnist {

/// Of --truncation.
inline constexpr Range<double> latent_bound{0, 5};

/// The weights, first on the command line or after --weights.
void add_weights_option(CLI::App& command, std::string& weights);
/// --raw.
void add_raw_option(CLI::App& command, bool& raw);
/// All of GenerateOptions.
void add_generate_options(CLI::App& command, GenerateOptions& options);

}  // namespace dcgan_mnist
