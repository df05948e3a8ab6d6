#include "base/standard_streams.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <system_error>

#include <tinygan/base/error.hpp>

#include "base/signals.hpp"

namespace dcgan_mnist {

namespace {

void ignore_signal(int) {}

/// Waits until standard error takes PIPE_BUF bytes without blocking. False if a stop was requested and the reader is
/// too slow.
bool wait_for_error_reader() {
  constexpr int slice = 100, most_slices = 10;  // milliseconds
  static int slices = 0;
  for (;;) {
    pollfd error{STDERR_FILENO, POLLOUT, 0};
    const int ready = ::poll(&error, 1, slices < most_slices ? slice : 0);
    if (ready > 0 || (ready < 0 && errno != EINTR)) return true;
    if (stop_requested() && slices++ >= most_slices) return false;
  }
}

}  // namespace

void open_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // The lowest free number is this one. Without /dev/null anything that cannot be written serves.
    if (::open("/dev/null", O_RDWR) < 0) (void)::open("/", O_RDONLY);
  }
}

void keep_write_signals_harmless() {
  for (const int number : {SIGPIPE, SIGXFSZ}) {
    struct sigaction action {};
    sigaction(number, nullptr, &action);
    if (action.sa_handler != SIG_DFL) continue;
    action = {};
    action.sa_handler = ignore_signal;  // not SIG_IGN, which a program started by this one would inherit
    action.sa_flags = SA_RESTART;
    sigaction(number, &action, nullptr);
  }
}

void write_output_line(const std::string& line) {
  std::printf("%s\n", line.c_str());
  const std::string error = flush_output();
  tinygan::check(error.empty(), "standard output", error);
}

std::string flush_output() {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return {};
  // An earlier write may have failed, whose reason is lost by now.
  return "cannot write" + (errno != 0 ? ": " + std::generic_category().message(errno) : "");
}

void check_output() {
  if (output_is_gone()) tinygan::fail("standard output", "cannot write: ", std::generic_category().message(EPIPE));
  if (::write(STDOUT_FILENO, "", 0) < 0)
    tinygan::fail("standard output", "cannot write: ", std::generic_category().message(errno));
}

bool output_is_gone() {
  pollfd output{STDOUT_FILENO, 0, 0};
  if (::poll(&output, 1, 0) <= 0 || (output.revents & (POLLERR | POLLHUP)) == 0) return false;
  struct stat status {};
  struct sigaction hangup {};
  const bool terminal = ::fstat(STDOUT_FILENO, &status) == 0 && S_ISCHR(status.st_mode);
  return !terminal || sigaction(SIGHUP, nullptr, &hangup) != 0 || hangup.sa_handler != SIG_IGN;
}

void write_error(std::string_view text) {
  while (!text.empty() && wait_for_error_reader()) {
    const ssize_t n = ::write(STDERR_FILENO, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace dcgan_mnist
