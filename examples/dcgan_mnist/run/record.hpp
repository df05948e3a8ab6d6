// What a run writes into its directory while it goes: log, statistics, event file, pictures, checkpoints, report.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include <tinygan/io/background_writer.hpp>
#include <tinygan/io/checkpoints.hpp>
#include <tinygan/io/event_file.hpp>

#include "media/image_grid.hpp"
#include "run/checkpoint.hpp"
#include "run/progress.hpp"
#include "run/run_directory.hpp"
#include "run/training.hpp"

namespace dcgan_mnist {

/// Lines are written at once; pictures and checkpoints by a thread of their own, in the order in which they were given.
/// An error there is thrown by the next call.
class RunRecord {
 public:
  /// Appends to the files that are there. `first_step` is the first that this session will take. Keeps a reference to
  /// `progress`, which shows what is logged. Throws Error if a file cannot be written, as all members do.
  RunRecord(const std::filesystem::path& directory, Progress& progress, tinygan::index_t first_step);

  /// A line for people: to the log and the terminal.
  void say(const std::string& text);
  void warn(const std::string& text);
  /// A step's numbers: to the terminal, and if `logged` to the log, stats.jsonl and the event file.
  void status(const Status& status, bool logged);

  /// A picture as `name` and, under `tag`, in the event file.
  void picture(const std::string& name, const std::string& tag, tinygan::index_t step, GreyImage image);
  /// A checkpoint, once all before it is on the disk; then those that are not to be kept go.
  void checkpoint(CheckpointMeta meta, std::shared_ptr<const TrainingState> state, const tinygan::io::Retention& keep);
  /// Waits until everything is written.
  void flush();
  /// progress.gif and report.html, from all that is written.
  void pages();

  const std::filesystem::path& directory() const { return directory_; }
  const tinygan::io::Checkpoints& checkpoints() const { return checkpoints_; }
  /// How long the thread has been at work; to be asked after flush().
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

/// Writes a run's progress.gif and report.html from its files. A picture that cannot be read is a warning and costs the GIF.
/// Throws Error if the report cannot be written.
void write_pages(const std::filesystem::path& run, Progress& progress);

}  // namespace dcgan_mnist
