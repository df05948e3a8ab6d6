// fork(): how a child knows that it is one, and the hooks that keep locks usable in it. A child has only the thread
// that called fork(), so a lock that another thread held would stay locked, and the threads of the parent can be
// neither used nor joined.
#pragma once

#include <atomic>
#include <cstdint>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace tinygan::detail {

/// Calls `before` when the process is about to fork, then `after` in the parent and in the child; later ones before
/// earlier ones.
inline bool at_fork(void (*before)(), void (*after)()) {
#if defined(__unix__) || defined(__APPLE__)
  return pthread_atfork(before, after, after) == 0;
#else
  return before != after;
#endif
}

inline constinit std::atomic<std::uint32_t> fork_counter{0};

/// At static initialisation: no thread is in the library yet.
inline const bool counts_forks = [] {
#if defined(__unix__) || defined(__APPLE__)
  return pthread_atfork(nullptr, nullptr, [] { fork_counter.fetch_add(1, std::memory_order_relaxed); }) == 0;
#else
  return false;
#endif
}();

/// The number of forks between the first process of the program and this one: what was made at another count belongs to
/// an ancestor.
inline std::uint32_t fork_count() { return fork_counter.load(std::memory_order_relaxed); }

}  // namespace tinygan::detail
