// The options of `train`: a field and a row of the table each.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "base/allowed.hpp"

namespace dcgan_mnist {

struct TrainOptions {
  std::string data = "auto";  ///< as find_images() takes it
  std::int64_t images = 0;    ///< only the first so many of them; 0: all
  std::string model = "tinygan";
  std::string norm = "batch";       ///< of the generator
  std::int64_t hidden_layers = -1;  ///< of the generator; -1: the network's own
  bool conditional = false;         ///< networks get the class of each image
  bool spectral_norm = false;       ///< of the discriminator
  bool minibatch_stddev = false;    ///< in the discriminator
  std::int64_t packing = 1;         ///< images that the discriminator judges together
  double dropout = -1;              ///< rate in the discriminator; -1: the network's own
  double discriminator_width = 1;   ///< factor of its hidden channels
  std::string loss = "bce";
  bool relativistic = false;
  double label_smoothing = 0;  ///< the label of real images is 1 less this
  double weight_clip = 0.01;   ///< of wgan
  double penalty_weight = 10;  ///< of wgan-gp
  double r1 = -1;              ///< weight of the penalty; negative: see resolve_penalties()
  double r2 = 0;               ///< weight of the penalty
  int penalty_every = 0;       ///< steps; 0: see resolve_penalties()
  int critic_steps = 1;        ///< updates of the discriminator for each of the generator
  std::int64_t epochs = 20;
  std::int64_t steps = 0;        ///< stop after this many; 0: epochs decide
  std::int64_t batch_size = 32;  ///< images in an update
  std::uint64_t seed = 0;
  std::string device = "auto";     ///< cpu, cuda, cuda:N or emulated; auto: cuda:0 where there is one, else cpu
  std::string precision = "auto";  ///< of multiplication, fp32 or tf32; bf16: bfloat16 networks; auto: use_precision()
  double learning_rate = 1e-3;
  double learning_rate_d = 0;        ///< of the discriminator; 0: the same
  double learning_rate_decay = 0.5;  ///< the last share of the run, in which both rates fall; 0: they do not
  std::string schedule = "linear";   ///< how they fall: linear, cosine, step or constant (not at all)
  std::int64_t warmup_steps = 0;     ///< over which both rates rise from 0
  double beta1 = 0, beta2 = 0.99;
  double ema = 0.999;                     ///< decay of the averaged generator; 0: none
  std::int64_t statistics_images = 1024;  ///< for the batch statistics of the averaged generator
  double augment_shift = 0;               ///< of training images, in pixels
  double augment_rotation = 0;            ///< in degrees
  double augment_scale = 0;               ///< share of the size
  std::string diff_augment = "none";      ///< transforms of what the discriminator sees, separated by commas
  double instance_noise = 0;              ///< standard deviation of the noise that the discriminator sees
  double instance_noise_decay = 0;        ///< the last share of the run, in which it falls to 0
  std::string init_from;                  ///< weights to begin with: a run, a checkpoint or a weights file
  bool overfit_batch = false;             ///< train on the first batch only

  int threads = 0;  ///< 0: one per processor
  std::string out = "runs";
  std::int64_t snapshot_every = 0;    ///< steps between grids; 0: every epoch
  std::int64_t checkpoint_every = 0;  ///< steps between checkpoints; 0: every epoch
  std::int64_t eval_every = 0;        ///< steps between evaluations; 0: none
  std::int64_t eval_samples = 10000;  ///< images of an evaluation
  std::string eval_classifier;        ///< a file; empty: the built-in one
  std::int64_t keep_last = 2;         ///< checkpoints to keep; 0: all
  std::int64_t keep_every = 0;        ///< keep those of every so many steps, too; 0: none
  std::int64_t log_every = 50;        ///< steps between lines of the log
  std::string progress = "auto";      ///< auto, plain or none

