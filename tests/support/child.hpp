// Children of a test: what fork() leaves of the library, and what happens under limits that the test itself could not
// undo.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>

namespace support {

#if defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true,
                      no_threads_after_fork = true;  // ThreadSanitizer ends a child that starts threads
#elif defined(__SANITIZE_ADDRESS__)
inline constexpr bool sanitized = true, no_threads_after_fork = false;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
inline constexpr bool sanitized = true, no_threads_after_fork = true;
#elif __has_feature(address_sanitizer)
inline constexpr bool sanitized = true, no_threads_after_fork = false;
#else
inline constexpr bool sanitized = false, no_threads_after_fork = false;
#endif
#else
inline constexpr bool sanitized = false, no_threads_after_fork = false;
#endif
inline constexpr bool thread_sanitizer = no_threads_after_fork;

/// Forks; the child gets a minute and runs before(). Returns the child's number in the parent, 0 in the child.
template <class F>
pid_t fork_here(F&& before) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    before();
  }
  return child;
}

/// The exit code of a child, -1 if a signal ended it.
inline int wait_for(pid_t child) {
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// The exit code of a child that runs f(): 0 if that is true, 1 if it is false, 2 if it throws; -1 if a signal ends it.
template <class F>
int status_of_child(F&& f) {
  return wait_for(fork_here([&] {
    int status = 2;
    try {
      status = f() ? 0 : 1;
    } catch (...) {
    }
    ::_exit(status);
  }));
}

/// The exit code of this program run anew, in the present environment, with one argument and its output thrown away.
inline int run_self(const char* argument) {
  return wait_for(fork_here([&] {
    for (std::FILE* stream : {stdout, stderr})
      if (!std::freopen("/dev/null", "w", stream)) ::_exit(99);
    ::execl("/proc/self/exe", "tinygan_tests", argument, static_cast<char*>(nullptr));
    ::_exit(99);
  }));
}
/// Whether that code says that tests failed: their number, of assertions or of test cases, or 42.
inline bool has_failures(int code) { return code > 0 && code < 99; }

/// An environment variable that gets its value back.
class EnvironmentVariable {
 public:
  explicit EnvironmentVariable(const char* name) : name_(name) {
    if (const char* value = std::getenv(name)) before_ = value;
  }
  ~EnvironmentVariable() {
    if (before_) set(before_->c_str());
    else unset();
  }
  EnvironmentVariable(const EnvironmentVariable&) = delete;
  EnvironmentVariable& operator=(const EnvironmentVariable&) = delete;

  void set(const char* value) const { ::setenv(name_, value, 1); }
  void unset() const { ::unsetenv(name_); }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

}  // namespace support
