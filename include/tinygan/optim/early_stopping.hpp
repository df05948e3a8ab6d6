// EarlyStopping: when a measured value has not improved for some time.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include <tinygan/base/error.hpp>

namespace tinygan::optim {

/// Which of two metrics is better: losses are lower, accuracies higher.
enum class Better { lower, higher };

/// When a training that no longer improves ends.
struct EarlyStoppingOptions {
  int patience = 10;     ///< measurements in a row without an improvement, after which training should stop
  double min_delta = 0;  ///< an improvement is better than the best value by more than this
  Better better = Better::lower;
};

/// Tells from measurements, such as the loss on a validation set, when to stop training.
/// Source: Prechelt, "Early Stopping - But When?", 1998.
class EarlyStopping {
 public:
  /// Throws Error unless patience >= 1, and on a NaN, infinite or negative min_delta.
  explicit EarlyStopping(const EarlyStoppingOptions& options = {}) : options_(options) {
    check(options.patience >= 1, "early_stopping", "patience is ", options.patience, ", expected at least 1");
    check(std::isfinite(options.min_delta) && options.min_delta >= 0, "early_stopping", "min_delta is ",
          options.min_delta, ", expected a finite non-negative number");
  }

  /// Records a measurement; whether it is an improvement, as the first number is. NaN is none.
  bool improved(double value) {
    const bool better = !std::isnan(value) && (std::isnan(state_.best) || gain(value) > options_.min_delta);
    ++state_.measurements;
    if (better) state_.best = value, state_.best_measurement = state_.measurements;
    return better;
  }

  /// Whether the last `patience` measurements brought no improvement.
  bool should_stop() const { return state_.measurements - state_.best_measurement >= options_.patience; }

  /// NaN before the first number.
  double best() const { return state_.best; }
  /// Measurements count from 1; 0 before the first number.
  std::int64_t best_measurement() const { return state_.best_measurement; }

  /// What measurements have changed, for checkpoints; io/state.hpp writes it to files.
  struct State {
    double best = std::numeric_limits<double>::quiet_NaN();
    std::int64_t measurements = 0, best_measurement = 0;
  };
  const State& state() const { return state_; }
  /// Goes on from a state. Throws Error unless 0 <= best_measurement <= measurements.
  void set_state(const State& state) {
    check(0 <= state.best_measurement && state.best_measurement <= state.measurements, "early_stopping", "the best of ",
          state.measurements, " measurements is number ", state.best_measurement);
    state_ = state;
  }

 private:
  double gain(double value) const {
    return options_.better == Better::lower ? state_.best - value : value - state_.best;
  }

  EarlyStoppingOptions options_;
  State state_;
};

}  // namespace tinygan::optim
