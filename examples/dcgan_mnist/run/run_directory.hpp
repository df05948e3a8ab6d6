// Run directories: numbered, never reused, locked while a program writes to them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/options.hpp"

namespace dcgan_mnist {

/// Creates <parent>/<number>-<name>, the number one above the highest in `parent`. Throws Error if it cannot be
/// created.
std::filesystem::path make_run_directory(const std::filesystem::path& parent, const std::string& name);

/// The newest run in `parent` whose options give the same result, or nullopt. Appends the runs whose options cannot be
/// read to `problems`.
std::optional<std::filesystem::path> find_run(const std::filesystem::path& parent, const TrainOptions& options,
                                              std::vector<std::string>& problems);

/// An exclusive lock of a run directory.
class RunLock {
 public:
  /// Throws Error if another process holds it.
  explicit RunLock(const std::filesystem::path& directory);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int fd_;
};

/// A text file that is appended to line by line.
class LineFile {
 public:
  /// Opens or creates the file. Throws Error if that fails.
  explicit LineFile(const std::filesystem::path& path);
  ~LineFile();
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  /// Appends a line. Throws Error if it cannot be written completely.
  void write(const std::string& line);
  /// Flushes the lines to disk. Throws Error if that fails.
  void sync();

 private:
  std::string name_;
  int fd_;
};

/// Removes lines of later steps than `step`, which the run will write again, and invalid lines from a file of JSON
/// lines with a "step". Does nothing if the file does not exist. Throws Error if it cannot be read or written.
void truncate_after(const std::filesystem::path& json_lines, std::int64_t step);

/// Replaces a file by a JSON document, atomically.
void write_json(const std::filesystem::path& path, const nlohmann::ordered_json& json);

/// Appends a session to the run's env.json: the first session's entries are at the top level, those of all sessions
/// under "sessions".
void add_session(const std::filesystem::path& directory, const nlohmann::ordered_json& environment);

}  // namespace dcgan_mnist
