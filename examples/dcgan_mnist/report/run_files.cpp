#include "report/run_files.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include <tinygan/io/file.hpp>

namespace dcgan_mnist {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

namespace {

/// The content of a file, empty if it does not exist.
std::string content(const fs::path& path, RunFiles& run) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return {};
  try {
    const std::vector<std::uint8_t> bytes = tinygan::io::read_file(path);
    return {bytes.begin(), bytes.end()};
  } catch (const tinygan::Error& e) {
    run.problems.emplace_back(e.what());
    return {};
  }
}

ordered_json object_in(const fs::path& path, RunFiles& run) {
  const std::string text = content(path, run);
  if (text.empty()) return ordered_json::object();
  ordered_json json = ordered_json::parse(text, nullptr, false);
  if (json.is_object()) return json;
  run.problems.push_back(path.filename().string() + " is not a JSON object");
  return ordered_json::object();
}

template <class F>
void each_line(std::string_view text, F&& f) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    f(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

/// The objects of a file of JSON lines, by step. The last line of a killed run may be incomplete; a resumed run repeats
/// steps.
std::vector<ordered_json> lines_in(const fs::path& path, RunFiles& run) {
  std::vector<ordered_json> lines;
  std::size_t bad = 0;
  each_line(content(path, run), [&](std::string_view line) {
    ordered_json json = ordered_json::parse(line, nullptr, false);
    const double step = number_of(json, "step");
    if (std::isnan(step)) {
      bad += line.empty() ? 0 : 1;
      return;
    }
    while (!lines.empty() && number_of(lines.back(), "step") >= step) lines.pop_back();
    lines.push_back(std::move(json));
  });
  if (bad > 0)
    run.problems.push_back(path.filename().string() + ": " + std::to_string(bad) + " lines are not JSON with a step");
  return lines;
}

void read_log(const fs::path& path, RunFiles& run) {
  each_line(content(path, run), [&](std::string_view line) {
    if (line.starts_with("done: ")) run.ending = Ending::done;
    else if (line.starts_with("interrupted ")) run.ending = Ending::interrupted;
    else if (line.starts_with("diverged ")) run.ending = Ending::diverged;
    else if (line.starts_with("resumed ")) run.ending = Ending::unknown;
    const bool hint = line.starts_with("hint: ") || line.starts_with("WARNING: ");
    if (hint && std::find(run.hints.begin(), run.hints.end(), line) == run.hints.end()) run.hints.emplace_back(line);
  });
}

}  // namespace

RunFiles read_run(const fs::path& directory) {
  RunFiles run;
  run.snapshots = find_snapshots(directory);
  run.options = object_in(directory / "options.json", run);
  run.environment = object_in(directory / "env.json", run);
  run.evaluation = object_in(directory / "evaluation" / "evaluation.json", run);
  run.stats = lines_in(directory / "stats.jsonl", run);
  run.metrics = lines_in(directory / "metrics.jsonl", run);
  read_log(directory / "log.txt", run);
  return run;
}

double number_of(const ordered_json& object, const std::string& name) {
  if (object.is_object())
    if (const auto found = object.find(name); found != object.end() && found->is_number()) return found->get<double>();
  return std::numeric_limits<double>::quiet_NaN();
}

std::string text_of(const ordered_json& object, const std::string& name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return {};
  return found->is_string() ? found->get<std::string>() : found->dump();
}

}  // namespace dcgan_mnist
