#include "report/evaluation_section.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string_view>
#include <vector>

#include "base/numbers.hpp"
#include "evaluate/quality_table.hpp"
#include "evaluate/stacked_quality.hpp"
#include "report/html.hpp"
#include "report/page_parts.hpp"

namespace dcgan_mnist {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

namespace {

constexpr std::size_t last_rows = 12;  // of metrics.jsonl

std::string percent(double share) { return number_text(100 * share, 3) + " %"; }

/// A member of an object that is itself one; an empty object if there is none.
ordered_json object_of(const ordered_json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_object() ? *found : ordered_json::object();
}

/// A list of numbers that are at least 0; empty if one is not.
std::vector<double> counts_of(const ordered_json& json, const char* name) {
  const auto found = json.find(name);
  std::vector<double> counts;
  if (found == json.end() || !found->is_array()) return counts;
  for (const ordered_json& n : *found) {
    if (!n.is_number() || n.get<double>() < 0) return {};
    counts.push_back(n.get<double>());
  }
  return counts;
}

const QualityFigure* figure_named(std::string_view key) {
  const auto found = std::ranges::find(quality_figures, key, &QualityFigure::key);
  return found == quality_figures.end() ? nullptr : &*found;
}

/// A figure's label without the indentation of the table in the terminal.
template <class Figure>
std::string label_of(const Figure& f) {
  const std::string_view label = f.label;
  return std::string(label.substr(std::min(label.find_first_not_of(' '), label.size())));
}

/// Whether a figure belongs to the one above it.
template <class Figure>
bool is_part(const Figure& f) {
  return f.label[0] == ' ';
}

std::string number_or_dash(double value, int digits) { return std::isfinite(value) ? fixed(value, digits) : "–"; }

class EvaluationSection {
 public:
  EvaluationSection(const fs::path& directory, RunFiles& run)
      : folder_(directory / "evaluation"), run_(run), json_(run.evaluation), metrics_(object_of(json_, "metrics")),
        floors_(object_of(json_, "floors")) {}

  std::string html() {
    if (json_.empty() && run_.metrics.empty()) return {};
    return "<h2>How good the pictures are</h2>\n" + verdict() + warnings() + grids() + table() + cards() +
           closer_look() + history();
  }

 private:
  double value(const char* key) const { return number_of(metrics_, key); }
  double floor(const char* key) const { return number_of(floors_, key); }

  /// Two sentences on the two figures that say most, and what was measured.
  std::string verdict() const {
    std::string out;
    if (const double rho = value("rho"); std::isfinite(rho)) {
      const char* meaning = "far from it.";
      const char* kind = "bad";
      if (rho <= 1.5) meaning = "hardly to be told from real ones by this measure.", kind = "good";
      else if (rho <= 3) meaning = "close to real ones.", kind = "good";
      else if (rho <= 10) meaning = "on the way, but not close yet.", kind = "";
      out += "<p>As a classifier of the images sees them, the generated ones lie <b>" + escape(number_text(rho, 3)) +
             "</b> times as far from the training images as real ones that were held out (this ratio is called rho; 1 "
             "is as good as real): <span class=\"" +
             std::string(kind) + "\">" + meaning + "</span></p>\n";
    }
    if (const double coverage = value("coverage"); std::isfinite(coverage)) {
      out += "<p>A generated image lies beside <b>" + escape(percent(coverage)) + "</b> of the real ones";
      if (std::isfinite(floor("coverage"))) out += escape("; as many real images reach " + percent(floor("coverage")));
      out += ". This share, the coverage, falls where the generator leaves out kinds of images.</p>\n";
    }
    if (const double modes = value("modes"); std::isfinite(modes))
      out += "<p>The classifier reads <b>" + escape(number_text(modes, 4)) +
             "</b> of the 1000 combinations of three digits in the generated images, and " +
             escape(number_text(floor("modes"), 4)) + " in as many real ones.</p>\n";
    if (const double samples = number_of(json_, "samples"); std::isfinite(samples)) {
      const std::string step = text_of(json_, "step"), seed = text_of(json_, "seed");
      const auto step_number = static_cast<double>(read_number<std::int64_t>(step).value_or(0));  // 0: unknown
      out += "<p class=\"quiet\">Measured on " + escape(number_text(samples, 12)) + " images";
      if (step_number > 0) out += escape(" of step " + number_text(step_number, 12));
      if (text_of(json_, "averaged") == "true") out += ", drawn by the averaged weights";
      if (!seed.empty()) out += escape(", seed " + seed);
      out += ".";
      const double last = run_.stats.empty() ? std::nan("") : number_of(run_.stats.back(), "step");
      if (step_number > 0 && last > step_number)
        out += escape(" Training has gone on to step " + number_text(last, 12) + " since.");
      out += "</p>\n";
    }
    return out;
  }

