#include "run/train.hpp"

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

#include <tinygan/cpu/thread_pool.hpp>
#include <tinygan/io/state.hpp>

#include "base/build_info.hpp"
#include "base/device.hpp"
#include "base/numbers.hpp"
#include "base/signals.hpp"
#include "base/standard_streams.hpp"
#include "media/image_grid.hpp"
#include "run/describe.hpp"
#include "run/health.hpp"
#include "run/progress.hpp"
#include "run/record.hpp"
#include "run/resume.hpp"
#include "run/run_directory.hpp"
#include "run/run_evaluation.hpp"
#include "run/throughput.hpp"
#include "run/training.hpp"
#include "run/training_images.hpp"

namespace dcgan_mnist {

namespace fs = std::filesystem;
using tinygan::index_t;

namespace {

constexpr int done = 0, diverged = 3, interrupted = 130;

/// Thrown when a loss or a weight is not finite.
struct Diverged {
  std::string what;
};

/// One training run, from its first step or from a checkpoint to its last.
class Run {
 public:
  Run(Plan plan, tinygan::Device device, SignalWatch& signals)
      : options_(plan.options), plan_(std::move(plan)), progress_(options_.progress), signals_(&signals),
        device_(device), dataset_(load_images()), training_(options_, device, dataset_) {
    const index_t per_epoch = training_.steps_per_epoch();
    steps_ = training_.steps();
    snapshot_every_ = options_.snapshot_every > 0 ? options_.snapshot_every : per_epoch;
    checkpoint_every_ = options_.checkpoint_every > 0 ? options_.checkpoint_every : per_epoch;
    if (plan_.checkpoint) {
      check_images(plan_.checkpoint->meta);
      best_ = plan_.checkpoint->meta.best;
      training_.restore({std::move(plan_.checkpoint->model), std::move(plan_.checkpoint->state)},
                        plan_.checkpoint_path.string());
    } else if (!options_.init_from.empty()) {
      const fs::path weights = find_weights(options_.init_from);
      training_.load_weights(read_weights(weights), weights.string());
    }
  }

  int operator()() {
    const NetworkSummaries networks = training_.networks();
    const RunParts parts{options_, device_, dataset_, networks, steps_, training_.steps_per_epoch()};
    if (options_.dry_run) {
      check_output();
      progress_.note(describe_run(parts) + "\ndry run: nothing was written");
      return done;
    }
    if (plan_.checkpoint && training_.steps_done() >= steps_) return nothing_to_do();
    if (signals_->stop_requested()) {
      progress_.note("interrupted before the first step: nothing was written");
      return interrupted;
    }
    open_directory(parts);
    try {
      return train();
    } catch (const Diverged& d) {
      return end_diverged(d);
    } catch (const std::exception& e) {
      throw tinygan::Error(e.what() + after_error());
    }
  }

 private:
  tinygan::data::ImageDataset load_images() {
    tinygan::data::ImageDataset d = training_images(options_.data, options_.images, wanted_labels(options_));
    if (!options_.overfit_batch) return d;
    d.count = images_per_step(options_);
    tinygan::check(static_cast<std::size_t>(d.count * d.pixels()) <= d.images.size(), "--overfit-batch", "a batch of ",
                   d.count, " images, expected at most ", d.images.size() / static_cast<std::size_t>(d.pixels()),
                   ", the number of images");
    d.images.resize(static_cast<std::size_t>(d.count * d.pixels()));
    if (!d.labels.empty()) d.labels.resize(static_cast<std::size_t>(d.count));
    return d;
  }

  void check_images(const CheckpointMeta& meta) const {
    tinygan::check(meta.data_md5 == dataset_.images_md5, "--data", dataset_.source, " has the MD5 sum ",
                   dataset_.images_md5, ", the run was trained on ", meta.data_source, " with ", meta.data_md5);
    // Runs of before the sum of the labels was kept have none.
    tinygan::check(meta.labels_md5.empty() || meta.labels_md5 == dataset_.labels_md5, "--data", "the labels of ",
                   dataset_.source, " have the MD5 sum ", dataset_.labels_md5, ", the run was trained on ",
                   meta.data_source, " with ", meta.labels_md5);
  }

