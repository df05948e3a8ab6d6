// How many processors this process may use: the affinity mask (taskset, cpusets) and the CPU quota of its control
// groups (containers).
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

#include <tinygan/base/outline.hpp>

namespace tinygan::cpu {

namespace detail {

/// Processors in the calling thread's affinity mask; those of the machine where the system has no such mask.
int affinity_processors();

/// The strictest quota of the control groups that this process is in, a group's parents included; nothing without a
/// limit. `root` is prefixed to /proc and /sys.
std::optional<int> cgroup_processors(const std::string& root = "");

}  // namespace detail

/// The processors that this process may use, at least 1.
int usable_processors();

}  // namespace tinygan::cpu

#ifdef TINYGAN_FUNC

namespace tinygan::cpu::detail {

TINYGAN_FUNC int affinity_processors() {
#if defined(__linux__)
  // The kernel refuses a set that is smaller than its own: 1024 bits at first, more on larger machines.
  for (std::size_t bits = 1024; bits <= std::size_t{1} << 20; bits *= 2) {
    std::vector<unsigned long> words(bits / (8 * sizeof(unsigned long)));
    auto* const set = reinterpret_cast<cpu_set_t*>(words.data());
    const std::size_t bytes = words.size() * sizeof(unsigned long);
    if (sched_getaffinity(0, bytes, set) == 0) return std::max(1, CPU_COUNT_S(bytes, set));
  }
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

/// The start of a file, "" if it cannot be read.
TINYGAN_FUNC std::string read_small_file(const std::string& path) {
  std::string text;
  if (std::FILE* const file = std::fopen(path.c_str(), "re")) {
    char part[4096];
    for (std::size_t n; text.size() < (1u << 20) && (n = std::fread(part, 1, sizeof part, file)) > 0;)
      text.append(part, n);
    std::fclose(file);
  }
  return text;
}

/// The number that a text begins with.
TINYGAN_FUNC std::optional<long long> leading_number(std::string_view text) {
  long long value = 0;
  const auto end = text.data() + text.size();
  if (std::from_chars(text.data(), end, value).ec != std::errc{}) return std::nullopt;
  return value;
}

/// quota / period rounded up, nothing where there is no limit.
TINYGAN_FUNC std::optional<int> quota_processors(std::optional<long long> quota, std::optional<long long> period) {
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return static_cast<int>(std::clamp((*quota - 1) / *period + 1, 1ll, 1ll << 20));
}

/// The limit of one group: cpu.max ("max 100000", "150000 100000") in version 2, two files in version 1.
TINYGAN_FUNC std::optional<int> group_quota(const std::string& folder, bool version2) {
  if (!version2)
    return quota_processors(leading_number(read_small_file(folder + "/cpu.cfs_quota_us")),
                            leading_number(read_small_file(folder + "/cpu.cfs_period_us")));
  const std::string limit = read_small_file(folder + "/cpu.max");
  const std::size_t space = limit.find(' ');
  if (space == std::string::npos) return std::nullopt;
  return quota_processors(leading_number(limit), leading_number(std::string_view(limit).substr(space + 1)));
}

TINYGAN_FUNC std::optional<int> cgroup_processors(const std::string& root) {
  std::optional<int> least;
  const std::string groups = read_small_file(root + "/proc/self/cgroup");
  for (std::size_t at = 0; at < groups.size();) {  // hierarchy:controllers:path
    const std::size_t end = std::min(groups.find('\n', at), groups.size());
    const std::string_view line = std::string_view(groups).substr(at, end - at);
    at = end + 1;
    const std::size_t first = line.find(':'), second = first == line.npos ? line.npos : line.find(':', first + 1);
    if (second == line.npos) continue;
    const std::string controllers(line.substr(first + 1, second - first - 1));
    const bool version2 = controllers.empty();
    if (!version2 && ("," + controllers + ",").find(",cpu,") == std::string::npos) continue;
    const std::string mount = root + "/sys/fs/cgroup";
    const std::vector<std::string> mounts =
        version2 ? std::vector{mount, mount + "/unified"} : std::vector{mount + "/" + controllers, mount + "/cpu"};
    // In a container the path may name folders outside its mount; the groups that are visible lie on the way up.
    for (std::string path(line.substr(second + 1));; path.resize(path.rfind('/'))) {
      for (const std::string& m : mounts)
        if (const auto quota = group_quota(m + path, version2)) least = std::min(*quota, least.value_or(*quota));
      if (path.find('/') == std::string::npos) break;
    }
  }
  return least;
}

}  // namespace tinygan::cpu::detail

namespace tinygan::cpu {

TINYGAN_FUNC int usable_processors() {
  const int allowed = detail::affinity_processors();
  return std::min(allowed, detail::cgroup_processors().value_or(allowed));
}

}  // namespace tinygan::cpu

#endif
