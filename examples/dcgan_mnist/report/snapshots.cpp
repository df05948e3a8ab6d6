#include "report/snapshots.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

#include <tinygan/io/file.hpp>

#include "media/gif.hpp"

namespace dcgan_mnist {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t most_frames = 100;
constexpr int shortest_delay = 8, last_delay = 200;  // hundredths of a second
constexpr int play_time = 1000;  // of all frames together, about; few frames are not shown that slowly
constexpr int longest_delay = 40;

/// The step of a grid's file name; -1 if it is none.
std::int64_t step_of(std::string_view name) {
  constexpr std::string_view prefix = "fakes_", suffix = ".png";
  if (!name.starts_with(prefix) || !name.ends_with(suffix) || name.size() <= prefix.size() + suffix.size()) return -1;
  const std::string_view step = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
  if (step == "init") return 0;
  std::int64_t number = -1;
  const auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), number);
  return error == std::errc{} && end == step.data() + step.size() ? number : -1;
}

}  // namespace

std::vector<Snapshot> find_snapshots(const fs::path& run_directory) {
  std::vector<Snapshot> found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(run_directory, error))
    if (const std::int64_t step = step_of(entry.path().filename().string()); step >= 0)
      found.push_back({step, entry.path()});
  tinygan::check(!error, run_directory.string(), "cannot list the directory: ", error.message());
  std::sort(found.begin(), found.end(), [](const Snapshot& a, const Snapshot& b) { return a.step < b.step; });
  return found;
}

std::vector<Snapshot> thin_out(const std::vector<Snapshot>& snapshots, std::size_t count) {
  if (snapshots.size() <= count || count < 2) return snapshots;
  std::vector<Snapshot> some;
  for (std::size_t i = 0; i < count; ++i) some.push_back(snapshots[i * (snapshots.size() - 1) / (count - 1)]);
  return some;
}

void write_progress_gif(const fs::path& run_directory) {
  const std::vector<Snapshot> chosen = thin_out(find_snapshots(run_directory), most_frames);
  if (chosen.size() < 2) return;
  const int delay = std::clamp(play_time / static_cast<int>(chosen.size()), shortest_delay, longest_delay);
  std::vector<GifFrame> frames;
  for (const Snapshot& s : chosen)
    frames.push_back({decode_png(tinygan::io::read_file(s.path), s.path.string()), delay});
  frames.back().delay = last_delay;
  tinygan::io::write_file(run_directory / "progress.gif", encode_gif(frames));
}

}  // namespace dcgan_mnist