  std::string resume;  ///< a run, a checkpoint, "auto", or empty: a new run
  bool dry_run = false, smoke = false;
  std::set<std::string> given;  ///< the options that the user named, without dashes
};

/// How --resume treats an option.
enum class Role {
  result,   ///< determines the result: a different value is an error
  length,   ///< length of the run: a different value extends it
  side,     ///< does not affect the result: a given value replaces the run's own
  session,  ///< saved, but per session: the run's own value is not used
  unsaved,  ///< not saved
};

/// A row of the table of options, from which parsing, --help, options.json and --resume are derived.
template <class T, class Allowed>
struct Option {
  const char* name;  ///< on the command line and in files
  T TrainOptions::*field;
  Role role;
  Allowed allowed;
  const char* type;  ///< of the value, in --help
  const char* help;
};
template <class T, class Allowed>
Option(const char*, T TrainOptions::*, Role, Allowed, const char*, const char*) -> Option<T, Allowed>;

inline constexpr std::int64_t max_steps = std::int64_t{1} << 40;

/// What --model, --loss and --diff-augment take.
OneOf model_names();
OneOf loss_names();
SomeOf diff_augment_names();

/// The table: f(row) for every option of `train`, in the order of --help and options.json.
template <class F>
void each_option(F&& f) {
  using O = TrainOptions;
  using Whole = Range<std::int64_t>;
  using Real = Range<double>;
  constexpr std::int64_t max_count = 1 << 20;
  f(Option{"data", &O::data, Role::side, NonEmpty{}, "DIR",  // images are compared by checksum: they may have moved
           "Folder or images file of MNIST or a set like it, or folder of PNG or JPEG images; strokes: built-in "
           "digits; auto: "
           "$TINYGAN_MNIST or data/mnist; stacked, stacked:DIR: three of these digits as the channels of each image"});
  f(Option{"images", &O::images, Role::result, Whole{0, 1 << 30}, "N", "Use only the first N images; 0: all"});
  f(Option{
      "model", &O::model, Role::result, model_names(), "NAME",
      "Networks: tinygan (the best pictures), small (the same, narrower: quick looks), dcgan (TensorFlow's "
      "tutorial), article (the Keras sample, done right), libtorch (PyTorch's C++ example), linear (one layer each)"});
  f(Option{"conditional", &O::conditional, Role::result, Flag{}, "",
           "Tell both networks the class of each image, from the labels of the data; sample --class N draws one"});
  f(Option{"hidden-layers", &O::hidden_layers, Role::result, Whole{-1, 16}, "N",
           "Hidden dense layers in the generator of tinygan and small; -1: 3, or none with --conditional"});
  f(Option{"norm", &O::norm, Role::result, OneOf{{"batch", "virtual"}}, "NAME",
           "How the generator normalises: batch, or virtual batch norm by a fixed reference batch"});
  f(Option{"spectral-norm", &O::spectral_norm, Role::result, Flag{}, "",
           "Divide every kernel of the discriminator by its largest singular value"});
  f(Option{"minibatch-stddev", &O::minibatch_stddev, Role::result, Flag{}, "",
           "Show the discriminator how much the images of a batch differ, in groups of 4"});
  f(Option{"packing", &O::packing, Role::result, Whole{1, 64}, "N",
           "Images that the discriminator judges together; divides --batch-size"});
  f(Option{"dropout", &O::dropout, Role::result, Real{-1, 0.99}, "P",
           "Rate of dropout after the discriminator's hidden layers; -1: the network's own"});
  f(Option{"discriminator-width", &O::discriminator_width, Role::result, Real{0.01, 16}, "F",
           "Factor of the discriminator's hidden channels"});
  f(Option{
      "loss", &O::loss, Role::result, loss_names(), "NAME",
      "Adversarial loss: bce (the original, non-saturating), bce-saturating (G minimises log(1 - D(G(z)))), lsgan, "
      "hinge, wgan (weights of D clipped) or wgan-gp"});
  f(Option{
      "relativistic", &O::relativistic, Role::result, Flag{}, "",
      "D and G learn from the differences of D's outputs on pairs of a real and a generated image; of bce, lsgan and "
      "hinge"});
  f(Option{"label-smoothing", &O::label_smoothing, Role::result, Real{0, 0.49}, "S",
           "Label real images 1 - S for D, generated ones 0; of bce and bce-saturating"});
  f(Option{"weight-clip", &O::weight_clip, Role::result, Real{1e-6, 1e6}, "C",
           "wgan's limit of D's weights, to which every update of D clamps them"});
  f(Option{"penalty-weight", &O::penalty_weight, Role::result, Real{0, 1e6}, "W",
           "Weight of wgan-gp's gradient penalty"});
  f(Option{"r1", &O::r1, Role::result, Real{-1, 1e6}, "W",
           "Weight of R1, half the squared gradient of D at real images, with any loss; no batch norm in D; -1: 1, but "
           "0 with wgan and wgan-gp and for libtorch, whose D has batch norm"});
  f(Option{"r2", &O::r2, Role::result, Real{0, 1e6}, "W", "Weight of R2, the same at generated images"});
  f(Option{"penalty-every", &O::penalty_every, Role::result, Range<int>{0, 1000}, "N",
           "Take the gradient penalties in every N-th step only, N times each; 0: 4, but 1 with wgan-gp"});
  f(Option{"critic-steps", &O::critic_steps, Role::result, Range<int>{1, 100}, "N",
           "Updates of the discriminator for each of the generator, every one on images of its own; 5 is usual for "
           "wgan and wgan-gp"});
  f(Option{"epochs", &O::epochs, Role::length, Whole{1, 1000000}, "N", "Passes over the data set"});
  f(Option{"steps", &O::steps, Role::length, Whole{0, max_steps}, "N", "Stop after N steps; 0: --epochs decides"});
  f(Option{"batch-size", &O::batch_size, Role::result, Whole{2, max_count}, "N", "Images in an update"});
  f(Option{"seed", &O::seed, Role::result, any_seed, "S", "Seed of weights, order, latents and dropout"});
  f(Option{"device", &O::device, Role::result, DeviceName{}, "NAME",
           "cpu, cuda, cuda:N, emulated (the CUDA kernels run on the CPU, slowly) or auto, a GPU if there is one"});
  f(Option{"precision", &O::precision, Role::result, OneOf{{"auto", "fp32", "tf32", "bf16"}}, "NAME",
           "fp32 or tf32 multiplication; bf16: bfloat16 networks with fp32 master weights; auto; the CPU has fp32"});
  f(Option{"learning-rate", &O::learning_rate, Role::result, Real{0, 1e6}, "R", "Adam's, of both networks"});
  f(Option{"learning-rate-d", &O::learning_rate_d, Role::result, Real{0, 1e6}, "R",
           "Adam's of the discriminator; 0: --learning-rate"});
  f(Option{"learning-rate-decay", &O::learning_rate_decay, Role::result, Real{0, 1}, "F",
           "Both rates fall to 0 in the last share F of the run, which then cannot be extended"});
  f(Option{
      "schedule", &O::schedule, Role::result, OneOf{{"linear", "cosine", "step", "constant"}}, "HOW",
      "How the rates fall: linear or cosine, to 0 in that share; step, to a tenth after each such share; constant, "
      "not at all"});
  f(Option{"warmup-steps", &O::warmup_steps, Role::result, Whole{0, max_steps}, "N",
           "Both rates rise linearly from 0 over the first N steps"});
  f(Option{"beta1", &O::beta1, Role::result, Real{0, 0.9999}, "B", "Adam's beta1"});
  f(Option{"beta2", &O::beta2, Role::result, Real{0, 0.999999}, "B", "Adam's beta2"});
  f(Option{"ema", &O::ema, Role::result, Real{0, 0.999999}, "D",
           "Decay of the averaged generator, which draws the grids; 0: no average"});
  f(Option{"statistics-images", &O::statistics_images, Role::result, Whole{2, max_count}, "N",
           "Images that the averaged generator's batch statistics are taken from before it is saved; never more than "
           "the run has trained on"});
  f(Option{"overfit-batch", &O::overfit_batch, Role::result, Flag{}, "",
           "Train on the first batch only: a network that cannot learn it is broken"});
  f(Option{"init-from", &O::init_from, Role::result, Anything{}, "PATH",
           "Begin with the weights of a run, checkpoint or weights file, all else new"});
  f(Option{"augment-shift", &O::augment_shift, Role::result, Real{0, 16}, "P",
           "Shift every training image anew in each epoch, by up to P pixels along each axis"});
  f(Option{"augment-rotation", &O::augment_rotation, Role::result, Real{0, 45}, "D",
           "Rotate every training image anew in each epoch, by up to D degrees"});
  f(Option{"augment-scale", &O::augment_scale, Role::result, Real{0, 0.5}, "F",
           "Scale every training image anew in each epoch, by a factor from 1 - F to 1 + F"});
  f(Option{"diff-augment", &O::diff_augment, Role::result, diff_augment_names(), "LIST",
           "Differentiable augmentation of what the discriminator sees, for little data: some of color, translation, "
           "cutout, separated by commas; none"});
  f(Option{"instance-noise", &O::instance_noise, Role::result, Real{0, 100}, "S",
           "Standard deviation of normal noise on what the discriminator sees"});
  f(Option{"instance-noise-decay", &O::instance_noise_decay, Role::result, Real{0, 1}, "F",
           "The noise falls linearly to 0 in the last share F of the run, which then cannot be extended"});
  f(Option{"threads", &O::threads, Role::side, thread_count, "N", threads_help});
  f(Option{"out", &O::out, Role::session, NonEmpty{}, "DIR", "Folder in which a numbered run directory is made"});
  f(Option{"resume", &O::resume, Role::unsaved, NonEmpty{}, "PATH|auto",
           "Go on with a run where its latest checkpoint left it, or with a checkpoint; auto: with the newest run "
           "below --out that has the same options, or a new one"});
  f(Option{"snapshot-every", &O::snapshot_every, Role::side, Whole{0, max_steps}, "N",
           "Steps between image grids; 0: every epoch"});
  f(Option{"checkpoint-every", &O::checkpoint_every, Role::side, Whole{0, max_steps}, "N",
           "Steps between checkpoints; 0: every epoch"});
  f(Option{"keep-last", &O::keep_last, Role::side, Whole{0, max_count}, "N", "Checkpoints to keep; 0: all"});
  f(Option{"keep-every", &O::keep_every, Role::side, Whole{0, max_steps}, "N",
           "Keep every N-th step's checkpoint, too; 0: no"});
  f(Option{"log-every", &O::log_every, Role::side, Whole{1, 1000000}, "N", "Steps between lines of the log"});
  f(Option{"eval-every", &O::eval_every, Role::side, Whole{0, max_steps}, "N",
           "Steps between evaluations of the images, see `dcgan_mnist evaluate`; 0: none"});
  f(Option{"eval-samples", &O::eval_samples, Role::side, Whole{256, max_count}, "N",
           "Images of an evaluation; figures compare at equal numbers only"});
  f(Option{"eval-classifier", &O::eval_classifier, Role::side, Anything{}, "FILE",
           "The evaluation's classifier, for sets that the built-in one does not know"});
  f(Option{"progress", &O::progress, Role::session, OneOf{{"auto", "plain", "none"}}, "HOW",
           "auto (a live line on a terminal), plain or none"});
  f(Option{"dry-run", &O::dry_run, Role::unsaved, Flag{}, "",
           "Check everything, print what would be trained, and write nothing"});
  f(Option{"smoke", &O::smoke, Role::unsaved, Flag{}, "",
           "A few steps of a small model on built-in digits: does it work here?"});
}

/// Real images that one step takes.
inline std::int64_t images_per_step(const TrainOptions& o) { return o.batch_size * o.critic_steps; }

/// Replaces the values that stand for a default by that default. R1 has weight 1, and 0 where the loss limits D's
/// gradient by itself (wgan, wgan-gp) or D has batch norm; penalties are taken in every fourth step, wgan-gp's in each.
void resolve_penalties(TrainOptions& options);

/// The options under their names on the command line, so that `--config` takes the file that holds them.
nlohmann::ordered_json to_json(const TrainOptions& options);

/// Only the options that determine the result.
nlohmann::ordered_json deciding_options(const TrainOptions& options);

/// Reads a run's options.json. Throws Error naming the file and the option that is wrong: of another type, or with a
/// value that the command line would refuse.
TrainOptions read_options(const std::filesystem::path& file);

/// The options of a resumed run: `saved`, with those of the user's options that may change. Throws Error naming the
/// option and both values if one would change the result, as a new length does after option_bound_to_length().
TrainOptions merge_options(const TrainOptions& saved, const TrainOptions& now);

/// The option that makes each step's result depend on the number of steps, so that the run cannot be extended; null if
/// there is none.
const char* option_bound_to_length(const TrainOptions& options);

/// Whether a run with these options would have the same result, apart from its length where that may change.
bool same_result(const TrainOptions& a, const TrainOptions& b);

/// The command that starts such a run, every option that is not the default spelt out, quoted for a shell.
std::string command_of(const TrainOptions& options);

/// `text` as one word of a shell's command line.
std::string shell_quoted(const std::string& text);

}  // namespace dcgan_mnist
