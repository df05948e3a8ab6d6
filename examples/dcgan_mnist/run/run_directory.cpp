#include "run/run_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <iomanip>
#include <locale>
#include <sstream>
#include <system_error>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/io/file.hpp>

namespace dcgan_mnist {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

namespace {

/// The number at the start of a run directory's name, or -1.
int run_number(const std::string& name) {
  int number = -1;
  const std::size_t dash = name.find('-');
  if (dash == std::string::npos) return -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + dash, number);
  return error == std::errc{} && end == name.data() + dash ? number : -1;
}

std::string reason() { return std::generic_category().message(errno); }

}  // namespace

fs::path make_run_directory(const fs::path& parent, const std::string& name) {
  std::error_code error;
  fs::create_directories(parent, error);
  tinygan::check(!error, parent.string(), "cannot create the directory: ", error.message());
  int next = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(parent, error))
    next = std::max(next, run_number(entry.path().filename().string()) + 1);
  tinygan::check(!error, parent.string(), "cannot list the directory: ", error.message());
  for (;; ++next) {  // another run may take the number at the same moment
    std::ostringstream numbered;
    numbered.imbue(std::locale::classic());
    numbered << std::setw(5) << std::setfill('0') << next << '-' << name;
    fs::path directory = parent / numbered.str();
    if (fs::create_directory(directory, error)) return directory;
    tinygan::check(!error, directory.string(), "cannot create the run directory: ", error.message());
  }
}

std::optional<fs::path> find_run(const fs::path& parent, const TrainOptions& options,
                                 std::vector<std::string>& problems) {
  std::vector<fs::path> runs;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(parent, error))
    if (run_number(entry.path().filename().string()) >= 0 && fs::exists(entry.path() / "options.json", error))
      runs.push_back(entry.path());
  std::sort(runs.begin(), runs.end(), [](const fs::path& a, const fs::path& b) {
    return run_number(a.filename().string()) > run_number(b.filename().string());
  });
  for (const fs::path& run : runs) {
    try {
      if (same_result(read_options(run / "options.json"), options)) return run;
    } catch (const tinygan::Error& e) {  // a run that cannot be read must not prevent training
      problems.push_back(tinygan::text(e.what(), "; --resume auto ignores the run"));
    }
  }
  return {};
}

RunLock::RunLock(const fs::path& directory) : fd_(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (fd_ < 0) tinygan::fail(directory.string(), "cannot open the run directory: ", reason());
  if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) return;
  const int error = errno;
  ::close(fd_);
  if (error == EWOULDBLOCK) tinygan::fail(directory.string(), "another process is training in this run directory");
  fd_ = -1;  // a file system without locks
}

RunLock::~RunLock() {
  if (fd_ >= 0) ::close(fd_);
}

LineFile::LineFile(const fs::path& path)
    : name_(path.string()), fd_(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666)) {
  if (fd_ < 0) tinygan::fail(name_, "cannot write: ", reason());
}

LineFile::~LineFile() { ::close(fd_); }

void LineFile::write(const std::string& line) {
  const std::string text = line + "\n";
  const off_t before = ::lseek(fd_, 0, SEEK_END);
  const bool whole =
      tinygan::io::detail::write_all(fd_, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  if (whole) return;
  const std::string why = reason();
  [[maybe_unused]] const int cut = ::ftruncate(fd_, before);  // the next line must not follow half a line
  tinygan::fail(name_, "cannot write: ", why);
}

void LineFile::sync() {
  if (::fsync(fd_) != 0) tinygan::fail(name_, "cannot flush to disk: ", reason());
}

void truncate_after(const fs::path& json_lines, std::int64_t step) {
  std::error_code error;
  if (!fs::exists(json_lines, error) || fs::file_size(json_lines, error) == 0) return;
  const std::vector<std::uint8_t> bytes = tinygan::io::read_file(json_lines);
  std::vector<std::uint8_t> kept;
  for (auto line = bytes.begin(); line != bytes.end();) {
    const auto end = std::find(line, bytes.end(), std::uint8_t{'\n'});
    if (end == bytes.end()) break;  // a line that was being written
    const ordered_json json = ordered_json::parse(line, end, nullptr, false);
    const bool has_step = json.is_object() && json.contains("step") && json["step"].is_number_integer();
    if (has_step && json["step"] <= step) kept.insert(kept.end(), line, end + 1);
    line = end + 1;
  }
  if (kept.size() == bytes.size()) return;
  tinygan::io::write_file(json_lines, kept);
}

void write_json(const fs::path& path, const ordered_json& json) {
  const std::string text = json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
  tinygan::io::write_file(path, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

void add_session(const fs::path& directory, const ordered_json& environment) {
  const fs::path path = directory / "env.json";
  std::error_code ignored;
  ordered_json all;
  if (fs::exists(path, ignored)) {
    const std::vector<std::uint8_t> bytes = tinygan::io::read_file(path);
    all = ordered_json::parse(bytes.begin(), bytes.end(), nullptr, false);
  }
  if (!all.is_object()) all = environment;
  if (!all["sessions"].is_array()) all["sessions"] = ordered_json::array();
  all["sessions"].push_back(environment);
  write_json(path, all);
}

}  // namespace dcgan_mnist
