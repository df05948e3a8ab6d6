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

// The signal that requested the stop and the millisecond in which it did, as one number: two threads may each run a
// handler at the same time, and the later one must see both, or neither. 0 before there is a request.
constexpr long long signal_numbers = 128;
std::atomic<long long> first_request = 0;
std::atomic<bool> save = false;
static_assert(std::atomic<long long>::is_always_lock_free);

long long milliseconds_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

bool is_second_request(int number, long long now, long long first) {
  for (const Watched& w : watched)
    if (w.number == number && w.repeats_for != never)
      return number != first % signal_numbers || now - first / signal_numbers > w.repeats_for;
  return false;
}

void on_stop(int number) {
  const long long now = milliseconds_now();
  long long first = 0;
  if (first_request.compare_exchange_strong(first, now * signal_numbers + number)) return;
  if (is_second_request(number, now, first))
    _exit(130);  // nothing is flushed, nothing is half written: checkpoints appear by renaming
}
void on_save(int) { save = true; }

}  // namespace

SignalWatch::SignalWatch() {
  first_request = 0;
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

bool stop_requested() { return first_request != 0; }

}  // namespace dcgan_mnist
