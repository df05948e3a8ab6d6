// Checkpoints of a run: directories that appear whole or not at all, and a file that names the latest (POSIX).
//
//   <run>/checkpoints/step_00000500/   the files of one checkpoint
//   <run>/latest                       "checkpoints/step_00000500"
//
// A checkpoint is written under a temporary name, flushed to disk and renamed; then `latest` is replaced. After a kill
// or a power failure `latest` names a complete checkpoint; the next run removes incomplete files.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <tinygan/base/outline.hpp>
#include <tinygan/base/shape.hpp>
#include <tinygan/io/file.hpp>
#include <tinygan/io/json.hpp>

namespace tinygan::io {

/// A file to write: its name in the directory, and its content.
struct FileContent {
  std::string name;
  std::vector<std::uint8_t> bytes;
};

namespace detail {

inline constexpr std::string_view temporary_mark = ".tmp-";  // as in write_file's temporaries

/// Flushes the entries of a directory to disk, on file systems that can. The files are complete in any case.
void flush_directory(const std::filesystem::path& directory);

void remove_quietly(const std::filesystem::path& path);

/// Removes a directory atomically: renames it to a hidden name, then removes it.
void remove_directory(const std::filesystem::path& path);

}  // namespace detail

/// Writes or replaces a directory of files atomically. Creates its parent directory if missing, but not the parent's: a
/// run directory that was removed is not created again. Throws Error naming the file and the reason, and removes the
/// temporary directory.
void write_directory(const std::filesystem::path& path, std::span<const FileContent> files);

/// Checkpoints to keep: the newest `last` (0: all), and those of every `every`-th step (0: none).
struct Retention {
  index_t last = 2, every = 0;
};

/// The checkpoints of one run directory.
class Checkpoints {
 public:
  explicit Checkpoints(std::filesystem::path run) : run_(std::move(run)), root_(run_ / "checkpoints") {}

  /// The name of a checkpoint's folder; names sort as steps do.
  static std::string name_of(index_t step);
  /// The folder of a checkpoint of the run, whether it exists or not.
  std::filesystem::path path(index_t step) const { return root_ / name_of(step); }

  /// The steps of all checkpoints, ascending.
  std::vector<index_t> steps() const;

  /// The step of the checkpoint that `latest` names, or nullopt if `latest` does not exist. Throws Error if it does not
  /// name a checkpoint.
  std::optional<index_t> latest() const;

  /// Writes a checkpoint, then replaces `latest`. Throws Error naming the file and the reason; earlier checkpoints and
  /// `latest` are then unchanged.
  void write(index_t step, std::span<const FileContent> files) const;

  /// Sets `latest` to an existing checkpoint.
  void point_to(index_t step) const;

  /// Removes checkpoints that `keep` does not cover, except the one that `latest` names.
  void prune(const Retention& keep) const;

  /// Removes incomplete files of killed processes: temporary checkpoints, and write_file's temporaries in the run
  /// directory.
  void remove_unfinished() const;

  /// Renames checkpoints of later steps to abandoned_<name>, abandoned_<name>_2, ...: a run that resumes from `step`
  /// writes its own. Returns their number.
  index_t abandon_after(index_t step) const;

  /// The step in a checkpoint's name, or nullopt for any other name.
  static std::optional<index_t> step_of(std::string_view name);

 private:
  std::filesystem::path run_, root_;
};

}  // namespace tinygan::io

#ifdef TINYGAN_FUNC

