// The status line of a training run, on standard error.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <tinygan/gan/step_metrics.hpp>

namespace dcgan_mnist {

/// One step's metrics, as they are shown and logged.
struct Status {
  std::int64_t epoch = 0, epochs = 0, step = 0, steps = 0, images = 0;
  tinygan::gan::StepMetrics<float> metrics;
  double images_per_second = 0, eta_seconds = 0, memory_mib = 0;
};

/// All fields in their fixed order.
std::string status_line(const Status& status);
/// The same order, fewer and shorter fields: at most `width` characters.
std::string short_status_line(const Status& status, std::size_t width);

/// Redraws a line on a terminal, at most ten times a second; elsewhere prints plain lines.
class Progress {
 public:
  /// `how` is auto, plain or none.
  explicit Progress(const std::string& how);
  ~Progress();  ///< ends the status line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Whether a step that is not logged should be shown now.
  bool wants_redraw() const;
  void show(const Status& status, bool logged);
  /// Writes a line between status lines.
  void note(const std::string& line);
  /// note() in colour, if the terminal has colours and NO_COLOR is not set.
  void warn(const std::string& line);

 private:
  using Clock = std::chrono::steady_clock;
  void end_line();
  bool live_ = false, silent_ = false, colour_ = false, drawn_ = false;
  Clock::time_point last_{};
};

/// The resident memory of this process in MiB; 0 if unknown.
double resident_mib();

}  // namespace dcgan_mnist