  std::string warnings() const {
    std::string out;
    if (const auto found = json_.find("warnings"); found != json_.end() && found->is_array())
      for (const ordered_json& w : *found)
        if (w.is_string()) out += "<p class=\"bad\">" + escape(w.get<std::string>()) + "</p>\n";
    return out;
  }

  std::string picture(const char* name, const std::string& heading, const std::string& caption) {
    return figure_of(folder_ / name, "image/png", heading, caption, run_.problems);
  }

  std::string grids() {
    const std::string figures =
        picture("generated.png", "Generated", "The first images that were measured, in their order: none was chosen.") +
        picture("real.png", "Real", "The first images of the test set, which the generator never learned from.");
    return figures.empty() ? "" : "<div class=\"pictures\">\n" + figures + "</div>\n";
  }

  template <class Figure>
  static std::string row(const Figure& f, double images, double real) {
    return "<tr><th" + std::string(is_part(f) ? " class=\"part\"" : "") + ">" + escape(label_of(f)) + "</th><td>" +
           number_or_dash(images, f.digits) + "</td><td>" + number_or_dash(real, f.digits) + "</td><td>" +
           escape(f.meaning) + "</td></tr>\n";
  }

  /// The figures beside those of real images: rho and coverage, which say most, first.
  std::string table() const {
    if (metrics_.empty()) return {};
    std::vector<const QualityFigure*> order;
    for (const QualityFigure& f : quality_figures) order.push_back(&f);
    const auto first = [](const QualityFigure* f) {
      return std::string_view(f->key) == "rho" || std::string_view(f->key) == "coverage";
    };
    std::stable_partition(order.begin(), order.end(), first);
    std::string rows;
    const auto add = [&](const auto& f) {
      if (metrics_.contains(f.key) || floors_.contains(f.key)) rows += row(f, value(f.key), floor(f.key));
    };
    const bool stacked = metrics_.contains("modes");
    for (const StackedFigure& f : stacked_figures)
      if (stacked) add(f);
    for (const QualityFigure* f : order)
      if (!stacked) add(*f);
    return "<div class=\"scroll\"><table class=\"figures\"><tr><th></th><th>images</th><th>real</th><th></th></tr>\n" +
           rows +
           "</table></div>\n<p class=\"quiet\">\"Real\": the same figures of as many test images in place of the "
           "generated "
           "ones, which is about what a perfect generator would reach.</p>\n";
  }

  std::string cards() const {
    const std::optional<double> real_coverage =
        std::isfinite(floor("coverage")) ? std::optional(floor("coverage")) : std::nullopt;
    const std::string all =
        classes() +
        card("Distance from the training images",
             {.x_label = "step",
              .y_label = "rho",
              .curves = {curve_of(run_.metrics, "rho", "rho")},
              .reference = 1.0,
              .logarithmic = true},
             "In units of the distance of real images that were held out, at the broken line. Lower is better.") +
        card("Coverage",
             {.x_label = "step",
              .y_label = "share of real images",
              .curves = {curve_of(run_.metrics, "coverage", "coverage")},
              .low = 0,
              .high = 1,
              .reference = real_coverage},
             "The share of real images with a generated one beside them" +
                 std::string(real_coverage ? "; real images in their place reach the broken line." : "."));
    return all.empty() ? "" : "<div class=\"cards\">\n" + all + "</div>\n";
  }

