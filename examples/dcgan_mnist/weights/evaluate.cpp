#include "weights/evaluate.hpp"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

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
#include "report/report.hpp"
#include "run/run_directory.hpp"
#include "run/training_images.hpp"

namespace dcgan_mnist {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

namespace {

/// What is evaluated: images as bytes, and where they are from.
struct Subject {
  std::vector<std::uint8_t> images;
  std::string description;
  ordered_json origin;
};

bool is_npz(const std::string& path) { return fs::path(path).extension() == ".npz"; }

/// The images (N,28,28) of an .npz file, the first `samples` of them.
Subject read_images(const EvaluateOptions& o) {
  const tinygan::io::NpzArrays file = tinygan::io::read_npz(o.weights);
  const std::vector<tinygan::index_t>& shape = file.at("images").shape;
  std::vector<std::uint8_t> bytes = file.values<std::uint8_t>("images");
  const bool fits = (shape.size() == 3 || (shape.size() == 4 && shape[3] == 1)) && shape[1] == 28 && shape[2] == 28;
  tinygan::check(fits, o.weights, "'images' has the shape ", tinygan::io::shape_text(shape), ", expected (N, 28, 28)");
  tinygan::check(shape[0] >= o.samples, o.weights, "holds ", shape[0], " images, fewer than the ", o.samples,
                 " samples of the evaluation; --samples sets another number");
  Subject s{std::move(bytes), tinygan::text(o.weights, ", the first ", o.samples, " of ", shape[0], " images"), {}};
  s.images.resize(static_cast<std::size_t>(o.samples) * 28 * 28);
  s.origin["file"] = encode_path(o.weights);
  return s;
}

Subject draw_images(const EvaluateOptions& o, ImageSource& source) {
  const tinygan::Tensor<float> images =
      source(draw_latents(o.seed, o.samples, 0), source.classes_of(o.samples, [](std::int64_t i) { return i; }));
  tinygan::check(images.extent(1) == 28 && images.extent(2) == 28 && images.extent(3) == 1, o.weights,
                 "draws images of ", images.extent(1), "x", images.extent(2), "x", images.extent(3),
                 ", expected 28x28x1, which the classifier knows");
  Subject s{to_bytes(images, source.low(), source.high()), source.description(), {}};
  s.origin = {{"weights", encode_path(source.path())},
              {"model", source.model()},
              {"step", read_number<std::int64_t>(source.step()).value_or(0)},
              {"averaged", source.averaged()},
              {"seed", o.seed}};
  return s;
}

/// The data set of a run that `weights` is a part of.
std::optional<std::string> data_of_run(const fs::path& weights) {
  std::error_code ignored;
  for (fs::path folder = fs::absolute(weights).lexically_normal(); folder.has_relative_path();
       folder = folder.parent_path())
    if (fs::exists(folder / "options.json", ignored)) return read_options(folder / "options.json").data;
  return {};
}

}  // namespace

int evaluate(const EvaluateOptions& options) {
  EvaluateOptions o = options;
  if (o.threads > 0) tinygan::cpu::set_threads(o.threads);
  if (o.data == "auto") o.data = data_of_run(o.weights).value_or("auto");
  const auto say = [](const std::string& text) { write_error(text + "\n"); };

  std::unique_ptr<ImageSource> source;  // before the slow part: a bad file is found at once
  std::optional<Subject> subject;
  if (is_npz(o.weights)) subject = read_images(o);
  else source = std::make_unique<ImageSource>(o);
  const ReferenceImages reference = reference_images(find_images(o.data), o.samples);
  tinygan::eval::Classifier classifier = load_classifier(o.classifier, device_from_name(o.device).value());
  tinygan::eval::Evaluator evaluator(std::move(classifier), reference.train, reference.test, o.samples, say);
  if (!subject) {
    say(tinygan::text("drawing ", o.samples, " images of seed ", o.seed));
    subject = draw_images(o, *source);
  }
  say("measuring them");
  const tinygan::eval::Quality quality = evaluator(subject->images);

  ordered_json json{{"source", encode_path(subject->description)}};
  json.update(subject->origin);
  json["data"] = {{"source", encode_path(reference.train.source)},
                  {"train_md5", reference.train.images_md5},
                  {"test_md5", reference.test.images_md5}};
  json.update(quality_json(quality, evaluator));
  std::printf("%s\nagainst %lld training images, beside %lld test images, of %s\n\n%s", subject->description.c_str(),
              static_cast<long long>(reference.train.count), static_cast<long long>(evaluator.samples()),
              reference.train.source.c_str(), quality_table(quality, evaluator).c_str());
  if (const std::string warning = classifier_warning(evaluator); !warning.empty()) say("WARNING: " + warning);

  if (!o.json.empty()) write_json(o.json, json);
  const auto pictures = [&](const fs::path& folder) {
    write_pictures(folder, subject->images, reference, quality, evaluator);
  };
  if (!o.pictures.empty()) pictures(o.pictures);
  std::error_code ignored;
  const fs::path run = o.weights;
  if (fs::exists(run / "options.json", ignored)) {
    pictures(run / "evaluation");
    write_json(run / "evaluation" / "evaluation.json", json);
    write_report(run);
    say("report: " + (run / "report.html").string());
  }
  return 0;
}

}  // namespace dcgan_mnist