namespace tinygan::io::detail {

TINYGAN_FUNC void flush_directory(const std::filesystem::path& directory) {
  detail::Descriptor d(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (d.open()) ::fsync(d.get());
}

TINYGAN_FUNC void remove_quietly(const std::filesystem::path& path) {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

TINYGAN_FUNC void remove_directory(const std::filesystem::path& path) {
  const std::filesystem::path hidden =
      path.parent_path() / (std::string(temporary_mark) + "gone-" + path.filename().string());
  remove_quietly(hidden);
  std::error_code error;
  std::filesystem::rename(path, hidden, error);
  check(!error, path.string(), "cannot remove: ", error.message());
  remove_quietly(hidden);
}

}  // namespace tinygan::io::detail

namespace tinygan::io {

TINYGAN_FUNC void write_directory(const std::filesystem::path& path, std::span<const FileContent> files) {
  namespace fs = std::filesystem;
  const fs::path temporary =
      path.parent_path() / text(detail::temporary_mark, ::getpid(), "-", path.filename().string());
  detail::remove_quietly(temporary);
  std::error_code error;
  for (const fs::path& directory : {path.parent_path(), temporary}) {
    if (!directory.empty()) fs::create_directory(directory, error);
    check(!error, directory.string(), "cannot create the directory: ", error.message());
  }
  try {
    for (const FileContent& f : files) write_file(temporary / f.name, f.bytes);
    if (fs::exists(path, error)) detail::remove_directory(path);
    fs::rename(temporary, path, error);
    check(!error, path.string(), "cannot rename the temporary directory: ", error.message());
  } catch (...) {
    detail::remove_quietly(temporary);
    throw;
  }
  detail::flush_directory(path.parent_path());
}

TINYGAN_FUNC std::string Checkpoints::name_of(index_t step) {
  char name[32];
  std::snprintf(name, sizeof name, "step_%08lld", static_cast<long long>(step));
  return name;
}

TINYGAN_FUNC std::vector<index_t> Checkpoints::steps() const {
  std::vector<index_t> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(root_, error))
    if (const auto step = step_of(entry.path().filename().string())) found.push_back(*step);
  std::sort(found.begin(), found.end());
  return found;
}

TINYGAN_FUNC std::optional<index_t> Checkpoints::latest() const {
  const std::filesystem::path file = run_ / "latest";
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return std::nullopt;
  const std::vector<std::uint8_t> bytes = read_file(file);
  std::string_view name(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  constexpr std::string_view blank = " \t\r\n";  // as editors may add
  while (!name.empty() && blank.find(name.back()) != blank.npos) name.remove_suffix(1);
  while (!name.empty() && blank.find(name.front()) != blank.npos) name.remove_prefix(1);
  constexpr std::string_view folder = "checkpoints/";
  const auto step = name.substr(0, folder.size()) == folder ? step_of(name.substr(folder.size())) : std::nullopt;
  check(step.has_value(), file.string(), "names ", detail::shown(name, 60),
        ", expected a checkpoint like checkpoints/step_00000500");
  return step;
}

TINYGAN_FUNC void Checkpoints::write(index_t step, std::span<const FileContent> files) const {
  write_directory(path(step), files);
  point_to(step);
}

TINYGAN_FUNC void Checkpoints::point_to(index_t step) const {
  const std::string name = "checkpoints/" + name_of(step) + "\n";
  std::error_code ignored;
  if (std::filesystem::is_directory(run_ / "latest", ignored))
    std::filesystem::remove(run_ / "latest", ignored);  // only if it is a link or empty
  write_file(run_ / "latest", {reinterpret_cast<const std::uint8_t*>(name.data()), name.size()});
}

TINYGAN_FUNC void Checkpoints::prune(const Retention& keep) const {
  if (keep.last == 0) return;
  const std::vector<index_t> all = steps();
  const std::optional<index_t> last = latest();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool newest = i + static_cast<std::size_t>(keep.last) >= all.size();
    const bool milestone = keep.every > 0 && all[i] % keep.every == 0;
    if (!newest && !milestone && all[i] != last) detail::remove_directory(path(all[i]));
  }
}

TINYGAN_FUNC void Checkpoints::remove_unfinished() const {
  std::vector<std::filesystem::path> found;
  std::error_code error;
  for (const std::filesystem::path& directory : {run_, root_})
    for (const auto& entry : std::filesystem::directory_iterator(directory, error))
      if (entry.path().filename().string().find(detail::temporary_mark) != std::string::npos)
        found.push_back(entry.path());
  for (const std::filesystem::path& p : found) detail::remove_quietly(p);
}

TINYGAN_FUNC index_t Checkpoints::abandon_after(index_t step) const {
  index_t count = 0;
  for (const index_t s : steps()) {
    if (s <= step) continue;
    const std::string name = "abandoned_" + name_of(s);
    std::filesystem::path target = root_ / name;
    std::error_code error;
    for (int again = 2; std::filesystem::exists(target, error); ++again) target = root_ / text(name, '_', again);
    std::filesystem::rename(path(s), target, error);
    check(!error, path(s).string(), "cannot rename to ", target.string(), ": ", error.message());
    ++count;
  }
  return count;
}

TINYGAN_FUNC std::optional<index_t> Checkpoints::step_of(std::string_view name) {
  constexpr std::string_view prefix = "step_";
  index_t step = 0;
  if (name.substr(0, prefix.size()) != prefix || name.size() < prefix.size() + 8) return std::nullopt;
  const char* const end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(name.data() + prefix.size(), end, step);
  if (error != std::errc{} || rest != end || step < 0 || name_of(step) != name) return std::nullopt;
  return step;
}

}  // namespace tinygan::io

#endif
