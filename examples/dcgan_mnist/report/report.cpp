#include "report/report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/gan/step_metrics.hpp>
#include <tinygan/io/file.hpp>

#include "base/options.hpp"
#include "report/evaluation_section.hpp"
#include "report/html.hpp"
#include "report/page_parts.hpp"
#include "report/report_style.hpp"
#include "report/run_files.hpp"
#include "report/svg_plot.hpp"

namespace dcgan_mnist {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

namespace {

constexpr std::size_t series_length = 12;

std::string seconds_text(double seconds) {
  if (seconds < 90) return number_text(std::round(seconds)) + " s";
  if (seconds < 5400) return number_text(std::round(seconds / 60)) + " min";
  return number_text(seconds / 3600, 3) + " h";
}

std::string row(const std::string& name, const std::string& value) {
  return "<tr><th>" + escape(name) + "</th><td>" + escape(value) + "</td></tr>\n";
}

/// A row for each key and value of an object; keys of a nested object as "data: md5".
std::string rows(const ordered_json& object, const std::set<std::string>& without, const std::string& prefix = "") {
  std::string out;
  for (const auto& [name, value] : object.items()) {
    if (without.contains(name)) continue;
    if (value.is_object() && prefix.empty()) out += rows(value, without, name + ": ");
    if (!value.is_structured()) out += row(prefix + name, value == "" ? "–" : text_of(object, name));
  }
  return out;
}

class Report {
 public:
  explicit Report(const fs::path& directory) : directory_(directory), run_(read_run(directory)) {}

  std::string html() {
    const std::string body =
        head() + pictures() + evaluation_section(directory_, run_) + progress() + curves() + settings();
    return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
           escape(title()) + "</title>\n<style>" + report_style + "</style>\n</head>\n<body>\n<main>\n" + body +
           problems() + "</main>\n</body>\n</html>\n";
  }

 private:
  // ---- What the run was --------------------------------------------------------------------------------------------

  std::string name() const {
    const std::string own = fs::absolute(directory_).lexically_normal().filename().string();
    return own.empty() ? fs::absolute(directory_).lexically_normal().parent_path().filename().string() : own;
  }
  std::string title() const { return name() + ": a GAN learning to draw digits"; }
  double last(const std::string& key) const {
    return run_.stats.empty() ? std::nan("") : number_of(run_.stats.back(), key);
  }
  std::string data_name() const {
    const std::string source = text_of(run_.environment.value("data", ordered_json::object()), "source");
    return source.find("stroke") != std::string::npos ? "the built-in stroke digits" : "MNIST, handwritten digits";
  }
  bool cross_entropy() const {
    const std::string loss = text_of(run_.options, "loss");
    return (loss.empty() || loss == "bce") && text_of(run_.options, "relativistic") != "true";
  }

  /// The images' distance from the training images in units of that of real ones, by the newest evaluation.
  double rho() const {
    const double of_run = number_of(run_.evaluation.value("metrics", ordered_json::object()), "rho");
    return std::isfinite(of_run) || run_.metrics.empty() ? of_run : number_of(run_.metrics.back(), "rho");
  }

  /// Seconds of training: the images of each stretch of the log over the speed at its end.
  double training_seconds() const {
    double seconds = 0, before = 0;
    for (const ordered_json& s : run_.stats) {
      const double images = number_of(s, "images"), speed = number_of(s, "images_per_second");
      if (speed > 0 && images > before) seconds += (images - before) / speed;
      if (images > before) before = images;
    }
    return seconds;
  }

  /// The mean of a value over the last tenth of the log.
  double recent(const std::string& key) const {
    const std::size_t n = std::max<std::size_t>(1, run_.stats.size() / 10);
    double sum = 0;
    std::size_t count = 0;
    for (std::size_t i = run_.stats.size() - std::min(n, run_.stats.size()); i < run_.stats.size(); ++i) {
      const double v = number_of(run_.stats[i], key);
      if (std::isfinite(v)) sum += v, ++count;
    }
    return count > 0 ? sum / static_cast<double>(count) : std::nan("");
  }

  // ---- Parts of the page -------------------------------------------------------------------------------------------

  std::string badge() const {
    switch (run_.ending) {
      case Ending::done: return "<span class=\"badge good\">finished</span>";
      case Ending::interrupted: return "<span class=\"badge\">interrupted, can be resumed</span>";
      case Ending::diverged: return "<span class=\"badge bad\">diverged</span>";
      case Ending::unknown: break;
    }
    return "<span class=\"badge\">still running, or stopped without a word</span>";
  }

  std::string headline() const {
    if (run_.stats.empty()) return "A run that has not logged a step yet";
    return "What " + number_text(last("images")) + " images taught a network about drawing digits";
  }

  static std::string fact(const std::string& value, const std::string& what) {
    return value.empty() ? "" : "<li><b>" + escape(value) + "</b><span>" + escape(what) + "</span></li>\n";
  }

