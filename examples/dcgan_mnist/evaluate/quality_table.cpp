#include "evaluate/quality_table.hpp"

#include <cmath>
#include <cstdio>
#include <limits>
#include <string_view>

#include "base/numbers.hpp"
#include "evaluate/shipped_classifier.hpp"

namespace dcgan_mnist {

using nlohmann::ordered_json;
using tinygan::eval::Evaluator;
using tinygan::eval::Quality;

namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();
constexpr const char* class_accuracy = "class_accuracy";
constexpr double least_accuracy = 0.97;  // of a classifier whose features mean something for the images

double neighbour_ratio(const Quality& q, const Evaluator& e) {
  return q.neighbour_distance / e.floors().test.neighbour_distance;
}

double floor_of(const QualityFigure& figure, const Evaluator& evaluator) {
  return figure.floor ? figure.floor(evaluator) : figure.value(evaluator.floors().test, evaluator);
}

/// Whether a figure is of any images, or these were made of classes.
bool applies(const QualityFigure& f, const Quality& q) {
  return f.key != std::string_view(class_accuracy) || q.class_accuracy;
}

/// A number, or null where there is none: JSON has no NaN.
ordered_json number(double value) { return std::isfinite(value) ? ordered_json(value) : ordered_json(); }

}  // namespace

const std::array<QualityFigure, 18> quality_figures{{
    {"rho", "rho", 2, [](const Quality& q, const Evaluator& e) { return e.ratio(q); }, nullptr,
     "Frechet distance over that of held-out images"},
    {"frechet_train", "Frechet distance", 3, [](const Quality& q, const Evaluator&) { return q.frechet_train; },
     nullptr, "from the training images"},
    {"frechet_split", "  sampling alone", 3, [](const Quality&, const Evaluator&) { return none; },
     [](const Evaluator& e) { return e.floors().frechet_split; }, "of as many training images from the others"},
    {"frechet_test", "  from the test set", 3, [](const Quality& q, const Evaluator&) { return q.frechet_test; },
     [](const Evaluator&) { return none; }, "far above the first: copies of the training images"},
    {"kernel_distance", "kernel distance", 4, [](const Quality& q, const Evaluator&) { return q.kernel.value; },
     nullptr, "unbiased, from the training images"},
    {"kernel_error", "  standard error", 4, [](const Quality& q, const Evaluator&) { return q.kernel.standard_error; },
     nullptr, ""},
    {"score", "MNIST score", 3, [](const Quality& q, const Evaluator&) { return q.classes.score; }, nullptr,
     "sure of each image, all classes alike; at most 10"},
    {class_accuracy, "class accuracy", 4,
     [](const Quality& q, const Evaluator&) { return q.class_accuracy.value_or(none); }, nullptr,
     "share read as the class they were made of"},
    {"class_divergence", "KL of the classes", 5, [](const Quality& q, const Evaluator&) { return q.class_divergence; },
     [](const Evaluator& e) { return e.floors().class_divergence.mean; }, "from the training labels, nats"},
    {"mean_confidence", "confidence", 4, [](const Quality& q, const Evaluator&) { return q.classes.mean_confidence; },
     nullptr, "mean of the largest class probability"},
    {"unsure", "unsure", 4, [](const Quality& q, const Evaluator&) { return q.classes.unsure; }, nullptr,
     "share of images with less than 0.9"},
    {"precision", "precision", 4, [](const Quality& q, const Evaluator&) { return q.spread.precision; }, nullptr,
     "share among the real ones, k = 3"},
    {"recall", "recall", 4, [](const Quality& q, const Evaluator&) { return q.spread.recall; }, nullptr,
     "share of real ones among them, k = 3"},
    {"density", "density", 4, [](const Quality& q, const Evaluator&) { return q.spread.density; }, nullptr,
     "how densely they lie among real ones, k = 5"},
    {"coverage", "coverage", 4, [](const Quality& q, const Evaluator&) { return q.spread.coverage; }, nullptr,
     "share of real ones with a generated one beside, k = 5"},
    {"neighbour_distance", "nearest neighbour", 3,
     [](const Quality& q, const Evaluator&) { return q.neighbour_distance; }, nullptr,
     "median distance to a training image"},
    {"neighbour_ratio", "  over the test set's", 3, neighbour_ratio, nullptr, "far below 1: copies"},
    {"close_share", "  very close", 4, [](const Quality& q, const Evaluator&) { return q.close_share; }, nullptr,
     "share nearer than 1 % of the test images"},
}};

ordered_json figures_of(const Quality& quality, const Evaluator& evaluator) {
  ordered_json json;
  for (const QualityFigure& f : quality_figures)
    if (applies(f, quality)) json[f.key] = number(f.value(quality, evaluator));
  return json;
}

ordered_json quality_json(const Quality& quality, const Evaluator& evaluator) {
  ordered_json floors;
  for (const QualityFigure& f : quality_figures)
    if (applies(f, quality)) floors[f.key] = number(floor_of(f, evaluator));
  floors["class_divergence_95"] = evaluator.floors().class_divergence.percentile_95;
  floors["frechet_bias"] = evaluator.floors().bias;
  ordered_json json{{"samples", quality.count},
                    {"classifier", classifier_json(evaluator.classifier(), evaluator.classifier_accuracy())},
                    {"metrics", figures_of(quality, evaluator)},
                    {"floors", floors},
                    {"classes", quality.classes.counts},
                    {"prior", evaluator.prior()}};
  json["warnings"] = ordered_json::array();
  if (const std::string warning = classifier_warning(evaluator.classifier_accuracy()); !warning.empty())
    json["warnings"].push_back(warning);
  return json;
}

std::string quality_table(const Quality& quality, const Evaluator& evaluator) {
  const auto shown = [](double v, int digits) { return std::isfinite(v) ? fixed(v, digits) : std::string("-"); };
  std::string table = figure_line("", "images", "real", "");
  for (const QualityFigure& f : quality_figures)
    if (applies(f, quality))
      table += figure_line(f.label, shown(f.value(quality, evaluator), f.digits),
                           shown(floor_of(f, evaluator), f.digits), f.meaning);
  return table + class_lines(quality.classes.counts, "images");
}

std::string figure_line(const std::string& label, const std::string& value, const std::string& floor,
                        const std::string& meaning) {
  char text[200];
  std::snprintf(text, sizeof text, "%-22s%12s%12s  %s\n", label.c_str(), value.c_str(), floor.c_str(), meaning.c_str());
  return text;
}

std::string class_lines(const std::vector<tinygan::index_t>& counts, const std::string& things) {
  std::string lines = "\nclass        ";
  for (std::size_t c = 0; c < counts.size(); ++c) lines += tinygan::text(' ', c, "     ").substr(0, 7);
  lines += '\n' + (things + "           ").substr(0, 11);
  for (const tinygan::index_t n : counts) {
    char text[24];
    std::snprintf(text, sizeof text, "%7lld", static_cast<long long>(n));
    lines += text;
  }
  return lines + "\n";
}

ordered_json classifier_json(const tinygan::eval::Classifier& classifier, double accuracy) {
  return {{"md5", classifier.md5()}, {"published", is_published(classifier)}, {"test_accuracy", accuracy}};
}

std::string classifier_warning(double accuracy) {
  if (accuracy >= least_accuracy) return {};
  return tinygan::text("the classifier reads ", fixed(100 * accuracy, 1),
                       " % of the test images right: it does not fit these images, and the figures say little; "
                       "examples/mnist_classifier trains another, for --classifier");
}

}  // namespace dcgan_mnist
