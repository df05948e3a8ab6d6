#include "cli/generate_command.hpp"

namespace dcgan_mnist {

void add_weights_option(CLI::App& command, std::string& weights) {
  add_value(command, "weights,--weights", weights, NonEmpty{}, "A run directory, a checkpoint or a safetensors file")
      .required()
      ->type_name("PATH");
}

void add_raw_option(CLI::App& command, bool& raw) {
  add_value(command, "--raw", raw, Flag{}, "The generator as trained, not its average over steps");
}

void add_generate_options(CLI::App& command, GenerateOptions& options) {
  add_weights_option(command, options.weights);
  add_raw_option(command, options.raw);
  add_value(command, "--device", options.device, DeviceName{},
            "auto (a GPU if there is one), cpu, cuda, cuda:N or emulated")
      .type_name("NAME");
  add_value(command, "--class", options.label, Label{},
            "Class of the images of a conditional generator; -1: each in turn")
      .type_name("N");
  add_threads_option(command, options.threads);
}

}  // namespace dcgan_mnist
