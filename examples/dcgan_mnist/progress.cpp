#include "progress.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace dcgan_mnist {

namespace {

std::string clock_text(double seconds) {
  const auto total = static_cast<long>(seconds + 0.5);
  char buffer[32];
  if (total >= 3600) std::snprintf(buffer, sizeof buffer, "%ld:%02ld:%02ld", total / 3600, total / 60 % 60, total % 60);
  else std::snprintf(buffer, sizeof buffer, "%ld:%02ld", total / 60, total % 60);
  return buffer;
}

std::string line_of(const Status& s) {
  char buffer[320];
  std::snprintf(buffer, sizeof buffer,
                "epoch %lld/%lld  step %lld/%lld  images %lld  loss_D %.3f  loss_G %.3f  D(x) %.2f  D(G(z)) %.2f  "
                "|gD| %.3g  |gG| %.3g  %.0f img/s  eta %s  mem %.0f MiB",
                static_cast<long long>(s.epoch), static_cast<long long>(s.epochs), static_cast<long long>(s.step),
                static_cast<long long>(s.steps), static_cast<long long>(s.images), s.loss_d, s.loss_g, s.d_real, s.d_fake,
                s.grad_norm_d, s.grad_norm_g, s.images_per_second, clock_text(s.eta_seconds).c_str(), s.memory_mib);
  return buffer;
}

}  // namespace

Progress::Progress(const std::string& how) : silent_(how == "none") {
  const char* term = std::getenv("TERM");
  const bool dumb = term == nullptr || std::string(term) == "dumb";
  live_ = how == "auto" && isatty(STDERR_FILENO) != 0 && !dumb;
}

bool Progress::wants_redraw() const { return live_ && Clock::now() - last_ >= std::chrono::milliseconds(100); }

void Progress::show(const Status& status, bool logged) {
  if (silent_) return;
  if (live_) {
    std::fprintf(stderr, "\r\x1b[K%s", line_of(status).c_str());
    std::fflush(stderr);
    drawn_ = true;
    last_ = Clock::now();
  } else if (logged) {
    std::fprintf(stderr, "%s\n", line_of(status).c_str());
  }
}

void Progress::note(const std::string& line) {
  if (silent_) return;
  std::fprintf(stderr, "%s%s\n", drawn_ ? "\n" : "", line.c_str());
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
