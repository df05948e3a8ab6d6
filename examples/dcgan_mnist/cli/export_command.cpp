#include "cli/generate_command.hpp"
#include "weights/export.hpp"

namespace dcgan_mnist {

void add_export_command(CLI::App& app, Dispatch& chosen) {
  const auto o = std::make_shared<ExportOptions>();
  CLI::App& c =
      add_command(app, chosen, "export", "Write trained weights for Keras or PyTorch, or the networks as ONNX files.",
                  o, &export_weights);
  add_weights_option(c, o->weights);
  add_raw_option(c, o->raw);
  add_value(
      c, "--layout", o->layout, OneOf{{"keras", "torch", "onnx"}},
      "keras or torch: names and order of the numbers (docs/dcgan.md has the table); onnx: networks with their weights")
      .required()
      ->type_name("NAME");
  add_value(
      c, "--out", o->out, NonEmpty{},
      "The file to write; <model>_<layout>.safetensors if not given. For onnx NAME or NAME.onnx, which stands for "
      "NAME_generator.onnx and NAME_discriminator.onnx; NAME is <model> if not given")
      .type_name("FILE");
}

}  // namespace dcgan_mnist