  int nothing_to_do() {
    const fs::path& run = plan_.directory;
    for (const std::string& warning : plan_.warnings) progress_.warn("WARNING: " + warning);
    if (!plan_.warnings.empty()) tinygan::io::Checkpoints(run).point_to(training_.steps_done());
    std::error_code ignored;  // a missing file counts as the oldest
    if (fs::last_write_time(run / "report.html", ignored) < fs::last_write_time(run / "latest", ignored)) {
      tinygan::io::Checkpoints(run).remove_unfinished();  // the run was killed after its last step
      write_pages(run, progress_);
    }
    progress_.note(tinygan::text(run.string(), " has done ", training_.steps_done(), " of ", steps_,
                                 " steps: nothing to do (more --steps or --epochs continue it)"));
    write_output_line(run.string());
    return done;
  }

  /// Creates the run directory, or opens that of a resumed run, and the record.
  void open_directory(const RunParts& parts) {
    fs::path directory = plan_.directory;
    const bool fresh = directory.empty();
    if (fresh) {
      directory = make_run_directory(options_.out,
                                     tinygan::text(options_.model, '-', options_.loss, "-b", options_.batch_size));
      plan_.lock = std::make_unique<RunLock>(directory);
    } else {
      write_output_line(directory.string());  // first: if that fails, the run is unchanged
      roll_back_to_checkpoint(directory);
    }
    try {
      nlohmann::ordered_json environment = describe_environment(parts);
      environment["first_step"] = training_.steps_done() + 1;
      add_session(directory, environment);
      record_.emplace(directory, progress_, training_.steps_done() + 1);
      write_json(directory / "options.json", to_json(options_));  // last: a directory with it can be resumed
      if (fresh) write_output_line(directory.string());
    } catch (...) {
      record_.reset();
      std::error_code ignored;
      if (fresh) fs::remove_all(directory, ignored);  // its path was not printed
      throw;
    }
    record_->say(describe_run(parts));
    record_->say("run directory " + directory.string());
    if (!optimised())
      record_->warn("WARNING: built without optimisation; configure with CMAKE_BUILD_TYPE=Release for speed");
    if (options_.resume == "auto" && fresh)
      record_->say("--resume auto: no run with these options below " + options_.out + ", starting a new one");
    if (!fresh)
      record_->say(plan_.checkpoint
                       ? tinygan::text("resumed after step ", training_.steps_done())
                       : std::string("resumed before its first checkpoint: starting over from the first step"));
    for (const std::string& warning : plan_.warnings) record_->warn("WARNING: " + warning);
    if (abandoned_ > 0)
      record_->say(tinygan::text(abandoned_, " later checkpoints are kept as checkpoints/abandoned_step_*"));
  }

  /// Removes files and lines of steps after the checkpoint.
  void roll_back_to_checkpoint(const fs::path& directory) {
    const tinygan::io::Checkpoints checkpoints(directory);
    checkpoints.remove_unfinished();
    if (plan_.checkpoint) checkpoints.point_to(training_.steps_done());
    if (plan_.rolls_back) abandoned_ = checkpoints.abandon_after(training_.steps_done());
    for (const char* name : {"stats.jsonl", "metrics.jsonl"}) truncate_after(directory / name, training_.steps_done());
  }

  int train() {
    if (options_.eval_every > 0) {
      evaluation_.emplace(options_, device_, progress_);
      if (const std::string warning = evaluation_->warning(); !warning.empty()) record_->warn("WARNING: " + warning);
    }
    progress_.note("drawing the first grid");
    write_first_pictures();
    begun_ = seconds_now();
    throughput_.emplace(begun_, images_seen());
    last_saved_ = plan_.checkpoint ? training_.steps_done() : -1;
    bool output_lost = false;
    while (training_.steps_done() < steps_ && !signals_->stop_requested() && !(output_lost = output_is_gone())) {
      const index_t step = training_.steps_done() + 1;
      const bool last = step == steps_;
      const bool logged = step == 1 || last || step % options_.log_every == 0;
      const bool shown = logged || progress_.wants_redraw();
      training_.step(shown);
      const bool asked = signals_->take_save_request();
      const bool judge = evaluation_ && (last || step % options_.eval_every == 0);
      const bool save = last || asked || step % checkpoint_every_ == 0;
      const bool draw = last || step % snapshot_every_ == 0;
      if (shown || save || draw || judge || training_.stepper().reads_are_free() || step % (Stepper::capacity / 2) == 0)
        poll_metrics(shown, logged);
      if (save || draw || judge) save_artifacts(save, draw, judge);
      if (asked) record_->say(tinygan::text("SIGUSR1: a checkpoint of step ", step, " is being written"));
    }
    const bool stopped = training_.steps_done() < steps_;
    if (stopped) {
      poll_metrics(false, false);
      save_artifacts(last_saved_ != training_.steps_done(), true, false);
    }
    record_->flush();
    record_->say(describe_time(seconds_now() - begun_, paused_, record_->background_seconds()));
    if (!best_.is_null()) record_->say(describe_best());
    record_->say(stopped ? tinygan::text("interrupted after step ", training_.steps_done(),
                                         output_lost ? " (standard output was closed)" : "", "; go on with\n  ",
                                         resume_command())
                         : "done: " + record_->checkpoints().path(steps_).string());
    record_->pages();
    return stopped ? interrupted : done;
  }