  std::string head() const {
    std::string out =
        "<header>\n<p class=\"quiet\">" + escape(name()) + " " + badge() + "</p>\n<h1>" + escape(headline()) +
        "</h1>\n<p>Two networks play against each other. The <b>generator</b> turns 100 random numbers into a "
        "picture of 28×28 pixels; it never sees a real digit. The <b>discriminator</b> is shown real images (" +
        escape(data_name()) +
        ") and generated ones, and learns to tell them apart. The generator learns only from how well it fools the "
        "discriminator. Below: what its pictures look like, how they came about, and how the game went.</p>\n";
    out += verdict();
    if (run_.stats.empty()) return out + "</header>\n";
    const double seconds = training_seconds();
    const ordered_json parameters = run_.environment.value("parameters", ordered_json::object());
    const double weights = number_of(parameters, "generator") + number_of(parameters, "discriminator");
    out += "<ul class=\"facts\">\n" + fact(number_text(last("step"), 12), "training steps") +
           fact(number_text(last("epoch"), 12), "epoch, passes over the data") +
           fact(seconds > 0 ? seconds_text(seconds) : "", "of training") +
           fact(last("images_per_second") > 0 ? number_text(std::round(recent("images_per_second")), 12) : "",
                "images a second") +
           fact(std::isfinite(weights) ? number_text(weights, 12) : "", "weights in both networks") +
           fact(std::isfinite(rho()) ? number_text(rho(), 3) : "", "rho: distance from real images, 1 is as real") +
           fact(text_of(run_.environment, "device"), "device") + "</ul>\n";
    return out + "</header>\n";
  }

  /// One sentence on the balance of the game, and the hints that the run gave.
  std::string verdict() const {
    std::string out;
    const double real = recent("d_real"), fake = recent("d_fake");
    if (cross_entropy() && std::isfinite(real) && std::isfinite(fake)) {
      const std::string numbers = "At the end the discriminator takes a real image for real with a probability of " +
                                  number_text(real, 2) + " on average, a generated one with " + number_text(fake, 2) +
                                  ": ";
      const char* meaning = "the game is in balance, both still learn from each other.";
      const char* kind = "good";
      if (real > 0.97 && fake < 0.03) {
        meaning = "it recognises nearly every image, so the generator gets little to learn from.";
        kind = "bad";
      } else if (real < 0.1 || fake > 0.9) {
        meaning = "it has stopped telling them apart, so what the generator learns from it means little.";
        kind = "bad";
      } else if (real > 0.9 && fake < 0.1) {
        meaning = "it has the upper hand, but the generator still learns.";
        kind = "";
      }
      out += "<p>" + escape(numbers) + "<span class=\"" + kind + "\">" + escape(meaning) + "</span></p>\n";
    }
    for (const std::string& hint : run_.hints) out += "<p class=\"bad\">" + escape(hint) + "</p>\n";
    return out;
  }

  std::string figure(const fs::path& path, const char* type, const std::string& heading, const std::string& caption) {
    return figure_of(path, type, heading, caption, run_.problems);
  }

  static std::string step_text(const Snapshot& s) { return "step " + number_text(static_cast<double>(s.step), 12); }

  std::string pictures() {
    std::string figures =
        figure(directory_ / "reals.png", "image/png", "Real", "What the generator never sees: images of the data set.");
    if (!run_.snapshots.empty()) {
      const Snapshot& newest = run_.snapshots.back();
      if (newest.step > 0)
        figures = figure(newest.path, "image/png", "Generated, " + step_text(newest),
                         "64 pictures from 64 lists of random numbers, not chosen by hand.") +
                  figures;
      if (run_.snapshots.front().step == 0)
        figures += figure(run_.snapshots.front().path, "image/png", "Before training",
                          "The same random numbers, before the first step.");
    }
    if (figures.empty()) return "<h2>Pictures</h2>\n<p class=\"quiet\">There are no pictures yet.</p>\n";
    return "<h2>Real and generated digits</h2>\n<div class=\"pictures\">\n" + figures + "</div>\n";
  }

  std::string progress() {
    if (run_.snapshots.size() < 2) return {};
    std::string series;
    for (const Snapshot& s : thin_out(run_.snapshots, series_length))
      series += figure(s.path, "image/png", "", step_text(s));
    const std::string gif =
        figure(directory_ / "progress.gif", "image/gif", "", "All of the training in a few seconds.");
    return tinygan::text(
        "<h2>How the pictures came about</h2>\n<p>Every grid is drawn from the same 64 lists of random numbers, so "
        "each place shows one picture growing.</p>\n<div class=\"growth\">\n",
        gif, "<div class=\"series\">\n", series, "</div>\n</div>\n");
  }

  /// A plot of the metrics of one group, in the words of that group.
  struct MetricCard {
    std::string_view group, heading;
    Plot axes;
    std::string_view explanation, explanation_bce = explanation;
  };

