#include "base/signals.hpp"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>

namespace dcgan_mnist {

namespace {

constexpr long long never = -1;

struct Watched {
  int number;
  bool keeps_ignored;     // if the program was started with the signal ignored
  long long repeats_for;  // milliseconds in which the same signal again is not a second request; never: it never is one
};
constexpr std::array<Watched, 6> watched{{{SIGINT, false, 300},
                                          {SIGTERM, false, 300},   // timeout(1) signals the process, then its group
                                          {SIGHUP, true, 3000},    // from the shell, and when the shell has ended
                                          {SIGXCPU, true, never},  // every second beyond the limit
                                          {SIGPIPE, true, never},  // every write
                                          {SIGUSR1, false, never}}};
std::array<struct sigaction, watched.size()> before;

std::atomic<int> stop = 0;  // the signal that requested it
std::atomic<long long> stop_time = 0;
std::atomic<bool> save = false;
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<long long>::is_always_lock_free);

long long milliseconds_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

bool is_second_request(int number) {
  for (const Watched& w : watched)
    if (w.number == number && w.repeats_for != never)
      return number != stop || milliseconds_now() - stop_time > w.repeats_for;
  return false;
}

void on_stop(int number) {
  if (stop == 0) {
    stop_time = milliseconds_now();
    stop = number;
  } else if (is_second_request(number)) {
    _exit(130);  // nothing is flushed, nothing is half written: checkpoints appear by renaming
  }
}
void on_save(int) { save = true; }

}  // namespace

SignalWatch::SignalWatch() {
  stop = 0;
  save = false;
  for (std::size_t i = 0; i < watched.size(); ++i) {
    sigaction(watched[i].number, nullptr, &before[i]);
    if (watched[i].keeps_ignored && before[i].sa_handler == SIG_IGN) continue;
    struct sigaction action {};
    action.sa_handler = watched[i].number == SIGUSR1 ? on_save : on_stop;
    action.sa_flags = SA_RESTART;
    sigaction(watched[i].number, &action, nullptr);
  }
}

SignalWatch::~SignalWatch() {
  for (std::size_t i = 0; i < watched.size(); ++i) sigaction(watched[i].number, &before[i], nullptr);
}

bool SignalWatch::stop_requested() const { return dcgan_mnist::stop_requested(); }

bool SignalWatch::take_save_request() { return save.exchange(false); }

bool stop_requested() { return stop != 0; }

}  // namespace dcgan_mnist
