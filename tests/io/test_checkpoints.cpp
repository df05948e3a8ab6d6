#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include <tinygan/io/checkpoints.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using io::Checkpoints;
using support::contains;
using support::error_of;

namespace {

namespace fs = std::filesystem;

std::vector<io::FileContent> content(const std::string& text) {
  return {{"model", {text.begin(), text.end()}}, {"meta", {'m'}}};
}

std::string text_of(const fs::path& file) {
  const auto bytes = io::read_file(file);
  return {bytes.begin(), bytes.end()};
}

std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// While one lives, no file of this process grows beyond `bytes`: a full disk's error without a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

}  // namespace

TEST_CASE("a checkpoint is written whole and then named as the latest") {
  const support::TemporaryFolder run;
  const Checkpoints checkpoints(run.path());
  CHECK_FALSE(checkpoints.latest().has_value());
  CHECK(checkpoints.steps().empty());
  checkpoints.write(500, content("five hundred"));
  checkpoints.write(1000, content("a thousand"));
  CHECK(checkpoints.latest() == 1000);
  CHECK(checkpoints.steps() == std::vector<index_t>{500, 1000});
  CHECK(text_of(run.path() / "latest") == "checkpoints/step_00001000\n");
  CHECK(text_of(checkpoints.path(500) / "model") == "five hundred");
  CHECK(names_in(checkpoints.path(500)) == std::vector<std::string>{"meta", "model"});
  CHECK(names_in(run.path() / "checkpoints") == std::vector<std::string>{"step_00000500", "step_00001000"});

  checkpoints.write(1000, content("again"));  // a step reached twice
  CHECK(text_of(checkpoints.path(1000) / "model") == "again");
  CHECK(names_in(run.path() / "checkpoints").size() == 2);
}

TEST_CASE("a checkpoint that cannot be written leaves nothing behind and the others as they were") {
  const support::TemporaryFolder run;
  const Checkpoints checkpoints(run.path());
  checkpoints.write(1, content("good"));
  std::string error;
  {
    const FileSizeLimit limit(1000);
    error = error_of([&] { checkpoints.write(2, content(std::string(5000, 'x'))); });
  }
  CHECK(contains(error, "model"));
  CHECK(contains(error, "cannot write: File too large"));
  CHECK(checkpoints.latest() == 1);
  CHECK(text_of(checkpoints.path(1) / "model") == "good");
  CHECK(names_in(run.path() / "checkpoints") == std::vector<std::string>{"step_00000001"});

  // The same, while replacing one.
  {
    const FileSizeLimit limit(1000);
    error = error_of([&] { checkpoints.write(1, content(std::string(5000, 'x'))); });
  }
  CHECK_FALSE(error.empty());
  CHECK(text_of(checkpoints.path(1) / "model") == "good");

  const auto in_a_file = run.file("file", std::string("not a directory"));
  CHECK(contains(error_of([&] { Checkpoints(in_a_file).write(1, content("x")); }), "cannot create the directory"));
}

TEST_CASE("old checkpoints go, the newest, the milestones and the latest stay") {
  const support::TemporaryFolder run;
  const Checkpoints checkpoints(run.path());
  for (const index_t step : {10, 20, 30, 40, 50}) checkpoints.write(step, content("x"));
  checkpoints.prune({.last = 0});
  CHECK(checkpoints.steps().size() == 5);
  checkpoints.prune({.last = 4});
  CHECK(checkpoints.steps() == std::vector<index_t>{20, 30, 40, 50});
  checkpoints.prune({.last = 1, .every = 20});
  CHECK(checkpoints.steps() == std::vector<index_t>{20, 40, 50});
  checkpoints.point_to(20);
  checkpoints.prune({.last = 1});
  CHECK(checkpoints.steps() == std::vector<index_t>{20, 50});
  CHECK(names_in(run.path() / "checkpoints").size() == 2);  // nothing hidden either
}

