#include <tinygan/gan/networks.hpp>
#include <tinygan/gan/objective.hpp>

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

void add_data_options(CLI::App& c, TrainOptions& o) {
  c.add_option("--data", o.data,
               "Folder of the MNIST files; strokes: built-in digits; auto: $TINYGAN_MNIST or data/mnist")
      ->type_name("DIR");
  c.add_option("--images", o.images, "Use only the first N images; 0: all")->check(between(0, 1 << 30))->type_name("N");
  c.add_option("--batch-size", o.batch_size, "Images in an update")->check(between(2, 1 << 20))->type_name("N");
  c.add_flag("--overfit-batch", o.overfit_batch,
             "Train on the first batch only: a network that cannot learn it is broken");
}

void add_training_options(CLI::App& c, TrainOptions& o) {
  const std::vector<std::string> models(tinygan::gan::network_names.begin(), tinygan::gan::network_names.end());
  c.add_option("--model", o.model, "Networks: dcgan (TensorFlow's tutorial), article (the Keras sample, done right), "
                                   "libtorch (PyTorch's C++ example), small (quick looks)")
      ->check(one_of(models))
      ->type_name("NAME");
  const std::vector<std::string> losses(tinygan::gan::loss_names.begin(), tinygan::gan::loss_names.end());
  c.add_option("--loss", o.loss, "Adversarial loss: bce (the original, non-saturating), lsgan, hinge or wgan-gp")
      ->check(one_of(losses))
      ->type_name("NAME");
  c.add_option(
       "--critic-steps", o.critic_steps,
       "Updates of the discriminator for each of the generator, every one on images of its own; 5 is usual for wgan-gp")
      ->check(between(1, 100))
      ->type_name("N");
  c.add_option("--penalty-weight", o.penalty_weight, "Weight of wgan-gp's gradient penalty")
      ->check(between(0.0, 1e6))
      ->type_name("W");
  c.add_option("--epochs", o.epochs, "Passes over the data set")->check(between(1, 1000000))->type_name("N");
  c.add_option("--steps", o.steps, "Stop after N steps; 0: --epochs decides")
      ->check(between(0, max_steps))
      ->type_name("N");
  c.add_option("--learning-rate", o.learning_rate, "Adam's, of both networks")
      ->check(between(0.0, 1e6))
      ->type_name("R");
  c.add_option("--beta1", o.beta1, "Adam's beta1")->check(between(0.0, 0.9999))->type_name("B");
  c.add_option("--ema", o.ema, "Decay of the averaged generator, which draws the grids; 0: no average")
      ->check(between(0.0, 0.999999))
      ->type_name("D");
  c.add_option(
       "--statistics-images", o.statistics_images,
       "Images that the averaged generator's batch statistics are taken from before it is saved; never more than "
       "the run has trained on")
      ->check(between(2, 1 << 20))
      ->type_name("N");
  c.add_option("--seed", o.seed, "Seed of weights, order, latents and dropout")->type_name("S");
  c.add_option("--init-from", o.init_from, "Begin with the weights of a run, checkpoint or weights file, all else new")
      ->type_name("PATH");
}

void add_machine_options(CLI::App& c, TrainOptions& o) {
  c.add_option("--device", o.device,
               "cpu, cuda, cuda:N, emulated (the CUDA kernels run on the CPU, slowly) or auto, a GPU if there is one")
      ->check(device_names())
      ->type_name("NAME");
  c.add_option("--precision", o.precision, "fp32, tf32, bf16 or auto; the CPU has fp32")
      ->check(one_of({"auto", "fp32", "tf32", "bf16"}))
      ->type_name("NAME");
  add_threads_option(c, o.threads);
}

void add_run_options(CLI::App& c, TrainOptions& o) {
  c.add_option("--out", o.out, "Folder in which a numbered run directory is made")->type_name("DIR");
  c.add_option(
       "--resume", o.resume,
       "Go on with a run where its latest checkpoint left it, or with a checkpoint; auto: with the newest run below "
       "--out that has the same options, or a new one")
      ->type_name("PATH|auto");
  c.add_option("--snapshot-every", o.snapshot_every, "Steps between image grids; 0: every epoch")
      ->check(between(0, max_steps))
      ->type_name("N");
  c.add_option("--checkpoint-every", o.checkpoint_every, "Steps between checkpoints; 0: every epoch")
      ->check(between(0, max_steps))
      ->type_name("N");
  c.add_option("--keep-last", o.keep_last, "Checkpoints to keep; 0: all")->check(between(0, 1 << 20))->type_name("N");
  c.add_option("--keep-every", o.keep_every, "Keep every N-th step's checkpoint, too; 0: no")
      ->check(between(0, max_steps))
      ->type_name("N");
  c.add_option("--log-every", o.log_every, "Steps between lines of the log")
      ->check(between(1, 1000000))
      ->type_name("N");
  c.add_option("--progress", o.progress, "auto (a live line on a terminal), plain or none")
      ->check(one_of({"auto", "plain", "none"}))
      ->type_name("HOW");
  c.add_flag("--dry-run", o.dry_run, "Check everything, print what would be trained, and write nothing");
  c.add_flag("--smoke", o.smoke, "A few steps of a small model on built-in digits: does it work here?");
  add_config_option(c);
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

The status line, and what is healthy:
  loss_D 0.5 to 1.4     the discriminator's loss; 1.39 is guessing
  loss_G 0.7 to 3       the generator's loss; 0.69 is a fooled discriminator
  D(x), D(G(z))         mean probability "real" for real and generated images;
                        apart, but not at 1 and 0
  |gD|, |gG|            gradient norms; steady, not growing without end
  img/s, eta, mem       speed of the last 20 s, time left, memory

Ctrl-C saves a checkpoint and ends; --resume goes on, to the same result, bit
for bit. A second Ctrl-C ends at once. SIGUSR1 saves and goes on.)");
}

}  // namespace dcgan_mnist
