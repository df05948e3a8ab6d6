#include "signals.hpp"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstddef>

namespace dcgan_mnist {

namespace {

volatile sig_atomic_t stop = 0, save = 0;

void on_stop(int) {
  if (stop != 0) _exit(130);  // nothing is flushed, nothing is half written: checkpoints appear by renaming
  stop = 1;
}
void on_save(int) { save = 1; }
void on_size_limit(int) {}  // write() then fails with EFBIG

struct Watched {
  int number;
  void (*handler)(int);
};
constexpr std::array<Watched, 4> watched{
    {{SIGINT, on_stop}, {SIGTERM, on_stop}, {SIGUSR1, on_save}, {SIGXFSZ, on_size_limit}}};
std::array<struct sigaction, watched.size()> before;

}  // namespace

SignalWatch::SignalWatch() {
  stop = 0;
  save = 0;
  for (std::size_t i = 0; i < watched.size(); ++i) {
    struct sigaction action {};
    action.sa_handler = watched[i].handler;
    action.sa_flags = SA_RESTART;
    sigaction(watched[i].number, &action, &before[i]);
  }
}

SignalWatch::~SignalWatch() {
  for (std::size_t i = 0; i < watched.size(); ++i) sigaction(watched[i].number, &before[i], nullptr);
}

bool SignalWatch::stop_requested() const { return stop != 0; }

bool SignalWatch::take_save_request() {
  const bool asked = save != 0;
  save = 0;
  return asked;
}

}  // namespace dcgan_mnist
