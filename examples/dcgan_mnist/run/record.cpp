#include "run/record.hpp"

#include <chrono>
#include <utility>
#include <vector>

#include <tinygan/io/file.hpp>

#include "base/byte_text.hpp"
#include "report/report.hpp"
#include "report/run_files.hpp"
#include "report/snapshots.hpp"

namespace dcgan_mnist {

namespace fs = std::filesystem;
using tinygan::index_t;

namespace {

/// Seconds since 1970, as event files want them.
double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

nlohmann::ordered_json to_json(const Status& s) {
  nlohmann::ordered_json json{{"epoch", s.epoch}, {"step", s.step}, {"images", s.images}};
  for (const auto& m : tinygan::gan::step_metrics<float>) json[m.key] = static_cast<double>(s.metrics.*m.value);
  json["images_per_second"] = s.images_per_second;
  json["memory_mib"] = s.memory_mib;
  return json;
}

std::vector<tinygan::io::EventFile::Scalar> to_scalars(const Status& s) {
  std::vector<tinygan::io::EventFile::Scalar> scalars;
  for (const auto& m : tinygan::gan::step_metrics<float>) scalars.push_back({m.tag, s.metrics.*m.value});
  scalars.push_back({"speed/images_per_second", s.images_per_second});
  return scalars;
}

}  // namespace

RunRecord::RunRecord(const fs::path& directory, Progress& progress, index_t first_step)
    : directory_(directory), progress_(&progress), checkpoints_(directory), log_(directory / "log.txt"),
      stats_(directory / "stats.jsonl"), events_(directory, wall_time(), first_step) {}

void RunRecord::say(const std::string& text) {
  progress_->note(text);
  log_.write(escape_bytes(text));
}

void RunRecord::warn(const std::string& text) {
  progress_->warn(text);
  log_.write(escape_bytes(text));
}

void RunRecord::status(const Status& status, bool logged) {
  if (logged) {
    stats_.write(to_json(status).dump());
    log_.write(status_line(status));
    const std::lock_guard lock(events_mutex_);
    events_.scalars(status.step, to_scalars(status), wall_time());
  }
  progress_->show(status, logged);
}

void RunRecord::quality(index_t step, const nlohmann::ordered_json& figures) {
  LineFile metrics(directory_ / "metrics.jsonl");  // a run without evaluations has no such file
  metrics.write(figures.dump());
  metrics.sync();
  std::vector<tinygan::io::EventFile::Scalar> scalars;
  for (const auto& [key, value] : figures.items())
    if (value.is_number() && key != "step") scalars.push_back({"quality/" + key, value.get<double>()});
  const std::lock_guard lock(events_mutex_);
  events_.scalars(step, scalars, wall_time());
}

void RunRecord::picture(const std::string& name, const std::string& tag, index_t step, Picture image) {
  in_background([this, path = directory_ / name, tag, step, image = std::move(image)] {
    const std::vector<std::uint8_t> png = encode_png(image);
    tinygan::io::write_file(path, png);
    const std::lock_guard lock(events_mutex_);
    events_.image(step, tag, png, {image.height, image.width, image.channels}, wall_time());
  });
}

void RunRecord::checkpoint(CheckpointMeta meta, std::shared_ptr<const TrainingState> state,
                           const tinygan::io::Retention& keep) {
  in_background([this, meta = std::move(meta), state = std::move(state), keep] {
    const std::vector<tinygan::io::FileContent> files = encode_checkpoint(meta, state->model, state->state);
    stats_.sync();
    log_.sync();
    checkpoints_.write(meta.step, files);
    checkpoints_.prune(keep);
  });
}

void RunRecord::flush() { writer_.flush(); }

void write_pages(const fs::path& run, Progress& progress) {
  try {
    write_progress_gif(run);
  } catch (
      const tinygan::Error& e) {  // a damaged picture of long ago does not make a run that has ended well a failed one
    progress.warn(tinygan::text("no new progress.gif: ", e.what()));
  }
  write_report(run);
}

std::vector<double> RunRecord::first_values(const std::string& key, std::size_t count) const {
  std::vector<double> values;
  for (const nlohmann::ordered_json& line : read_run(directory_).stats)
    if (values.size() < count) values.push_back(number_of(line, key));
  return values;
}

void RunRecord::pages() {
  flush();
  write_pages(directory_, *progress_);
  progress_->note("report: " + (directory_ / "report.html").string());
}

void RunRecord::in_background(std::function<void()> job) {
  writer_.submit([this, job = std::move(job)] {
    const auto begun = std::chrono::steady_clock::now();
    job();
    background_seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  });
}

}  // namespace dcgan_mnist
