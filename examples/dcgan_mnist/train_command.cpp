#include <string_view>

#include <tinygan/gan/step_metrics.hpp>

#include "command_line.hpp"
#include "train.hpp"

namespace dcgan_mnist {

namespace {

/// The names of the options that the command line or a configuration file gave.
std::set<std::string> given_options(const CLI::App& command) {
  std::set<std::string> names;
  for (const CLI::Option* o : command.get_options({}))
    if (o->count() > 0 && !o->get_lnames().empty()) names.insert(o->get_lnames().front());
  return names;
}

/// A few steps on little data: whether everything works, not whether it learns.
void make_smoke(TrainOptions& o) {
  const auto unless_given = [&](const char* name, auto& value, auto small) {
    if (!o.given.contains(name)) value = small;
  };
  unless_given("data", o.data, "strokes");
  unless_given("images", o.images, 256);
  unless_given("model", o.model, "small");
  unless_given("batch-size", o.batch_size, 16);
  unless_given("steps", o.steps, 5);
}

/// An option of the run, under its name on the command line.
void add(CLI::App& c, TrainOptions& o, std::string_view option, const char* type, const char* help) {
  each_option(o, [&](const char* name, auto& value, Role, const auto& allowed) {
    if (name != option) return;
    CLI::Option& added = add_value(c, std::string("--") + name, value, allowed, help);
    if (*type != '\0') added.type_name(type);
  });
}

void add_data_options(CLI::App& c, TrainOptions& o) {
  add(c, o, "data", "DIR", "Folder or images file of MNIST or a set like it; strokes: built-in digits; auto: $TINYGAN_MNIST or data/mnist");
  add(c, o, "images", "N", "Use only the first N images; 0: all");
  add(c, o, "batch-size", "N", "Images in an update");
  add(c, o, "overfit-batch", "", "Train on the first batch only: a network that cannot learn it is broken");
}

void add_training_options(CLI::App& c, TrainOptions& o) {
  add(c, o, "model", "NAME",
      "Networks: dcgan (TensorFlow's tutorial), article (the Keras sample, done right), libtorch (PyTorch's C++ "
      "example), small (quick looks)");
  add(c, o, "loss", "NAME", "Adversarial loss: bce (the original, non-saturating), lsgan, hinge or wgan-gp");
  add(c, o, "critic-steps", "N",
      "Updates of the discriminator for each of the generator, every one on images of its own; 5 is usual for wgan-gp");
  add(c, o, "penalty-weight", "W", "Weight of wgan-gp's gradient penalty");
  add(c, o, "epochs", "N", "Passes over the data set");
  add(c, o, "steps", "N", "Stop after N steps; 0: --epochs decides");
  add(c, o, "learning-rate", "R", "Adam's, of both networks");
  add(c, o, "beta1", "B", "Adam's beta1");
  add(c, o, "ema", "D", "Decay of the averaged generator, which draws the grids; 0: no average");
  add(c, o, "statistics-images", "N",
      "Images that the averaged generator's batch statistics are taken from before it is saved; never more than the "
      "run has trained on");
  add(c, o, "seed", "S", "Seed of weights, order, latents and dropout");
  add(c, o, "init-from", "PATH", "Begin with the weights of a run, checkpoint or weights file, all else new");
}

void add_machine_options(CLI::App& c, TrainOptions& o) {
  add(c, o, "device", "NAME",
      "cpu, cuda, cuda:N, emulated (the CUDA kernels run on the CPU, slowly) or auto, a GPU if there is one");
  add(c, o, "precision", "NAME", "fp32, tf32, bf16 or auto; the CPU has fp32");
  add_threads_option(c, o.threads);
}

void add_run_options(CLI::App& c, TrainOptions& o) {
  add(c, o, "out", "DIR", "Folder in which a numbered run directory is made");
  add_value(c, "--resume", o.resume, NonEmpty{},
            "Go on with a run where its latest checkpoint left it, or with a checkpoint; auto: with the newest run "
            "below --out that has the same options, or a new one")
      .type_name("PATH|auto");
  add(c, o, "snapshot-every", "N", "Steps between image grids; 0: every epoch");
  add(c, o, "checkpoint-every", "N", "Steps between checkpoints; 0: every epoch");
  add(c, o, "keep-last", "N", "Checkpoints to keep; 0: all");
  add(c, o, "keep-every", "N", "Keep every N-th step's checkpoint, too; 0: no");
  add(c, o, "log-every", "N", "Steps between lines of the log");
  add(c, o, "progress", "HOW", "auto (a live line on a terminal), plain or none");
  add_value(c, "--dry-run", o.dry_run, Flag{}, "Check everything, print what would be trained, and write nothing");
  add_value(c, "--smoke", o.smoke, Flag{}, "A few steps of a small model on built-in digits: does it work here?");
  add_config_option(c);
}

/// The footer's lines on the metrics of the status line.
std::string metrics_help() {
  constexpr std::size_t column = 24;
  std::string help;
  for (const auto& m : tinygan::gan::step_metrics<float>) {
    std::string line = std::string("  ") + m.label;
    if (m.healthy.low < m.healthy.high) line += " " + general(m.healthy.low, 3) + " to " + general(m.healthy.high, 3);
    line.resize(std::max(column, line.size() + 1), ' ');
    help += line + m.meaning + "\n";
  }
  return help;
}

}  // namespace

void add_train_command(CLI::App& app, Dispatch& chosen) {
  const auto o = std::make_shared<TrainOptions>();
  CLI::App& c = add_command(app, chosen, "train", "Train a generator and a discriminator.", o, &train);
  c.final_callback([&c, &chosen, o] {
    o->given = given_options(c);
    if (o->smoke) make_smoke(*o);
    chosen = [o] { return train(*o); };
  });
  add_data_options(c, *o);
  add_training_options(c, *o);
  add_machine_options(c, *o);
  add_run_options(c, *o);
  c.footer(R"(The run directory, such as runs/00007-dcgan-bce-b128, holds checkpoints, image
grids, logs and a report. Its path is printed to standard output.

The status line, and what is healthy with --loss bce:
)" + metrics_help() + R"(  img/s, eta, mem       speed of the last 20 s, time left, memory

Ctrl-C, SIGTERM, SIGHUP, SIGXCPU and a standard output that is gone save a
checkpoint and end; --resume goes on, to the same result, bit for bit. A second
Ctrl-C ends at once. SIGUSR1 saves and goes on.)");
}

}  // namespace dcgan_mnist
