// What the command line of `train` decides, as plain data.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "allowed.hpp"

namespace dcgan_mnist {

struct TrainOptions {
  std::string data = "auto";            ///< a directory with the MNIST files, "strokes", or "auto"
  std::int64_t images = 0;              ///< only the first so many of them; 0: all
  std::string model = "dcgan";
  std::string loss = "bce";
  double penalty_weight = 10;           ///< of wgan-gp
  int critic_steps = 1;                 ///< updates of the discriminator for each of the generator
  std::int64_t epochs = 20;
  std::int64_t steps = 0;               ///< stop after this many; 0: epochs decide
  std::int64_t batch_size = 128;        ///< images in an update
  std::uint64_t seed = 0;
  std::string device = "auto";          ///< cpu, cuda, cuda:N or emulated; auto: cuda:0 where there is one, else cpu
  std::string precision = "auto";       ///< fp32, tf32, or bf16: networks of bfloat16; auto: what use_precision() finds best
  double learning_rate = 2e-4;
  double beta1 = 0.5;
  double ema = 0.999;                   ///< decay of the averaged generator; 0: none
  std::int64_t statistics_images = 1024;  ///< for the batch statistics of the averaged generator
  bool overfit_batch = false;           ///< train on the first batch only
  std::string init_from;                ///< weights to begin with: a run, a checkpoint or a weights file

  int threads = 0;                      ///< 0: one per processor
  std::string out = "runs";
  std::int64_t snapshot_every = 0;      ///< steps between grids; 0: every epoch
  std::int64_t checkpoint_every = 0;    ///< steps between checkpoints; 0: every epoch
  std::int64_t keep_last = 2;           ///< checkpoints to keep; 0: all
  std::int64_t keep_every = 0;          ///< keep those of every so many steps, too; 0: none
  std::int64_t log_every = 50;          ///< steps between lines of the log
  std::string progress = "auto";        ///< auto, plain or none

  std::string resume;                   ///< a run, a checkpoint, "auto", or empty: a new run
  bool dry_run = false, smoke = false;
  std::set<std::string> given;          ///< the options that the user named, without dashes
};

/// How an option behaves when a run is resumed.
enum class Role {
  result,   ///< decides the result: naming another value is an error
  length,   ///< how long the run goes on: another value extends it
  side,     ///< decides nothing about the result: another value is taken, otherwise the run's own
  session,  ///< of this invocation only
};

inline constexpr std::int64_t max_steps = std::int64_t{1} << 40;

/// What --model and --loss take.
OneOf model_names();
OneOf loss_names();

/// f(name, value, role, allowed values) for every option that belongs to a run.
template <class Options, class F>
void each_option(Options& o, F&& f) {
  using Whole = Range<std::int64_t>;
  using Real = Range<double>;
  constexpr std::int64_t max_count = 1 << 20;
  f("data", o.data, Role::side, NonEmpty{});  // the images are compared by checksum, so they may have moved
  f("images", o.images, Role::result, Whole{0, 1 << 30});
  f("model", o.model, Role::result, model_names());
  f("loss", o.loss, Role::result, loss_names());
  f("penalty-weight", o.penalty_weight, Role::result, Real{0, 1e6});
  f("critic-steps", o.critic_steps, Role::result, Range<int>{1, 100});
  f("epochs", o.epochs, Role::length, Whole{1, 1000000});
  f("steps", o.steps, Role::length, Whole{0, max_steps});
  f("batch-size", o.batch_size, Role::result, Whole{2, max_count});
  f("seed", o.seed, Role::result, any_seed);
  f("device", o.device, Role::result, DeviceName{});
  f("precision", o.precision, Role::result, OneOf{{"auto", "fp32", "tf32", "bf16"}});
  f("learning-rate", o.learning_rate, Role::result, Real{0, 1e6});
  f("beta1", o.beta1, Role::result, Real{0, 0.9999});
  f("ema", o.ema, Role::result, Real{0, 0.999999});
  f("statistics-images", o.statistics_images, Role::result, Whole{2, max_count});
  f("overfit-batch", o.overfit_batch, Role::result, Flag{});
  f("init-from", o.init_from, Role::result, Anything{});
  f("threads", o.threads, Role::side, thread_count);
  f("out", o.out, Role::session, NonEmpty{});
  f("snapshot-every", o.snapshot_every, Role::side, Whole{0, max_steps});
  f("checkpoint-every", o.checkpoint_every, Role::side, Whole{0, max_steps});
  f("keep-last", o.keep_last, Role::side, Whole{0, max_count});
  f("keep-every", o.keep_every, Role::side, Whole{0, max_steps});
  f("log-every", o.log_every, Role::side, Whole{1, 1000000});
  f("progress", o.progress, Role::session, OneOf{{"auto", "plain", "none"}});
}

/// Real images that one step takes.
inline std::int64_t images_per_step(const TrainOptions& o) { return o.batch_size * o.critic_steps; }

/// The options under their names on the command line, so that `--config` takes the file that holds them.
nlohmann::ordered_json to_json(const TrainOptions& options);

/// Only those that decide the result.
nlohmann::ordered_json deciding_options(const TrainOptions& options);

/// Reads a run's options.json. Throws Error naming the file and the option that is wrong: of another type, or with a
/// value that the command line would refuse.
TrainOptions read_options(const std::filesystem::path& file);

/// The options of a run that goes on: its own, `saved`, and of those that the user gave now what may change. Throws
/// Error naming the option and both values if one would change the result.
TrainOptions merge_options(const TrainOptions& saved, const TrainOptions& now);

/// Whether a run with these options would have the same result, apart from its length.
bool same_result(const TrainOptions& a, const TrainOptions& b);

/// The command that starts such a run, every option that is not the default spelt out, quoted for a shell.
std::string command_of(const TrainOptions& options);

/// `text` as one word of a shell's command line.
std::string shell_quoted(const std::string& text);

}  // namespace dcgan_mnist
