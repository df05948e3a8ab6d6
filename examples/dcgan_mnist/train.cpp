#include "train.hpp"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include <tinygan/data/batches.hpp>
#include <tinygan/data/device_images.hpp>
#include <tinygan/gan/statistics.hpp>
#include <tinygan/gan/step.hpp>
#include <tinygan/optim/ema.hpp>

#include "checkpoint.hpp"
#include "device.hpp"
#include "image_grid.hpp"
#include "progress.hpp"
#include "run_directory.hpp"
#include "training_images.hpp"

namespace dcgan_mnist {

namespace fs = std::filesystem;
namespace gan = tinygan::gan;
namespace nn = tinygan::nn;
using nlohmann::ordered_json;
using tinygan::index_t;

namespace {

constexpr index_t grid_rows = 8, grid_columns = 8;
constexpr int ema_interval = 8;  // steps between updates of the average: the pass over all weights stays in the noise

// Seeds of the independent random streams of a run.
enum class Stream : std::uint64_t { weights = 1, steps = 2, grid = 3, statistics = 4 };
tinygan::Generator stream(std::uint64_t seed, Stream s, tinygan::Device device) {
  return tinygan::Generator(seed * 0x9E3779B97F4A7C15u + static_cast<std::uint64_t>(s), device);
}

ordered_json to_json(const TrainOptions& o) {
  return {{"data", o.data},           {"model", o.model},
          {"epochs", o.epochs},       {"steps", o.steps},
          {"batch_size", o.batch_size}, {"seed", o.seed},
          {"device", o.device},       {"threads", o.threads},     {"out", o.out},
          {"learning_rate", o.learning_rate}, {"beta1", o.beta1},
          {"ema", o.ema},             {"snapshot_every", o.snapshot_every},
          {"log_every", o.log_every}, {"progress", o.progress}};
}

ordered_json to_json(const Status& s) {
  return {{"epoch", s.epoch},     {"step", s.step},       {"images", s.images},
          {"loss_d", s.loss_d},   {"loss_g", s.loss_g},   {"d_real", s.d_real},
          {"d_fake", s.d_fake},   {"grad_norm_d", s.grad_norm_d}, {"grad_norm_g", s.grad_norm_g},
          {"images_per_second", s.images_per_second}, {"memory_mib", s.memory_mib}};
}

/// A text file that grows line by line. Throws Error as soon as a line cannot be written.
class LineFile {
 public:
  explicit LineFile(fs::path path) : path_(std::move(path)), file_(path_) { check(); }
  void write(const std::string& line) {
    file_ << line << std::endl;
    check();
  }

 private:
  void check() const { tinygan::check(file_.good(), path_.string(), "cannot write"); }
  fs::path path_;
  std::ofstream file_;
};

/// One training run from the first step to the last.
class Run {
 public:
  explicit Run(const TrainOptions& options)
      : options_(options),
        device_(device_from_name(options.device).value()),
        random_(stream(options.seed, Stream::steps, device_)),
        dataset_(training_images(options.data)),
        images_(dataset_, device_),
        batches_(images_.count(), {.batch_size = options.batch_size, .seed = options.seed}),
        networks_(make(options, device_)),
        step_(networks_, hyper(options), hyper(options)) {
    if (options.ema > 0) {
      average_ = make(options, device_);
      ema_.emplace(networks_.generator.parameters(), average_->generator.parameters(),
                   tinygan::optim::EmaOptions{std::pow(options.ema, ema_interval)});
    }
    const index_t by_epochs = options.epochs * batches_.per_epoch();
    steps_ = options.steps > 0 ? options.steps : by_epochs;
    epochs_ = (steps_ + batches_.per_epoch() - 1) / batches_.per_epoch();
    tinygan::Generator latents = stream(options.seed, Stream::grid, device_);
    grid_latents_ = tinygan::random_normal<float>({grid_rows * grid_columns, gan::latent_size}, latents);
  }

