#include "evaluate/stacked_quality.hpp"

#include <cstdio>

#include <tinygan/eval/class_statistics.hpp>

#include "base/numbers.hpp"
#include "evaluate/quality_table.hpp"

namespace dcgan_mnist {

namespace eval = tinygan::eval;
using nlohmann::ordered_json;
using tinygan::index_t;

const std::vector<StackedFigure> stacked_figures{
    {"modes", "modes", 0, [](const StackedQuality& q) { return q.coverage.modes; },
     "different combinations of three digits, of 1000"},
    {"mode_divergence", "KL of the modes", 4, [](const StackedQuality& q) { return q.coverage.divergence; },
     "from uniform, nats"},
    {"mean_confidence", "confidence", 4, [](const StackedQuality& q) { return q.mean_confidence; },
     "mean of the largest class probability of a channel"},
    {"unsure", "unsure", 4, [](const StackedQuality& q) { return q.unsure; }, "share of channels with less than 0.9"},
};

StackedQuality stacked_quality(eval::Classifier& classifier, std::span<const std::uint8_t> images) {
  const eval::Judgement channels =
      classifier(eval::split_channels(images, eval::Classifier::height * eval::Classifier::width, stacked_channels));
  const eval::ClassStatistics read = eval::class_statistics(channels.logits, channels.classes);
  return {.count = channels.count / stacked_channels,
          .coverage = eval::mode_coverage(read.classes, stacked_channels, channels.classes),
          .mean_confidence = read.mean_confidence,
          .unsure = read.unsure,
          .classes = read.counts};
}

StackedEvaluation evaluate_stacked(eval::Classifier& classifier, std::span<const std::uint8_t> images,
                                   std::span<const std::uint8_t> real, const tinygan::data::ImageDataset& train,
                                   const tinygan::data::ImageDataset& test) {
  StackedEvaluation e;
  e.classifier_accuracy = classifier.accuracy(test);
  tinygan::check(!train.labels.empty(), train.source, "no labels of the training images, expected one each");
  e.prior = tinygan::data::class_counts(train);
  tinygan::check(static_cast<index_t>(e.prior.size()) == classifier.classes(), train.source, "has ", e.prior.size(),
                 " classes, expected the ", classifier.classes(), " that the classifier knows");
  e.images = stacked_quality(classifier, images);
  e.real = stacked_quality(classifier, real);
  e.expected = eval::expected_mode_coverage(e.prior, stacked_channels, e.images.count);
  return e;
}

ordered_json stacked_json(const StackedEvaluation& e, const eval::Classifier& classifier) {
  ordered_json metrics, floors;
  for (const StackedFigure& f : stacked_figures) {
    metrics[f.key] = f.value(e.images);
    floors[f.key] = f.value(e.real);
  }
  ordered_json json{{"samples", e.images.count},
                    {"classifier", classifier_json(classifier, e.classifier_accuracy)},
                    {"metrics", metrics},
                    {"floors", floors},
                    {"expected", {{"modes", e.expected.modes}, {"mode_divergence", e.expected.divergence}}},
                    {"classes", e.images.classes},
                    {"prior", e.prior},
                    {"warnings", ordered_json::array()}};
  if (const std::string warning = classifier_warning(e.classifier_accuracy); !warning.empty())
    json["warnings"].push_back(warning);
  return json;
}

std::string stacked_table(const StackedEvaluation& e) {
  std::string table = figure_line("", "images", "real", "");
  for (const StackedFigure& f : stacked_figures)
    table += figure_line(f.label, fixed(f.value(e.images), f.digits), fixed(f.value(e.real), f.digits), f.meaning);
  table += tinygan::text("\nperfect samples of the training labels: ", fixed(e.expected.modes, 1), " modes, KL ",
                         fixed(e.expected.divergence, 4),
                         " on average\nrho and its kin are figures of images of one channel: left out\n");
  return table + class_lines(e.images.classes, "channels");
}

}  // namespace dcgan_mnist
