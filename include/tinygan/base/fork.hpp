// fork(): a count of forks, by which a child recognises what belongs to its parent, and fork handlers for locks. A
// child has only the thread that called fork(): a lock held by another thread would stay locked, and the parent's
// threads can be neither used nor joined.
#pragma once

#include <atomic>
#include <cstdint>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace tinygan::detail {

/// Registers fork handlers: `before` runs before a fork, `after` then runs in the parent and in the child.
inline bool at_fork(void (*before)(), void (*after)()) {
#if defined(__unix__) || defined(__APPLE__)
  return pthread_atfork(before, after, after) == 0;
#else
  return before != after;
#endif
}

[[gnu::visibility("default")]] inline constinit std::atomic<std::uint32_t> fork_counter{0};

/// At static initialisation: no thread is in the library yet.
[[gnu::visibility("default")]] inline const bool counts_forks = [] {
#if defined(__unix__) || defined(__APPLE__)
  return pthread_atfork(nullptr, nullptr, [] { fork_counter.fetch_add(1, std::memory_order_relaxed); }) == 0;
#else
  return false;
#endif
}();

/// The number of forks between the program's first process and this one. An object that was made at another count
/// belongs to an ancestor.
inline std::uint32_t fork_count() { return fork_counter.load(std::memory_order_relaxed); }

}  // namespace tinygan::detail
