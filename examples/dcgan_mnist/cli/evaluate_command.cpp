#include "cli/generate_command.hpp"
#include "weights/evaluate.hpp"

namespace dcgan_mnist {

void add_evaluate_command(CLI::App& app, Dispatch& chosen) {
  const auto o = std::make_shared<EvaluateOptions>();
  CLI::App& c =
      add_command(app, chosen, "evaluate",
                  "Measure how good generated images are: of a run, of weights, or in a NumPy file.", o, &evaluate);
  add_generate_options(c, *o);
  c.get_option("weights")->description(
      "A run directory, a checkpoint, a safetensors file, or a .npz file with bytes images (N,28,28) or (N,28,28,3)");
  add_value(c, "--data", o->data, NonEmpty{},
            "Folder of MNIST or a set like it, with labels and test images; auto: what the run was trained on")
      .type_name("DIR");
  add_value(c, "--samples", o->samples, Range<std::int64_t>{tinygan::eval::Evaluator::least_samples, 1 << 20},
            "Images to measure, which compare at equal numbers only; 10,000, of stacked digits 26,000")
      .type_name("N")
      ->default_str("");
  add_value(c, "--seed", o->seed, any_seed, "Seed of the latent vectors").type_name("S");
  add_value(c, "--classifier", o->classifier, NonEmpty{},
            "A classifier of examples/mnist_classifier, for other sets; the built-in one knows MNIST")
      .type_name("FILE");
  add_value(c, "--json", o->json, NonEmpty{}, "A file for all figures").type_name("FILE");
  add_value(c, "--pictures", o->pictures, NonEmpty{}, "A directory for grids of the images").type_name("DIR");
}

}  // namespace dcgan_mnist
