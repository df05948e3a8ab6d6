#include "run/progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include <tinygan/base/error.hpp>

#include "base/numbers.hpp"
#include "base/standard_streams.hpp"

namespace dcgan_mnist {

namespace {

namespace gan = tinygan::gan;

std::string metric_text(float value, gan::NumberFormat format) {
  const double v = static_cast<double>(value);
  return format.kind == gan::NumberFormat::Digits::decimals ? fixed(v, format.digits) : general(v, format.digits);
}

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
  std::string metrics;
  for (const auto& m : gan::step_metrics<float>)
    metrics += tinygan::text("  ", m.label, ' ', metric_text(s.metrics.*m.value, m.format));
  return tinygan::text("epoch ", s.epoch, '/', s.epochs, "  step ", s.step, '/', s.steps, "  images ", s.images,
                       metrics, "  ", fixed(s.images_per_second, 0), " img/s  eta ", clock_text(s.eta_seconds),
                       "  mem ", fixed(s.memory_mib, 0), " MiB");
}

std::string short_status_line(const Status& s, std::size_t width) {
  std::string line = tinygan::text(s.step, '/', s.steps);
  for (const auto& m : gan::step_metrics<float>)
    if (*m.short_label != '\0')
      line += tinygan::text("  ", m.short_label, ' ', metric_text(s.metrics.*m.value, {m.format.kind, 2}));
  line += tinygan::text("  ", fixed(s.images_per_second, 0), " img/s  eta ", clock_text(s.eta_seconds));
  return line.substr(0, width);
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