  /// A checkpoint, a grid, an evaluation. Not counted as training time.
  void save_artifacts(bool checkpoint, bool grid, bool judge) {
    const double before = seconds_now();
    training_.refresh_average(!checkpoint && !judge);
    if (judge) evaluate();
    if (grid) write_grid(training_.steps_done());  // first: a checkpoint implies that everything before it is written
    if (checkpoint) write_checkpoint();
    const double seconds = seconds_now() - before;
    throughput_->pause(seconds);
    paused_ += seconds;
  }

  /// Measures the images, notes the best step so far.
  void evaluate() {
    const StepQuality quality = (*evaluation_)(training_);
    record_->quality(training_.steps_done(), quality.figures);
    record_->say(tinygan::text("step ", training_.steps_done(), ": ", evaluation_->describe(quality)));
    if (best_.is_null() || quality.rho < best_.value("rho", 0.0))
      best_ = {{"step", training_.steps_done()}, {"rho", quality.rho}};
  }

  /// The best evaluation, and whether its weights are kept. What is chosen by a figure is better by it than it is.
  std::string describe_best() const {
    const auto step = best_.value("step", index_t{0});
    const fs::path checkpoint = record_->checkpoints().path(step);
    std::error_code ignored;
    return tinygan::text("the lowest rho was ", fixed(best_.value("rho", 0.0), 2), ", at step ", step, ": ",
                         fs::exists(checkpoint, ignored) ? checkpoint.string()
                                                         : "its checkpoint is not kept (--keep-last, --keep-every)");
  }

  /// Reads the metrics of the steps since the last call. Throws Diverged on a loss that is not finite.
  void poll_metrics(bool shown, bool logged) {
    const std::vector<StepMetrics> seen = training_.stepper().drain();
    const index_t first = training_.steps_done() - static_cast<index_t>(seen.size()) + 1;
    std::string hint;
    for (std::size_t i = 0; i < seen.size(); ++i) {
      const StepMetrics& v = seen[i];
      if (!std::isfinite(v.loss_d) || !std::isfinite(v.loss_g))
        throw Diverged{tinygan::text("diverged at step ", first + static_cast<index_t>(i), ": loss_D is ", v.loss_d,
                                     ", loss_G is ", v.loss_g)};
      if (tinygan::gan::scores_are_probabilities(objective_of(options_)) && hint.empty())
        hint = health_->step(static_cast<double>(v.d_real), static_cast<double>(v.d_fake));
      if (std::string said = health_->gradient(static_cast<double>(v.grad_norm_g)); hint.empty()) hint = said;
    }
    throughput_->add(seconds_now(), images_seen());
    if (shown && !seen.empty()) record_->status(status_of(seen.back()), logged);
    if (!hint.empty()) record_->warn(hint);
  }

  index_t images_seen() const { return training_.steps_done() * images_per_step(options_); }

  Status status_of(const StepMetrics& metrics) const {
    Status s;
    const index_t per_epoch = training_.steps_per_epoch();
    s.step = training_.steps_done();
    s.steps = steps_;
    s.epoch = training_.epoch() + 1;
    s.epochs = (steps_ + per_epoch - 1) / per_epoch;
    s.images = images_seen();
    s.metrics = metrics;
    s.images_per_second = throughput_->images_per_second();
    s.eta_seconds = throughput_->seconds_to(steps_ * images_per_step(options_));
    s.memory_mib = resident_mib();
    return s;
  }

  /// The real images, and, in a new run, images of the untrained generator.
  void write_first_pictures() {
    const tinygan::Tensor<float> reals = training_.reals();
    health_.emplace(variety(reals.host(), reals.extent(0)));
    for (const double norm : record_->first_values("grad_norm_g", HealthWatch::early_norms)) health_->gradient(norm);
    if (training_.steps_done() > 0) return;
    record_->picture("reals.png", "real", 0, grid_of(reals));
    training_.refresh_average(true);
    write_grid(0);
  }