  /// Cards of known groups; any other group gets one with its own name.
  static MetricCard metric_card(std::string_view group) {
    const std::vector<MetricCard> cards{
        {"loss",
         "Losses",
         {.x_label = "step", .y_label = "loss"},
         "A tug of war: neither should run away for good.",
         "A tug of war: neither should win. 1.39 is a discriminator that guesses, 0.69 a generator that has it "
         "guessing. "
         "A discriminator's loss that stays at 0 means that the generator learns nothing any more."},
        {"output",
         "What the discriminator believes",
         {.x_label = "step", .y_label = "probability of being real", .low = 0, .high = 1},
         "Healthy: apart, but not at 1 and 0. Where the curves meet at one half, the two can no longer be told apart."},
        {"gradient",
         "Length of the gradients",
         {.x_label = "step", .y_label = "norm", .logarithmic = true},
         "How hard each step pulls. Healthy: steady; growing without end or falling to nothing is not."}};
    for (const MetricCard& c : cards)
      if (c.group == group) return c;
    return {group, group, {.x_label = "step", .y_label = std::string(group)}, ""};
  }

  std::string curves() const {
    const bool bce = cross_entropy();
    std::vector<MetricCard> groups;
    for (const auto& m : tinygan::gan::step_metrics<float>) {
      const std::string_view tag = m.tag, group = tag.substr(0, tag.find('/'));
      auto found = std::ranges::find(groups, group, &MetricCard::group);
      if (found == groups.end()) found = groups.insert(found, metric_card(group));
      Plot& plot = found->axes;
      plot.curves.push_back(curve_of(run_.stats, m.legend, m.key));
      plot.bands.emplace_back();
      if (bce && m.healthy.low < m.healthy.high) plot.bands.back() = Band{m.healthy.low, m.healthy.high};
    }
    std::string cards;
    for (const MetricCard& c : groups)
      cards += card(std::string(c.heading), c.axes, std::string(bce ? c.explanation_bce : c.explanation));
    cards += card("Speed",
                  {.x_label = "step",
                   .y_label = "images a second",
                   .curves = {curve_of(run_.stats, "images a second", "images_per_second")}},
                  "Training alone: pictures and checkpoints are not counted.");
    if (cards.empty()) return {};
    return "<h2>How the game went</h2>\n<p>One point per logged step; where there are many, the line is their mean and "
           "the shade around it their range. Shaded across: what is healthy for the curve of that colour.</p>\n"
           "<div class=\"cards\">\n" +
           cards + "</div>\n";
  }

  std::string command() const {
    try {
      return command_of(read_options(directory_ / "options.json"));
    } catch (const tinygan::Error&) {
      return text_of(run_.environment, "command");
    }
  }

  std::string settings() const {
    std::string out = "<h2>How to get the same again</h2>\n";
    if (const std::string line = command(); !line.empty())
      out += "<pre>" + escape(line) +
             "</pre>\n<p class=\"quiet\">With the same data, version and device this gives the same numbers, "
             "bit for bit, on the CPU at any number of threads.</p>\n";
    const std::string options = rows(run_.options, {});
    const std::string environment = rows(run_.environment, {"sessions", "command", "first_step"});
    const ordered_json sessions = run_.environment.value("sessions", ordered_json());
    std::string started;
    if (sessions.is_array() && sessions.size() > 1)
      for (const ordered_json& s : sessions)
        started += row("started " + text_of(s, "date"),
                       "from step " + text_of(s, "first_step") + ", on " + text_of(s, "host"));
    out += "<div class=\"tables\">\n";
    if (!options.empty()) out += "<section><h3>Options</h3><table>\n" + options + "</table></section>\n";
    if (!environment.empty())
      out += "<section><h3>Where it ran</h3><table>\n" + environment + started + "</table></section>\n";
    return out + "</div>\n";
  }

  std::string problems() const {
    if (run_.problems.empty()) return {};
    std::string out = "<h2>What is missing from this report</h2>\n<ul>\n";
    for (const std::string& p : run_.problems) out += "<li>" + escape(p) + "</li>\n";
    return out + "</ul>\n";
  }

  fs::path directory_;
  RunFiles run_;
};

}  // namespace

void write_report(const fs::path& run_directory) {
  const std::string html = Report(run_directory).html();
  tinygan::io::write_file(run_directory / "report.html",
                          {reinterpret_cast<const std::uint8_t*>(html.data()), html.size()});
}

int report(const ReportOptions& options) {
  const fs::path directory = options.run;
  std::error_code ignored;
  tinygan::check(fs::exists(directory / "options.json", ignored) || fs::exists(directory / "stats.jsonl", ignored),
                 options.run, "is not a run directory: it has neither options.json nor stats.jsonl");
  write_progress_gif(directory);
  write_report(directory);
  std::printf("%s\n", (directory / "report.html").c_str());
  return 0;
}

}  // namespace dcgan_mnist
