// Signals of the trainer that two threads handle at the same time.
#include <csignal>
#include <thread>

#include <unistd.h>

#include "../../examples/dcgan_mnist/base/signals.hpp"

#include "support/catch.hpp"
#include "support/child.hpp"

namespace {

/// The exit code of a child of `threads` busy threads which gets the two signals while it is stopped.
int code_after(int threads, int first, int second) {
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = support::fork_here([&] {
    const dcgan_mnist::SignalWatch watch;
    for (int i = 0; i < threads; ++i)
      std::thread([] {
        for (volatile bool busy = true; busy;) continue;
      }).detach();
    const bool told = ::write(ready[1], "r", 1) == 1;
    while (told && !watch.stop_requested()) continue;
    for (int i = 0; told && i < 100; ++i) ::usleep(1000);  // in which a second request ends the process
    ::_exit(0);
  });
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  for (const int number : {SIGSTOP, first, second, SIGCONT}) ::kill(child, number);
  const int code = support::wait_for(child);
  for (const int end : ready) ::close(end);
  return code;
}

}  // namespace

TEST_CASE("a second signal ends the process at once, whichever threads handle the two") {
  if (support::no_threads_after_fork) return;
  for (int i = 0; i < 200; ++i) {
    CAPTURE(i);
    CHECK(code_after(3, SIGINT, SIGTERM) == 130);
  }
}

// The control of the case above: a single request lets the process end by itself.
TEST_CASE("a signal that is pending twice is one request") {
  if (support::no_threads_after_fork) return;
  for (int i = 0; i < 5; ++i) CHECK(code_after(3, SIGTERM, SIGTERM) == 0);
}
