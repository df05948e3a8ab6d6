// Steps on a device, timed: the host waits once in some 20 ms, and the mean step of those is one sample.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <tinygan/runtime/captured_step.hpp>

#include "prediction.hpp"
#include "support/peak.hpp"
#include "support/samples.hpp"
#include "training.hpp"

namespace tinygan::bench {

/// A training whose steps are taken one by one, eager or replayed.
class Stepper {
 public:
  virtual ~Stepper() = default;
  virtual void step() = 0;
  virtual double loss() const = 0;
};

template <class T>
class StepperOf : public Stepper {
 public:
  StepperOf(const std::string& network, index_t batch, Device device, bool captured)
      : training_(network, batch, device),
        step_(
            device, [this] { training_(); },
            captured ? runtime::CapturedStep::Mode::automatic : runtime::CapturedStep::Mode::eager) {}
  void step() override { step_(); }
  double loss() const override { return training_.loss(); }

 private:
  Training<T> training_;
  runtime::CapturedStep step_;
};

/// In bf16 elements are bfloat16.
inline std::unique_ptr<Stepper> make_stepper(const std::string& network, index_t batch, Device device,
                                             Precision precision, bool captured) {
  set_precision(device, precision);
  if (precision == Precision::bf16) return std::make_unique<StepperOf<bfloat16>>(network, batch, device, captured);
  return std::make_unique<StepperOf<float>>(network, batch, device, captured);
}

/// Seconds of `count` steps in a row and the wait for them, per step.
inline double time_steps(Stepper& s, Device device, int count) {
  const double begin = seconds();
  for (int i = 0; i < count; ++i) s.step();
  synchronize(device);
  return (seconds() - begin) / count;
}

struct FirstSteps {
  double seconds = 0;  ///< of the very first
  double loss = 0;     ///< D's, of the second, which is a replay where steps are captured
};

/// The two steps that are not like those after them: they build what is kept, and capture.
inline FirstSteps take_first_steps(Stepper& s, Device device) {
  FirstSteps first;
  first.seconds = time_steps(s, device, 1);
  s.step();
  first.loss = s.loss();
  return first;
}

/// On the emulated device one sample of one step.
inline Samples measure_steps(Stepper& s, Device device) {
  Samples times;
  if (device.type == DeviceType::emulated) {
    times.add(time_steps(s, device, 1));
    return times;
  }
  time_steps(s, device, warm_up_steps / 2);
  const int in_a_row = steps_in_a_row(time_steps(s, device, warm_up_steps / 2));
  time_steps(s, device, in_a_row);
  for (int n = 0; n < least_step_samples || times.sum() * in_a_row < step_timing_seconds; ++n)
    times.add(time_steps(s, device, in_a_row));
  return times;
}

}  // namespace tinygan::bench