  int operator()() {
    directory_ = make_run_directory(options_.out, options_.model + "-bce-b" + std::to_string(options_.batch_size));
    LineFile(directory_ / "options.json").write(to_json(options_).dump(2));
    const std::string head = this->head();
    LineFile(directory_ / "log.txt").write(head);
    if (options_.progress != "none") std::fprintf(stderr, "%s\n", head.c_str());
    write_reals();
    write_fakes(0);
    LineFile log(directory_ / "stats.jsonl");
    Progress progress(options_.progress);
    const index_t snapshot_every = options_.snapshot_every > 0 ? options_.snapshot_every : batches_.per_epoch();

    started_ = Clock::now();
    for (index_t step = 1; step <= steps_; ++step) {
      const bool logged = step == 1 || step % options_.log_every == 0 || step == steps_;
      step_.measure_norms(logged || progress.wants_redraw());
      const gan::StepReport<float> report = take_step();
      if (ema_ && step % ema_interval == 0) ema_->update();
      const Status status = status_of(report, step);
      if (!std::isfinite(status.loss_d) || !std::isfinite(status.loss_g)) return diverged(progress, status);
      if (logged) log.write(to_json(status).dump());
      if (logged || progress.wants_redraw()) progress.show(status, logged);
      if (step % snapshot_every == 0 || step == steps_) {
        const Clock::time_point pause = Clock::now();
        write_fakes(step);
        save(step);
        started_ += Clock::now() - pause;  // pictures are no training time
      }
    }
    progress.note("done: " + (directory_ / "weights.safetensors").string());
    return 0;
  }

 private:
  using Clock = std::chrono::steady_clock;

  /// Weights are drawn on the CPU, so that every device starts from the same bits.
  static gan::Networks<float> make(const TrainOptions& o, tinygan::Device device) {
    tinygan::Generator weights = stream(o.seed, Stream::weights, tinygan::Device::cpu());
    gan::Networks<float> networks = gan::make_networks<float>(gan::network_from_name(o.model), weights);
    networks.to(device);
    return networks;
  }
  static tinygan::AdamHyper hyper(const TrainOptions& o) {
    return {.learning_rate = o.learning_rate, .beta1 = o.beta1};
  }

  float low() const { return static_cast<float>(networks_.pixel_low); }
  float high() const { return static_cast<float>(networks_.pixel_high); }

  gan::StepReport<float> take_step() {
    random_.next_step();
    return step_(images_.batch(batches_.next(), low(), high()), random_);
  }

  Status status_of(const gan::StepReport<float>& report, index_t step) const {
    Status s;
    s.step = step;
    s.steps = steps_;
    s.epoch = batches_.position().epoch + 1;
    s.epochs = epochs_;
    s.images = step * options_.batch_size;
    s.loss_d = report.loss_d.item();
    s.loss_g = report.loss_g.item();
    s.d_real = report.d_real.item();
    s.d_fake = report.d_fake.item();
    if (report.grad_norm_d.defined()) s.grad_norm_d = report.grad_norm_d.item();
    if (report.grad_norm_g.defined()) s.grad_norm_g = report.grad_norm_g.item();
    const double seconds = std::chrono::duration<double>(Clock::now() - started_).count();
    s.images_per_second = static_cast<double>(s.images) / seconds;
    s.eta_seconds = seconds / static_cast<double>(step) * static_cast<double>(steps_ - step);
    s.memory_mib = resident_mib();
    return s;
  }

  /// Weights, gradients, two moments and the average, and the activations of G once and of D once.
  double memory_estimate_mib() const {
    const index_t g = networks_.generator.parameter_count(), d = networks_.discriminator.parameter_count();
    const double activations = static_cast<double>(activation_count(networks_.generator, {options_.batch_size, gan::latent_size}) +
                                                   activation_count(networks_.discriminator, {options_.batch_size, 28, 28, 1}));
    const double elements = 4.0 * static_cast<double>(g + d) + (ema_ ? static_cast<double>(g) : 0) + 2 * activations;
    return (elements * sizeof(float) + static_cast<double>(dataset_.images.size()) * 2) / (1 << 20);
  }
  static index_t activation_count(const nn::Module<float>& model, tinygan::Shape shape) {
    index_t count = 0;
    for (const auto& [name, layer] : model.layers()) {
      shape = layer->output_shape(shape);
      count += shape.size();
    }
    return count;
  }