  void write_grid(index_t step) {
    char name[40] = "fakes_init.png";
    if (step > 0) std::snprintf(name, sizeof name, "fakes_%06lld.png", static_cast<long long>(step));
    const tinygan::Tensor<float> fakes = training_.fakes();
    record_->picture(name, "generated", step, grid_of(fakes));
    const std::string hint = health_->grid(fakes.host(), fakes.extent(0), step);
    if (!hint.empty()) record_->warn(hint);
  }

  Picture grid_of(const tinygan::Tensor<float>& images) const {
    return make_grid(images, static_cast<int>(Training::grid_columns), training_.pixel_low(), training_.pixel_high());
  }

  CheckpointMeta meta() const {
    return {training_.steps_done(), library_version(),   deciding_options(options_),
            dataset_.source,        dataset_.images_md5, best_,
            dataset_.labels_md5};
  }

  /// Copies the state and writes it in the background. Throws Diverged, before anything is written, if a value is not
  /// finite.
  void write_checkpoint() {
    auto state = std::make_shared<TrainingState>(training_.state());
    for (const auto* file : {&state->model, &state->state})
      if (const auto bad = tinygan::io::find_non_finite(*file))
        throw Diverged{tinygan::text("diverged at step ", training_.steps_done(), ": the losses are still finite")};
    last_saved_ = training_.steps_done();
    record_->checkpoint(meta(), state, {options_.keep_last, options_.keep_every});
  }

  /// Reports the first value that is not finite, and saves the state for inspection.
  int end_diverged(const Diverged& d) {
    const TrainingState state = training_.state();
    auto bad = tinygan::io::find_non_finite(state.model);
    if (!bad) bad = tinygan::io::find_non_finite(state.state);
    record_->flush();
    CheckpointMeta description = meta();
    const std::string name = "checkpoints/diverged_" + tinygan::io::Checkpoints::name_of(description.step);
    tinygan::io::write_directory(record_->directory() / name, encode_checkpoint(description, state.model, state.state));
    const auto last = record_->checkpoints().latest();
    record_->say(tinygan::text(
        d.what, "; ",
        bad ? tinygan::text("the first bad tensor is ", bad->tensor, ", element ", bad->element, " is ", bad->value)
            : std::string("all weights and moments are finite, so a loss has overflowed"),
        "\nthe state, for inspection: ", (record_->directory() / name).string(), "\nthe last good checkpoint: ",
        last ? record_->checkpoints().path(*last).string() : std::string("none was written yet"),
        "\ntry a lower --learning-rate"));
    record_->pages();
    return diverged;
  }

  std::string resume_command() const {
    return "dcgan_mnist train --resume " + shell_quoted(record_->directory().string());
  }

  /// The end of the text of an error that ends the run.
  std::string after_error() const {
    try {
      std::error_code ignored;
      if (!fs::exists(record_->directory(), ignored)) return "; the run directory is gone";
      const auto last = record_->checkpoints().latest();
      if (!last) return "; no checkpoint was written yet";
      return tinygan::text("; the checkpoint of step ", *last, " is intact, go on with ", resume_command());
    } catch (const std::exception&) {
      return {};
    }
  }

  TrainOptions options_;
  Plan plan_;
  Progress progress_;
  SignalWatch* signals_;
  tinygan::Device device_;
  tinygan::data::ImageDataset dataset_;
  Training training_;
  index_t steps_ = 0, snapshot_every_ = 0, checkpoint_every_ = 0, last_saved_ = -1;
  index_t abandoned_ = 0;          // checkpoints
  double begun_ = 0, paused_ = 0;  // seconds
  std::optional<Throughput> throughput_;
  std::optional<HealthWatch> health_;
  std::optional<RunEvaluation> evaluation_;
  nlohmann::ordered_json best_;  // {"step", "rho"} of the best evaluation, null if there is none
  std::optional<RunRecord> record_;
};

}  // namespace

int train(const TrainOptions& given) {
  SignalWatch signals;
  TrainOptions options = given;
  const tinygan::Device device = device_from_name(options.device).value();
  // "auto" is resolved now: runs are compared by their actual device and precision.
  options.device = tinygan::text(device);
  options.precision = use_precision(device, options.precision);
  const bool own_images = options.resume.empty() || options.resume == "auto" || options.given.contains("data");
  if (own_images) options.data = find_images(options.data);
  Plan plan = make_plan(options);
  if (plan.options.threads > 0) tinygan::cpu::set_threads(plan.options.threads);
  const tinygan::Device chosen = device_from_name(plan.options.device).value();
  plan.options.precision = use_precision(chosen, plan.options.precision);
  return Run(std::move(plan), chosen, signals)();
}

}  // namespace dcgan_mnist