  /// How often each class was drawn, beside what the training labels let expect.
  std::string classes() const {
    const std::vector<double> counts = counts_of(json_, "classes"), prior = counts_of(json_, "prior");
    const double drawn = std::reduce(counts.begin(), counts.end()), labels = std::reduce(prior.begin(), prior.end());
    if (counts.empty() || counts.size() != prior.size() || labels <= 0 || !std::isfinite(drawn + labels)) return {};
    Bars bars{
        .x_label = "class", .y_label = "images", .categories = {}, .series = {{"generated", counts}, {"expected", {}}}};
    for (std::size_t c = 0; c < prior.size(); ++c) {
      bars.categories.push_back(std::to_string(c));
      bars.series[1].values.push_back(prior[c] / labels * drawn);
    }
    std::string note = "Expected: as often as among the training labels.";
    if (const double kl = value("class_divergence"); std::isfinite(kl)) {
      note += " Kullback-Leibler divergence " + number_text(kl, 2) + " nats";
      const double chance = floor("class_divergence_95");
      if (std::isfinite(chance)) note += "; chance alone stays below " + number_text(chance, 2) + " in 95 of 100 cases";
      note += ".";
    }
    return card("Classes", bars, note);
  }

  /// Pictures in which single images can be judged.
  std::string closer_look() {
    const std::string figures =
        picture(
            "classes.png", "Class by class",
            "A row for each class, by the classifier's reading, in the order in which the images were drawn. Last row: "
            "the images it is least sure of.") +
        picture(
            "neighbours.png", "Are they copies?",
            "Top: sixteen generated images. Below each: the three training images with the most similar pixels, then "
            "the three most similar to the classifier.");
    return figures.empty() ? "" : "<div class=\"pictures wide\">\n" + figures + "</div>\n";
  }

  /// The last evaluations during training; of known figures those that stand for themselves.
  std::string history() const {
    if (run_.metrics.empty()) return {};
    const std::size_t begin = run_.metrics.size() - std::min(run_.metrics.size(), last_rows);
    std::vector<std::string> columns;
    for (std::size_t i = begin; i < run_.metrics.size(); ++i)
      for (const auto& [key, value] : run_.metrics[i].items()) {
        const QualityFigure* f = figure_named(key);
        if (!value.is_structured() && (f == nullptr || !is_part(*f)) &&
            std::ranges::find(columns, key) == columns.end())
          columns.push_back(key);
      }
    std::string out = "<h3>The last evaluations during training</h3>\n<div class=\"scroll\"><table><tr>";
    for (const std::string& c : columns) {
      const QualityFigure* f = figure_named(c);
      out += "<th>" + escape(f != nullptr ? label_of(*f) : c) + "</th>";
    }
    out += "</tr>\n";
    for (std::size_t i = begin; i < run_.metrics.size(); ++i) {
      out += "<tr>";
      for (const std::string& c : columns) out += "<td>" + escape(cell(run_.metrics[i], c)) + "</td>";
      out += "</tr>\n";
    }
    return out + "</table></div>\n";
  }

  static std::string cell(const ordered_json& line, const std::string& key) {
    const double v = number_of(line, key);
    if (!std::isfinite(v)) return text_of(line, key);
    const QualityFigure* f = figure_named(key);
    return f != nullptr ? fixed(v, f->digits) : number_text(v, key == "step" ? 12 : 4);
  }

  fs::path folder_;
  RunFiles& run_;
  const ordered_json& json_;
  ordered_json metrics_, floors_;
};

}  // namespace

std::string evaluation_section(const fs::path& directory, RunFiles& run) {
  return EvaluationSection(directory, run).html();
}

}  // namespace dcgan_mnist
