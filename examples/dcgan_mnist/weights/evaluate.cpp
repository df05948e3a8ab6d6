#include "weights/evaluate.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <tinygan/data/stacked.hpp>
#include <tinygan/io/file.hpp>
#include <tinygan/io/npz_reader.hpp>

#include "base/byte_text.hpp"
#include "base/device.hpp"
#include "base/latents.hpp"
#include "base/numbers.hpp"
#include "base/options.hpp"
#include "base/standard_streams.hpp"
#include "evaluate/quality_table.hpp"
#include "evaluate/shipped_classifier.hpp"
#include "evaluate/stacked_quality.hpp"
#include "report/report.hpp"
#include "run/run_directory.hpp"
#include "run/training_images.hpp"

namespace dcgan_mnist {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using tinygan::index_t;

namespace {

constexpr index_t usual_samples = 10000, stacked_samples = 26000;  // as in the literature

void say(const std::string& text) { write_error(text + "\n"); }

/// Images as bytes, the classes that they were made of if any, and where they are from.
struct Images {
  std::vector<std::uint8_t> bytes;
  std::vector<index_t> classes;
  std::string description;
  ordered_json origin;
};

/// What is evaluated: a generator, or the images in an .npz file.
class Subject {
 public:
  /// Reads the file. Throws Error if its images are not of 28x28 in one or three channels, or too few.
  explicit Subject(const EvaluateOptions& o) : o_(o) {
    if (fs::path(o.weights).extension() == ".npz") {
      read_images();
      return;
    }
    source_ = std::make_unique<ImageSource>(o);
    channels_ = source_->channels();
    tinygan::check(source_->size() == 28 && fits(channels_), o.weights, "draws images of ", source_->size(), "x",
                   source_->size(), "x", channels_, ", expected 28x28 in 1 or 3 channels, which the classifier knows");
    samples_ = samples_of(channels_);
  }

  index_t channels() const { return channels_; }
  index_t samples() const { return samples_; }

  /// samples() images; of a conditional generator those of --class, or else as often as in `prior`.
  Images images(std::span<const index_t> prior) {
    if (!source_) return std::move(file_);
    say(tinygan::text("drawing ", samples_, " images of seed ", o_.seed));
    const std::vector<index_t> spread = tinygan::eval::spread_classes(prior, samples_);
    const index_t classes = source_->class_count(), last = *std::ranges::max_element(spread);
    tinygan::check(classes == 0 || last < classes, o_.weights, "draws ", classes, " classes, expected the ", last + 1,
                   " of the data set");
    Images drawn;
    drawn.classes = source_->classes_of(samples_, [&](std::int64_t i) { return spread[static_cast<std::size_t>(i)]; });
    drawn.bytes =
        to_bytes((*source_)(draw_latents(o_.seed, samples_, 0), drawn.classes), source_->low(), source_->high());
    drawn.description = source_->description();
    drawn.origin = {{"weights", encode_path(source_->path())},
                    {"model", source_->model()},
                    {"step", read_number<std::int64_t>(source_->step()).value_or(0)},
                    {"averaged", source_->averaged()},
                    {"seed", o_.seed}};
    if (o_.label >= 0) drawn.origin["class"] = o_.label;
    return drawn;
  }

 private:
  static bool fits(index_t channels) { return channels == 1 || channels == stacked_channels; }
  index_t samples_of(index_t channels) const {
    return o_.samples > 0 ? o_.samples : channels == 1 ? usual_samples : stacked_samples;
  }

  /// The images (N,28,28) or (N,28,28,C) of an .npz file, the first samples() of them.
  void read_images() {
    const tinygan::io::NpzArrays file = tinygan::io::read_npz(o_.weights);
    const std::vector<index_t>& shape = file.at("images").shape;
    file_.bytes = file.values<std::uint8_t>("images");
    channels_ = shape.size() == 4 ? shape[3] : 1;
    tinygan::check((shape.size() == 3 || shape.size() == 4) && shape[1] == 28 && shape[2] == 28 && fits(channels_),
                   o_.weights, "'images' has the shape ", tinygan::io::shape_text(shape),
                   ", expected (N, 28, 28), or (N, 28, 28, 3) of stacked digits");
    samples_ = samples_of(channels_);
    tinygan::check(shape[0] >= samples_, o_.weights, "holds ", shape[0], " images, fewer than the ", samples_,
                   " samples of the evaluation; --samples sets another number");
    file_.description = tinygan::text(o_.weights, ", the first ", samples_, " of ", shape[0], " images");
    file_.bytes.resize(static_cast<std::size_t>(samples_ * 28 * 28 * channels_));
    file_.origin["file"] = encode_path(o_.weights);
  }

