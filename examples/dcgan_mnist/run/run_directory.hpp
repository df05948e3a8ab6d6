// Run directories: numbered, never used twice, locked while a program writes to them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/options.hpp"

namespace dcgan_mnist {

/// Makes <parent>/<number>-<name>, the number one above the highest there. Never reuses a directory. Throws Error if it
/// cannot be made.
std::filesystem::path make_run_directory(const std::filesystem::path& parent, const std::string& name);

/// The newest run below `parent` that would come to the same result as these options, or nothing. Appends to `problems`
/// which newer runs were passed over because their options cannot be read.
std::optional<std::filesystem::path> find_run(const std::filesystem::path& parent, const TrainOptions& options,
                                              std::vector<std::string>& problems);

/// While one lives, no other program holds one for the same directory.
class RunLock {
 public:
  /// Throws Error if another process has it.
  explicit RunLock(const std::filesystem::path& directory);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int fd_;
};

/// A text file that grows line by line.
class LineFile {
 public:
  /// Opens it, or makes it; appends. Throws Error if it cannot.
  explicit LineFile(const std::filesystem::path& path);
  ~LineFile();
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  /// Throws Error if the line cannot be written whole.
  void write(const std::string& line);
  /// Waits until the lines are on the disk. Throws Error if they cannot be.
  void sync();

 private:
  std::string name_;
  int fd_;
};

/// Removes from a file of JSON lines with a "step" each those after `step`, which the run will write again, and what is no
/// such line. Does nothing if there is no such file. Throws Error if it cannot be read or written.
void truncate_after(const std::filesystem::path& json_lines, std::int64_t step);

/// Replaces a file by a JSON document, atomically.
void write_json(const std::filesystem::path& path, const nlohmann::ordered_json& json);

/// Records in the run's env.json that the program works on it, from now on and as `environment` says: the first
/// session's entries stand at the top, all sessions' under "sessions".
void add_session(const std::filesystem::path& directory, const nlohmann::ordered_json& environment);

}  // namespace dcgan_mnist