TEST_CASE("going back puts later checkpoints aside, and what a kill left half-written is removed") {
  const support::TemporaryFolder run;
  const Checkpoints checkpoints(run.path());
  for (const index_t step : {1, 2, 3}) checkpoints.write(step, content(std::to_string(step)));
  fs::create_directory(run.path() / "checkpoints" / ".tmp-1234-step_00000004");
  run.file("latest.tmp-1234-5", std::string("checkp"));
  run.file("notes.txt", std::string("the user's"));
  checkpoints.remove_unfinished();
  CHECK(names_in(run.path()) == std::vector<std::string>{"checkpoints", "latest", "notes.txt"});
  checkpoints.point_to(1);
  CHECK(checkpoints.abandon_after(1) == 2);
  CHECK(checkpoints.steps() == std::vector<index_t>{1});
  CHECK(names_in(run.path() / "checkpoints") ==
        std::vector<std::string>{"abandoned_step_00000002", "abandoned_step_00000003", "step_00000001"});
  CHECK(text_of(run.path() / "checkpoints" / "abandoned_step_00000003" / "model") == "3");
}

TEST_CASE("a checkpoint that was put aside stays when another of its step is") {
  const support::TemporaryFolder run;
  const Checkpoints checkpoints(run.path());
  for (const char* text : {"first", "second", "third"}) {
    checkpoints.write(2, content(text));
    CHECK(checkpoints.abandon_after(1) == 1);
  }
  const fs::path root = run.path() / "checkpoints";
  CHECK(names_in(root) ==
        std::vector<std::string>{"abandoned_step_00000002", "abandoned_step_00000002_2", "abandoned_step_00000002_3"});
  CHECK(text_of(root / "abandoned_step_00000002" / "model") == "first");
  CHECK(text_of(root / "abandoned_step_00000002_3" / "model") == "third");
}

TEST_CASE("a link or an empty directory makes way for `latest`, a directory with content does not") {
  const support::TemporaryFolder run;
  const Checkpoints checkpoints(run.path());
  checkpoints.write(1, content("one"));
  fs::remove(run.path() / "latest");
  fs::create_directory_symlink("checkpoints/step_00000001", run.path() / "latest");
  CHECK(contains(error_of([&] { (void)checkpoints.latest(); }), "latest: is a directory"));
  checkpoints.point_to(1);
  CHECK(checkpoints.latest() == 1);
  CHECK(text_of(checkpoints.path(1) / "model") == "one");

  fs::remove(run.path() / "latest");
  fs::create_directory(run.path() / "latest");
  checkpoints.point_to(1);
  CHECK(checkpoints.latest() == 1);

  fs::remove(run.path() / "latest");
  fs::create_directory(run.path() / "latest");
  run.file("latest/notes", std::string("the user's"));
  CHECK(contains(error_of([&] { checkpoints.point_to(1); }), "latest: is a directory, cannot be replaced by a file"));
  CHECK(text_of(run.path() / "latest" / "notes") == "the user's");
}

TEST_CASE("a run directory that was removed does not come back with a checkpoint") {
  const support::TemporaryFolder folder;
  const Checkpoints checkpoints(folder.path() / "run");
  CHECK(contains(error_of([&] { checkpoints.write(1, content("x")); }), "cannot create the directory: No such file"));
  CHECK(names_in(folder.path()).empty());
}

TEST_CASE("only what the run itself wrote counts as a checkpoint's name") {
  CHECK(Checkpoints::step_of("step_00000500") == 500);
  CHECK(Checkpoints::step_of("step_123456789") == 123456789);
  for (const char* name : {"step_500", "step_000000500", "step_0000050x", "step_-0000050", "step_", "",
                           "abandoned_step_00000500", ".tmp-1-step_00000500", "step_99999999999999999999"})
    CHECK_FALSE(Checkpoints::step_of(name).has_value());

  const support::TemporaryFolder run;
  for (const char* text :
       {"nonsense\n", "checkpoints/../../step_00000001\n", "step_00000001\n", "checkpoints/step_1\n", "\n"}) {
    run.file("latest", std::string(text));
    CHECK(contains(error_of([&] { (void)Checkpoints(run.path()).latest(); }), "latest: names '"));
  }
  for (const char* text :
       {"checkpoints/step_00000007", "checkpoints/step_00000007\r\n", " checkpoints/step_00000007\t\n\n"}) {
    run.file("latest", std::string(text));
    CHECK(Checkpoints(run.path()).latest() == 7);
  }
  run.file("latest", std::string("\x01\xff"));
  CHECK(contains(error_of([&] { (void)Checkpoints(run.path()).latest(); }), "latest: names '"
                                                                            "?"
                                                                            "?', expected"));
}
