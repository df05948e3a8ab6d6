#include "command_line.hpp"

#include <tinygan/gan/networks.hpp>

#include "device.hpp"

namespace dcgan_mnist {

namespace {

/// What CLI11 asks of a validator: the complaint, empty if there is none.
std::string is_device_name(std::string& name) {
  if (device_from_name(name)) return {};
  return "'" + name + "' is unknown; there are auto, cpu, cuda, cuda:N and emulated";
}

}  // namespace

CommandLine::CommandLine() {
  app.require_subcommand(1);
  app.fallthrough(false);

  train_command = app.add_subcommand("train", "Train a generator and a discriminator.");
  CLI::App& t = *train_command;
  t.option_defaults()->always_capture_default();
  t.add_option("--data", train.data, "Directory of the MNIST files, 'strokes' for built-in digits, or 'auto'")
      ->type_name("DIR");
  t.add_option("--model", train.model, "Networks to train")
      ->check(CLI::IsMember(std::vector<std::string>(tinygan::gan::network_names.begin(), tinygan::gan::network_names.end())))
      ->type_name("NAME");
  t.add_option("--epochs", train.epochs, "Passes over the data set")->check(CLI::Range(1, 1000000))->type_name("N");
  t.add_option("--steps", train.steps, "Stop after this many steps; 0 leaves it to --epochs")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 40))
      ->type_name("N");
  t.add_option("--batch-size", train.batch_size, "Images per step")->check(CLI::Range(2, 1 << 20))->type_name("N");
  t.add_option("--seed", train.seed, "Seed of weights, order, latents and dropout")->type_name("S");
  t.add_option("--device", train.device,
               "cpu, cuda, cuda:N, emulated (the CUDA kernels run on the CPU, slowly) or 'auto', a GPU if there is one")
      ->check(CLI::Validator(&is_device_name, "", "DEVICE"))
      ->type_name("NAME");
  t.add_option("--threads", train.threads, "CPU threads; 0 uses every processor")->check(CLI::Range(0, 1024))->type_name("N");
  t.add_option("--out", train.out, "Folder in which a numbered run directory is made")->type_name("DIR");
  t.add_option("--learning-rate", train.learning_rate, "Adam's learning rate, of both networks")
      ->check(CLI::Range(0.0, 10.0))
      ->type_name("R");
  t.add_option("--beta1", train.beta1, "Adam's beta1")->check(CLI::Range(0.0, 0.9999))->type_name("B");
  t.add_option("--ema", train.ema, "Decay of the averaged generator; 0 turns it off")
      ->check(CLI::Range(0.0, 0.999999))
      ->type_name("D");
  t.add_option("--snapshot-every", train.snapshot_every, "Steps between image grids; 0: every epoch")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 40))
      ->type_name("N");
  t.add_option("--log-every", train.log_every, "Steps between lines of the log")->check(CLI::Range(1, 1000000))->type_name("N");
  t.add_option("--progress", train.progress, "auto (a live line on a terminal), plain or none")
      ->check(CLI::IsMember({"auto", "plain", "none"}))
      ->type_name("HOW");
  t.footer(
      "The status line: loss_D and loss_G (healthy: loss_D 0.5 to 1.4, loss_G 0.7 to 3),\n"
      "D(x) and D(G(z)), the discriminator's mean probability for real and generated\n"
      "images (healthy: apart but not at 1 and 0), |gD| and |gG|, gradient norms.");

  sample_command = app.add_subcommand("sample", "Draw images from trained weights into a PNG grid.");
  CLI::App& s = *sample_command;
  s.option_defaults()->always_capture_default();
  s.add_option("--weights", sample.weights, "weights.safetensors of a run")->required()->type_name("FILE");
  s.add_option("--out", sample.out, "The PNG file to write")->type_name("FILE");
  s.add_option("--rows", sample.rows, "Rows of the grid")->check(CLI::Range(1, 100))->type_name("N");
  s.add_option("--columns", sample.columns, "Columns of the grid")->check(CLI::Range(1, 100))->type_name("N");
  s.add_option("--seed", sample.seed, "Seed of the latent vectors")->type_name("S");
  s.add_option("--threads", sample.threads, "CPU threads; 0 uses every processor")->check(CLI::Range(0, 1024))->type_name("N");
  s.add_flag("--raw", sample.raw, "Use the generator as trained, not its average over steps");
}

}  // namespace dcgan_mnist