  EvaluateOptions o_;
  std::unique_ptr<ImageSource> source_;
  Images file_;
  index_t channels_ = 1, samples_ = 0;
};

/// The data set of a run that `weights` is a part of.
std::optional<std::string> data_of_run(const fs::path& weights) {
  std::error_code ignored;
  for (fs::path folder = fs::absolute(weights).lexically_normal(); folder.has_relative_path();
       folder = folder.parent_path())
    if (fs::exists(folder / "options.json", ignored)) return read_options(folder / "options.json").data;
  return {};
}

/// The table on standard output; the files that are asked for; of a run directory, its report.
void publish(const EvaluateOptions& o, const Images& images, const ReferenceImages& reference,
             const ordered_json& figures, const std::string& table,
             const std::function<void(const fs::path&)>& pictures) {
  ordered_json json{{"source", encode_path(images.description)}};
  json.update(images.origin);
  json["data"] = {{"source", encode_path(reference.train.source)},
                  {"train_md5", reference.train.images_md5},
                  {"test_md5", reference.test.images_md5}};
  json.update(figures);
  std::printf("%s\n%s", images.description.c_str(), table.c_str());
  for (const ordered_json& warning : figures.at("warnings")) say("WARNING: " + warning.get<std::string>());

  if (!o.json.empty()) write_json(o.json, json);
  if (!o.pictures.empty()) pictures(o.pictures);
  std::error_code ignored;
  const fs::path run = o.weights;
  if (fs::exists(run / "options.json", ignored)) {
    pictures(run / "evaluation");
    write_json(run / "evaluation" / "evaluation.json", json);
    write_report(run);
    say("report: " + (run / "report.html").string());
  }
}

void evaluate_digits(const EvaluateOptions& o, Subject& subject, const std::string& where,
                     tinygan::eval::Classifier classifier) {
  const ReferenceImages reference = reference_images(where, subject.samples());
  tinygan::eval::Evaluator evaluator(std::move(classifier), reference.train, reference.test, subject.samples(), say);
  const Images images = subject.images(evaluator.prior());
  say("measuring them");
  const tinygan::eval::Quality quality = evaluator(images.bytes, images.classes);
  const std::string beside = tinygan::text("against ", reference.train.count, " training images, beside ",
                                           evaluator.samples(), " test images, of ", reference.train.source, "\n\n");
  publish(o, images, reference, quality_json(quality, evaluator), beside + quality_table(quality, evaluator),
          [&](const fs::path& folder) { write_pictures(folder, images.bytes, reference, quality, evaluator); });
}

/// `where`: of the single digits.
void evaluate_stacked_digits(const EvaluateOptions& o, Subject& subject, const std::string& where,
                             tinygan::eval::Classifier classifier) {
  const ReferenceImages reference = reference_images(where, std::min(subject.samples(), usual_samples));
  const tinygan::data::ImageDataset real = tinygan::data::stack_digits(reference.test, subject.samples(), 0);
  const Images images = subject.images(tinygan::data::class_counts(reference.train));
  say("measuring them");
  const StackedEvaluation found =
      evaluate_stacked(classifier, images.bytes, real.images, reference.train, reference.test);
  const std::string beside =
      tinygan::text("beside ", real.count, " stacked test images of ", reference.test.source, "\n\n");
  publish(o, images, reference, stacked_json(found, classifier), beside + stacked_table(found),
          [&](const fs::path& folder) { write_grids(folder, images.bytes, real.images, stacked_channels); });
}

}  // namespace

int evaluate(const EvaluateOptions& options) {
  EvaluateOptions o = options;
  if (o.threads > 0) tinygan::cpu::set_threads(o.threads);
  if (o.data == "auto") o.data = data_of_run(o.weights).value_or("auto");
  Subject subject(o);  // before the slow part: a bad file is found at once
  std::string where = find_images(o.data);
  if (subject.channels() == stacked_channels && where.starts_with("stacked:")) where.erase(0, sizeof "stacked:" - 1);
  tinygan::eval::Classifier classifier = load_classifier(o.classifier, device_from_name(o.device).value());
  (subject.channels() == 1 ? evaluate_digits : evaluate_stacked_digits)(o, subject, where, std::move(classifier));
  return 0;
}

}  // namespace dcgan_mnist
