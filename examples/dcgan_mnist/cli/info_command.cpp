#include "cli/command_line.hpp"
#include "run/info.hpp"

namespace dcgan_mnist {

void add_info_command(CLI::App& app, Dispatch& chosen) {
  const auto o = std::make_shared<InfoOptions>();
  CLI::App& c =
      add_command(app, chosen, "info",
                  "Tell what a run, a checkpoint, a weights file or a data set holds, and check it.", o, &info);
  add_value(c, "path", o->path, NonEmpty{},
            "A run directory, a checkpoint, a safetensors file, an IDX file or a directory of MNIST files")
      .required()
      ->type_name("PATH");
}

}  // namespace dcgan_mnist
