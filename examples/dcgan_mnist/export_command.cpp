#include "export.hpp"
#include "generate_command.hpp"

namespace dcgan_mnist {

void add_export_command(CLI::App& app, Dispatch& chosen) {
  const auto o = std::make_shared<ExportOptions>();
  CLI::App& c = add_command(app, chosen, "export", "Write trained weights for Keras or PyTorch, as safetensors.", o,
                            &export_weights);
  add_weights_option(c, o->weights);
  add_raw_option(c, o->raw);
  c.add_option("--layout", o->layout, "keras or torch: names and order of the numbers (docs/dcgan.md has the table)")
      ->required()
      ->check(CLI::IsMember({"keras", "torch"}))
      ->type_name("NAME");
  c.add_option("--out", o->out, "The file to write; <model>_<layout>.safetensors if not given")->type_name("FILE");
}

}  // namespace dcgan_mnist
