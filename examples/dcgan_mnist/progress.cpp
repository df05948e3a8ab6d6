#include "progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "standard_streams.hpp"

namespace dcgan_mnist {

namespace {

std::string clock_text(double seconds) {
  const auto total = static_cast<long>(seconds + 0.5);
  char buffer[32];
  if (total >= 3600) std::snprintf(buffer, sizeof buffer, "%ld:%02ld:%02ld", total / 3600, total / 60 % 60, total % 60);
  else std::snprintf(buffer, sizeof buffer, "%ld:%02ld", total / 60, total % 60);
  return buffer;
}

/// Characters in a line of the terminal, 80 if it does not tell.
std::size_t terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

std::string status_line(const Status& s) {
  char buffer[400];
  std::snprintf(buffer, sizeof buffer,
                "epoch %lld/%lld  step %lld/%lld  images %lld  loss_D %.3f  loss_G %.3f  D(x) %.2f  D(G(z)) %.2f  "
                "|gD| %.3g  |gG| %.3g  %.0f img/s  eta %s  mem %.0f MiB",
                static_cast<long long>(s.epoch), static_cast<long long>(s.epochs), static_cast<long long>(s.step),
                static_cast<long long>(s.steps), static_cast<long long>(s.images), s.loss_d, s.loss_g, s.d_real,
                s.d_fake, s.grad_norm_d, s.grad_norm_g, s.images_per_second, clock_text(s.eta_seconds).c_str(),
                s.memory_mib);
  return buffer;
}

std::string short_status_line(const Status& s, std::size_t width) {
  char buffer[200];
  std::snprintf(buffer, sizeof buffer, "%lld/%lld  D %.2f  G %.2f  D(x) %.2f  D(G(z)) %.2f  %.0f img/s  eta %s",
                static_cast<long long>(s.step), static_cast<long long>(s.steps), s.loss_d, s.loss_g, s.d_real, s.d_fake,
                s.images_per_second, clock_text(s.eta_seconds).c_str());
  return std::string(buffer).substr(0, width);
}

Progress::Progress(const std::string& how) : silent_(how == "none") {
  const char* term = std::getenv("TERM");
  const char* no_colour = std::getenv("NO_COLOR");
  const bool able = isatty(STDERR_FILENO) != 0 && term != nullptr && std::string(term) != "dumb";
  live_ = how == "auto" && able;
  colour_ = able && (no_colour == nullptr || *no_colour == '\0');
}

Progress::~Progress() { end_line(); }

bool Progress::wants_redraw() const { return live_ && Clock::now() - last_ >= std::chrono::milliseconds(100); }

void Progress::show(const Status& status, bool logged) {
  if (silent_) return;
  if (live_) {
    const std::size_t width = terminal_width() - 1;  // a full line would wrap
    const std::string full = status_line(status);
    write_error("\r\x1b[K" + (full.size() <= width ? full : short_status_line(status, width)));
    drawn_ = true;
    last_ = Clock::now();
  } else if (logged) {
    write_error(status_line(status) + "\n");
  }
}

void Progress::note(const std::string& line) {
  end_line();
  if (!silent_) write_error(line + "\n");
}

void Progress::warn(const std::string& line) { note(colour_ ? "\x1b[33m" + line + "\x1b[0m" : line); }

void Progress::end_line() {
  if (drawn_) write_error("\n");
  drawn_ = false;
}

double resident_mib() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (!file) return 0;
  long total = 0, resident = 0;
  const int read = std::fscanf(file, "%ld %ld", &total, &resident);
  std::fclose(file);
  return read == 2 ? static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20) : 0;
}

}  // namespace dcgan_mnist
