// Host work of a captured step: host code that runs before each replay.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>

namespace tinygan {

/// The host work of one captured step, in the order of its first run. A replay runs no host code of the step itself;
/// the functions that the step passed to each_step() run before each replay.
class HostWork {
 public:
  /// The first run, or the one that is captured.
  enum class Run { first, captured };
  /// How often work may be added: in one run of a step, or in any.
  enum class Times { once, any };

  /// While a Scope lives, each_step() of this thread belongs to that step. The first run adds to `work`. The captured
  /// run does no work, since repeat() precedes its replay.
  class Scope {
   public:
    Scope(HostWork& work, Run run) : outer_(std::exchange(current(), {&work, run})) {
      if (run == Run::first) work.entries_.clear();
    }
    ~Scope() { current() = outer_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    friend class HostWork;
    struct State {
      HostWork* work = nullptr;
      Run run = Run::first;
    };
    State outer_;
  };

  /// Runs `work` now and, within a Scope, before every replay: all work of a captured step precedes all its launches.
  /// Throws Error, naming `owner` by `name`, if the first run of a captured step did not use it, or if a step uses it
  /// more often than `times`.
  static void each_step(const void* owner, const char* name, std::function<void()> work, Times times = Times::once);

  void repeat() const;

 private:
  [[gnu::visibility("default")]] static Scope::State& current();
  bool has(const void* owner) const;

  std::vector<std::pair<const void*, std::function<void()>>> entries_;
};

}  // namespace tinygan

#ifdef TINYGAN_FUNC

namespace tinygan {

TINYGAN_FUNC void HostWork::each_step(const void* owner, const char* name, std::function<void()> work, Times times) {
  const Scope::State step = current();
  if (!step.work) return work();
  const bool known = step.work->has(owner);
  if (step.run == Run::captured) return check(known, name, "was not used in the first run of this captured step");
  check(!known || times == Times::any, name, "is used twice in a step that is to be captured, expected once");
  work();
  step.work->entries_.emplace_back(owner, std::move(work));
}

TINYGAN_FUNC void HostWork::repeat() const {
  for (const auto& [owner, work] : entries_) work();
}

TINYGAN_FUNC HostWork::Scope::State& HostWork::current() {
  thread_local Scope::State state;
  return state;
}

TINYGAN_FUNC bool HostWork::has(const void* owner) const {
  for (const auto& entry : entries_)
    if (entry.first == owner) return true;
  return false;
}

}  // namespace tinygan

#endif
