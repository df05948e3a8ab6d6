// RunRecord: the files of a run: log, statistics, event file, images, checkpoints, report.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <tinygan/io/background_writer.hpp>
#include <tinygan/io/checkpoints.hpp>
#include <tinygan/io/event_file.hpp>

#include "media/image_grid.hpp"
#include "run/checkpoint.hpp"
#include "run/progress.hpp"
#include "run/run_directory.hpp"
#include "run/training.hpp"

namespace dcgan_mnist {

/// Lines are written synchronously, images and checkpoints in order by a background thread, whose errors the next call
/// throws.
class RunRecord {
 public:
  /// Appends to existing files. `first_step` is the first step of this session. Keeps a reference to `progress`, which
  /// also shows what is logged. Throws Error if a file cannot be written, as do all members.
  RunRecord(const std::filesystem::path& directory, Progress& progress, tinygan::index_t first_step);

  /// Writes a line to the log and the terminal.
  void say(const std::string& text);
  void warn(const std::string& text);
  /// Writes a step's metrics to the terminal, and if `logged` to the log, stats.jsonl and the event file.
  void status(const Status& status, bool logged);

  /// Writes the figures of an evaluation to metrics.jsonl and the event file.
  void quality(tinygan::index_t step, const nlohmann::ordered_json& figures);

  /// Writes an image as `name` and, under `tag`, to the event file.
  void picture(const std::string& name, const std::string& tag, tinygan::index_t step, Picture image);
  /// Writes a checkpoint, after everything before it is flushed to disk, then removes those not to be kept.
  void checkpoint(CheckpointMeta meta, std::shared_ptr<const TrainingState> state, const tinygan::io::Retention& keep);
  /// Waits until everything is written.
  void flush();
  /// Writes progress.gif and report.html.
  void pages();

  /// A value of the first logged steps of the run, of earlier sessions too, at most `count`.
  std::vector<double> first_values(const std::string& key, std::size_t count) const;

  const std::filesystem::path& directory() const { return directory_; }
  const tinygan::io::Checkpoints& checkpoints() const { return checkpoints_; }
  /// Working time of the background thread. Call after flush().
  double background_seconds() const { return background_seconds_; }

 private:
  void in_background(std::function<void()> job);

  std::filesystem::path directory_;
  Progress* progress_;
  tinygan::io::Checkpoints checkpoints_;
  LineFile log_, stats_;
  std::mutex events_mutex_;  // images come from the writer's thread
  tinygan::io::EventFile events_;
  double background_seconds_ = 0;
  tinygan::io::BackgroundWriter writer_;  // last: its jobs use the others
};

/// Writes a run's progress.gif and report.html from its files. An image that cannot be read is a warning, without a new
/// GIF. Throws Error if the report cannot be written.
void write_pages(const std::filesystem::path& run, Progress& progress);

}  // namespace dcgan_mnist
