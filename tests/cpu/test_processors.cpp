// The number of usable processors, from control groups written by hand and from an affinity mask of one.
#include <tinygan/cpu/processors.hpp>

#include <sched.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#include "support/catch.hpp"
#include "support/temporary.hpp"

namespace cpu = tinygan::cpu;

namespace {

/// A root with files in it.
class Root {
 public:
  Root& file(const std::string& name, const std::string& text) {
    const auto path = folder_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return *this;
  }
  std::optional<int> processors() const { return cpu::detail::cgroup_processors(folder_.path().string()); }

 private:
  support::TemporaryFolder folder_;
};

std::optional<int> version2(const std::string& limit) {
  return Root().file("proc/self/cgroup", "0::/a/b\n").file("sys/fs/cgroup/a/b/cpu.max", limit).processors();
}

std::optional<int> version1(const std::string& folder, const std::string& quota, const std::string& period) {
  return Root()
      .file("proc/self/cgroup", "5:memory:/other\n4:cpu,cpuacct:/a/b\n1:cpuset:/\n")
      .file("sys/fs/cgroup/" + folder + "/cpu.cfs_quota_us", quota)
      .file("sys/fs/cgroup/" + folder + "/cpu.cfs_period_us", period)
      .processors();
}

}  // namespace

TEST_CASE("A quota of version 2 is rounded up to whole processors") {
  CHECK(version2("150000 100000\n") == 2);
  CHECK(version2("200000 100000\n") == 2);
  CHECK(version2("200001 100000\n") == 3);
  CHECK(version2("1000 100000\n") == 1);
  CHECK(version2("max 100000\n") == std::nullopt);
  for (const char* strange : {"", "max", "5", "x y", "100000 0", "-1 100000", "100000 x", "99999999999999999999 1"}) {
    CAPTURE(strange);
    CHECK(version2(strange) == std::nullopt);
  }
}

TEST_CASE("The strictest group on the way up counts") {
  Root tree;
  tree.file("proc/self/cgroup", "0::/a/b/c\n").file("sys/fs/cgroup/a/b/c/cpu.max", "800000 100000\n");
  CHECK(tree.processors() == 8);
  tree.file("sys/fs/cgroup/a/cpu.max", "300000 100000\n").file("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  CHECK(tree.processors() == 3);
  tree.file("sys/fs/cgroup/cpu.max", "200000 100000\n");
  CHECK(tree.processors() == 2);
}

TEST_CASE("A container's group is found where its path is not") {
  Root container;
  container.file("proc/self/cgroup", "0::/docker/0123\n").file("sys/fs/cgroup/cpu.max", "50000 100000\n");
  CHECK(container.processors() == 1);
  Root inside;
  inside.file("proc/self/cgroup", "0::/\n").file("sys/fs/cgroup/cpu.max", "400000 100000\n");
  CHECK(inside.processors() == 4);
  Root hybrid;
  hybrid.file("proc/self/cgroup", "0::/a\n").file("sys/fs/cgroup/unified/a/cpu.max", "700000 100000\n");
  CHECK(hybrid.processors() == 7);
}

TEST_CASE("A quota of version 1 is read where the cpu controller is mounted") {
  CHECK(version1("cpu,cpuacct/a/b", "250000\n", "100000\n") == 3);
  CHECK(version1("cpu/a", "50000\n", "100000\n") == 1);
  CHECK(version1("cpu", "600000\n", "100000\n") == 6);
  CHECK(version1("cpu/a/b", "-1\n", "100000\n") == std::nullopt);
  CHECK(version1("cpu/other", "100000\n", "100000\n") == std::nullopt);
}

TEST_CASE("Without control groups there is no quota") {
  CHECK(Root().processors() == std::nullopt);
  CHECK(Root().file("proc/self/cgroup", "nonsense\n\n0::\n:::").processors() == std::nullopt);
}

TEST_CASE("The affinity mask of the calling thread counts") {
  CHECK(cpu::usable_processors() >= 1);
  std::thread([] {
    cpu_set_t one;
    CPU_ZERO(&one);
    REQUIRE(sched_getaffinity(0, sizeof one, &one) == 0);
    const int all = CPU_COUNT(&one);
    CHECK(cpu::detail::affinity_processors() == all);
    int first = 0;
    while (!CPU_ISSET(first, &one)) ++first;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
    CHECK(cpu::detail::affinity_processors() == 1);
    CHECK(cpu::usable_processors() == 1);
  }).join();
}