  /// What a run says first: everything that decides its result, and its size.
  std::string head() const {
#ifdef __OPTIMIZE__
    constexpr const char* build = "optimised";
#else
    constexpr const char* build = "NOT OPTIMISED (configure with CMAKE_BUILD_TYPE=Release for speed)";
#endif
    const auto& isa = tinygan::cpu::isa_name(tinygan::cpu::isa());
    return tinygan::text(
        "options ", to_json(options_).dump(), "\ndevice ", device_, ", cpu ", isa, ", threads ", tinygan::cpu::threads(),
        ", precision fp32, build ", build, ", seed ", options_.seed, "\ndata ", dataset_.source, ": ", dataset_.count,
        " images of ", dataset_.height, 'x', dataset_.width,
        dataset_.images_md5.empty() ? std::string() : ", md5 " + dataset_.images_md5, "\n\ngenerator\n",
        nn::summary(networks_.generator, {options_.batch_size, gan::latent_size}), "\ndiscriminator\n",
        nn::summary(networks_.discriminator, {options_.batch_size, 28, 28, 1}), "\nmemory about ",
        std::llround(memory_estimate_mib()), " MiB, ", steps_, " steps, ", batches_.per_epoch(),
        " per epoch\nrun directory ", directory_.string());
  }

  void write_reals() const {
    std::vector<std::int32_t> first;
    for (index_t i = 0; i < std::min(grid_rows * grid_columns, images_.count()); ++i) first.push_back(static_cast<std::int32_t>(i));
    write_grid(directory_ / "reals.png", images_.batch<float>(first, low(), high()), grid_columns, low(), high());
  }

  /// The grid of the run's fixed latent vectors: the averaged generator's, with statistics of its own.
  void write_fakes(index_t step) {
    const tinygan::NoGrad no_grad;
    nn::Sequential<float>& generator = average_ ? average_->generator : networks_.generator;
    if (average_) {
      tinygan::Generator latents = stream(options_.seed, Stream::statistics, device_);
      gan::recompute_statistics(generator, gan::latent_size, latents);
    }
    char name[32];
    std::snprintf(name, sizeof name, "fakes_%06lld.png", static_cast<long long>(step));
    write_grid(directory_ / name, generator(grid_latents_, nn::Pass::infer()).value(), grid_columns, low(), high());
  }

  void save(index_t step) const {
    save_weights(directory_ / "weights.safetensors", options_.model, step, networks_, average_ ? &average_->generator : nullptr);
  }

  int diverged(Progress& progress, const Status& s) const {
    progress.note(tinygan::text("diverged at step ", s.step, ": loss_D is ", s.loss_d, ", loss_G is ", s.loss_g,
                                "; the weights saved before are untouched in ", directory_.string()));
    return 3;
  }

  TrainOptions options_;
  tinygan::Device device_;
  tinygan::Generator random_;
  tinygan::data::ImageDataset dataset_;
  tinygan::data::DeviceImages images_;
  tinygan::data::Batches batches_;
  gan::Networks<float> networks_;
  std::optional<gan::Networks<float>> average_;
  std::optional<tinygan::optim::Ema<float>> ema_;
  gan::AdversarialStep<float> step_;
  tinygan::Tensor<float> grid_latents_;
  index_t steps_ = 0, epochs_ = 0;
  fs::path directory_;
  Clock::time_point started_;
};

}  // namespace

int train(const TrainOptions& options) {
  if (options.threads > 0) tinygan::cpu::set_threads(options.threads);
  return Run(options)();
}

}  // namespace dcgan_mnist
