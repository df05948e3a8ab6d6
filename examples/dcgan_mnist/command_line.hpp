// The command line of dcgan_mnist.
#pragma once

#include <CLI/CLI.hpp>

#include "options.hpp"

namespace dcgan_mnist {

/// The program's subcommands, bound to the options they fill.
struct CommandLine {
  CommandLine();

  CLI::App app{"Trains and samples DCGANs on 28x28 digits.", "dcgan_mnist"};
  TrainOptions train;
  SampleOptions sample;
  CLI::App* train_command = nullptr;
  CLI::App* sample_command = nullptr;
};

}  // namespace dcgan_mnist
